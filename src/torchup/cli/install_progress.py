"""An installation's progress on stderr: a bar where a person watches, one plain line a step elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from torchup.cli import events
from torchup.cli.display import DISPLAY
from torchup.i18n import render, text
from torchup.install.downloads import Downloads, follow
from torchup.model import UNKNOWN, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.cli.session import Session
    from torchup.fetch import Progress as FetchProgress
    from torchup.install.base import Event, Progress
    from torchup.model import Message


@contextlib.contextmanager
def install_progress(session: Session) -> Iterator[Progress]:
    """A function to give to `install.engine.install`."""
    if session.events:
        yield events.installing
        return
    if not session.interactive:
        yield _Lines(session).tell
        return
    try:
        yield _Line(session).tell
    finally:
        DISPLAY.close()


class _Lines:
    """One line a stage; under ``-v`` also what the tool prints."""

    def __init__(self, session: Session) -> None:
        self._session, self._tenth = session, 0

    def tell(self, event: Event) -> None:
        """See `install.base.Progress`."""
        if event.download is not None:
            self._download(event.download)
        elif event.detail is None:
            self._session.note(_line(event))
        elif self._session.verbose:
            self._session.note(message("install.progress.detail", "    {line}", line=event.detail))

    def _download(self, download: FetchProgress) -> None:
        """One line every tenth of the whole; under ``-v`` also one a file."""
        if download.complete and self._session.verbose:
            self._session.note(message("install.progress.detail", "    {line}", line=_file(download)))
        tenth = 10 * download.all_done // max(download.all_total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            self._session.note(message("install.progress.download", "    {state}", state=_state(download)))


TOOLS = ("step", "hub")  # stages in which a tool prints what is not for everybody
LAST = ("done", "reused")  # after them nothing is under way: no bar stays
# Lines that say how far a tool is; the rest is for -v.
TOLD = ("Resolved", "Prepared", "Building", "Built", "Collecting", "Installing", "Downloading", "Solving", "Linking")


class _Line:
    """The display's line over the bytes that the tool reports; finished stages stay as lines above it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._downloads = Downloads()
        self._stage: Event | None = None

    def tell(self, event: Event) -> None:
        """See `install.base.Progress`."""
        if event.download is not None:
            self._show(event, event.download)
        elif event.detail is None:
            self._begin(event)
        else:
            self._follow(event, event.detail)

    def _begin(self, event: Event) -> None:
        if self._stage is not None and self._stage.text != event.text:
            self._session.note(_line(self._stage))
        last = event.stage in LAST
        if last:
            self._session.note(_line(event))
        self._stage, self._downloads = None if last else event, Downloads()
        if not last:
            DISPLAY.show(_name(event))

    def _show(self, event: Event, download: FetchProgress) -> None:
        detail = _state(download)
        if self._session.verbose:
            detail = f"{detail} · {_file(download)}"
            if download.complete:
                self._session.note(message("install.progress.detail", "    {line}", line=_file(download)))
        DISPLAY.show(_name(event), detail=detail, done=download.all_done, total=download.all_total)

    def _follow(self, event: Event, line: str) -> None:
        self._downloads = follow(self._downloads, line)
        if self._downloads.total:
            detail = ", ".join(self._downloads.running[:3]) + f" {_size(self._downloads.total)}"
            DISPLAY.show(_name(event), detail=detail, done=self._downloads.finished, total=self._downloads.total)
        elif event.stage not in TOOLS or line.lstrip().startswith(TOLD):
            DISPLAY.show(_name(event), detail=line.strip())


def _name(event: Event) -> str:
    """The stage in a few words."""
    return render(_line(event))


def _line(event: Event) -> Message:
    if event.position is None:
        return event.text
    return message(
        "install.progress.step",
        "{position}/{total} {step}",
        position=event.position,
        total=event.total,
        step=event.text,
    )


def _file(download: FetchProgress) -> str:
    """``torch-2.14.1.whl 120.0 MB of 900.0 MB, pytorch-index:cu126``."""
    done, total = _size(download.done), _size(download.total)
    if download.complete:
        return text("install.progress.file-done", "{file}, {total}", file=download.file, total=total)
    return text(
        "install.progress.file",
        "{file}: {done} of {total} from {place}",
        file=download.file,
        done=done,
        total=total,
        place=download.place or UNKNOWN,
    )


def _state(download: FetchProgress) -> str:
    """``1.2 GB of 3.0 GB, 45.1 MB/s, 0:40 left``."""
    if download.waiting:
        return text("install.progress.waiting", "another torchup process is downloading {file}", file=download.file)
    done, total, rate = _size(download.all_done), _size(download.all_total), _size(round(download.rate))
    if download.seconds_left is None:
        return text("install.progress.bytes", "{done} of {total}", done=done, total=total)
    minutes, seconds = divmod(round(download.seconds_left), 60)
    left = f"{minutes}:{seconds:02}"
    return text(
        "install.progress.rate",
        "{done} of {total}, {rate}/s, {left} left",
        done=done,
        total=total,
        rate=rate,
        left=left,
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004  # decimal units
