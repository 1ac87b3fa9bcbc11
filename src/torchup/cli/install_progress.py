"""An installation's progress on stderr: a bar where a person watches, one plain line a step elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from torchup.i18n import printable, render, text
from torchup.install.downloads import Downloads, follow
from torchup.model import message
from torchup.privacy import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from torchup.cli.session import Session
    from torchup.fetch import Progress as FetchProgress
    from torchup.install.base import Event, Progress
    from torchup.model import Message


@contextlib.contextmanager
def install_progress(session: Session) -> Iterator[Progress]:
    """A function to give to `install.engine.install`."""
    if not session.interactive:
        yield _Lines(session).tell
        return
    from rich.console import Console  # noqa: PLC0415  # rich costs 40 ms; only a terminal pays it
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415  # same

    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=20),
        TextColumn("{task.fields[detail]}", markup=False), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(session, bars, bars.add_task("", total=None, detail="")).tell


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
        """One line every tenth of the whole."""
        tenth = 10 * download.all_done // max(download.all_total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            self._session.note(message("install.progress.download", "    {state}", state=_state(download)))


LAST = ("done", "reused")  # after them nothing is under way: no bar stays
# Lines that say how far a tool is; the rest is for -v.
TOLD = ("Resolved", "Prepared", "Building", "Built", "Collecting", "Installing", "Downloading", "Solving", "Linking")


class _Bars:
    """A bar over the bytes that the tool reports; finished stages stay as lines above it."""

    def __init__(self, session: Session, bars: Bars, task: TaskID) -> None:
        self._session, self._bars, self._task = session, bars, task
        self._downloads = Downloads()
        self._stage: Event | None = None

    def tell(self, event: Event) -> None:
        """See `install.base.Progress`."""
        if event.download is not None:
            self._show(event.download)
        elif event.detail is None:
            self._begin(event)
        else:
            self._follow(event.detail)

    def _begin(self, event: Event) -> None:
        if self._stage is not None:
            self._print(self._stage)
        last = event.stage in LAST
        if last:
            self._print(event)
        self._stage, self._downloads = None if last else event, Downloads()
        self._bars.tasks[0].total = None  # `reset` would keep the last stage's
        self._bars.reset(self._task, description=render(event.text)[:60], detail="", visible=not last)

    def _print(self, event: Event) -> None:
        self._bars.console.print(without_secrets(render(_line(event))), markup=False, highlight=False)

    def _show(self, download: FetchProgress) -> None:
        self._bars.update(
            self._task, total=download.all_total, completed=download.all_done, detail=printable(_state(download))
        )

    def _follow(self, line: str) -> None:
        self._downloads = follow(self._downloads, line)
        if self._downloads.total:
            detail = ", ".join(self._downloads.running[:3]) + f" {_size(self._downloads.total)}"
            self._bars.update(
                self._task,
                total=self._downloads.total,
                completed=self._downloads.finished,
                detail=without_secrets(printable(detail)),
            )
        elif line.lstrip().startswith(TOLD):
            self._bars.update(self._task, detail=without_secrets(printable(line.strip()))[:40])


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


def _state(download: FetchProgress) -> str:
    """``1.2 GB of 3.0 GB, 45.1 MB/s, 0:40 left``."""
    if download.waiting:
        return text("install.progress.waiting", "another torchup is downloading {file}", file=download.file)
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
