"""The one line on stderr that says what happens now, while a person watches.

It is gone as soon as something else is written. A verb that is silent for a second gets it by itself, with the program
or server that is waited for; stages that are announced (`show`) have a name, and a bar where the end is known.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

import msgspec

from torchup.host.activity import current
from torchup.i18n import printable, text
from torchup.model import Value
from torchup.privacy import without_secrets
from torchup.report.columns import cells, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.live import Live
    from rich.text import Text

SILENCE = 1.0  # seconds after which a verb that says nothing gets a line
LOOK = 0.2  # seconds between two looks at the silence
PATIENCE = 8.0  # seconds after which a line that does not change says how long it has stood
BAR = 16  # columns
NARROW = 24  # columns that words need at least
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_FRAMES = "-\\|/"
PYTHON = "python"  # a worker of torchup's


class Shown(Value, frozen=True, kw_only=True):
    """What the line says. Times are seconds of the monotonic clock."""

    words: str
    detail: str = ""
    done: float | None = None
    total: float | None = None
    begun: float = 0.0  # since when the stage runs
    changed: float = 0.0  # since when the words and the detail are these
    ends: float | None = None  # when a budget of ``total`` seconds is over


def line(shown: Shown, now: float, width: int, frame: str) -> str:
    """The line at a moment: frame, words, bar, detail, clock, in ``width`` columns."""
    words, stood = shown.words, now - shown.changed
    if stood >= PATIENCE and shown.ends is None:
        still = int(stood // PATIENCE * PATIENCE)
        words += " · " + text("display.still", "still working, no news for {seconds} s", seconds=still)
    bar = _bar(shown, now)
    ending = [part for part in (bar, _detail(shown, now), _clock(now - shown.begun)) if part]
    if bar and width - cells("  ".join((frame, *ending))) - 3 < max(NARROW, cells(words)):
        ending.remove(bar)
    tail = cut("  ".join(ending), max(width - NARROW, 8))
    return f"{frame} {cut(words, max(width - cells(tail) - cells(frame) - 3, 8))}  {tail}"


def _bar(shown: Shown, now: float) -> str:
    if shown.ends is not None and shown.total:
        share = 1 - (shown.ends - now) / shown.total
    elif shown.done is not None and shown.total:
        share = shown.done / shown.total
    else:
        return ""
    full = round(BAR * min(max(share, 0.0), 1.0))
    return "━" * full + "╌" * (BAR - full)


def _detail(shown: Shown, now: float) -> str:
    if shown.ends is None:
        return shown.detail
    left = shown.ends - now
    words = text("display.left", "{time} left", time=_clock(left)) if left > 0 else text("display.over", "finishing")
    return " · ".join(part for part in (shown.detail, words) if part)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes}:{rest:02}"


def terminal_width(stream: TextIO) -> int:
    """Columns of the terminal that a stream goes to; 80 where it goes to none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def activity_words() -> str:
    """What is waited for, in words; empty where nothing is."""
    found = current()
    if found is None:
        return ""
    if found.what.startswith(PYTHON):
        return text("display.python", "running Python")
    if found.kind == "ask":
        return text("display.asking", "asking {host}", host=found.what)
    return text("display.running", "running {program}", program=found.what)


class Display:
    """The line of this process. Safe to tell from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.RLock()
        self._live: Live | None = None
        self._shown: Shown | None = None
        self._automatic = False
        self._suspended = 0
        self._written = clock()

    def show(self, words: str, *, detail: str = "", done: float | None = None, total: float | None = None,
             ends: float | None = None) -> None:  # fmt: skip
        """Say what happens; the clock of the stage begins where the words are new."""
        with self._lock:
            self._set(words, Shown(words=words, detail=detail, done=done, total=total, ends=ends), automatic=False)

    def _set(self, words: str, new: Shown, *, automatic: bool) -> None:
        now, before = self._clock(), self._shown
        same_stage = before is not None and before.words == words and not self._automatic
        same = before is not None and (before.words, before.detail) == (new.words, new.detail)
        self._shown = msgspec.structs.replace(
            new,
            words=printable(without_secrets(words)),
            detail=printable(without_secrets(new.detail)),
            begun=before.begun if before is not None and (same_stage or automatic) else now,
            changed=before.changed if before is not None and same else now,
        )
        self._automatic = automatic
        self._open()

    def _open(self) -> None:
        if self._live is not None or self._suspended:
            return
        from rich.console import Console  # noqa: PLC0415  # rich costs 40 ms; only who waits pays it
        from rich.live import Live  # noqa: PLC0415  # same

        self._live = Live(
            get_renderable=self._render, console=Console(stderr=True), transient=True, refresh_per_second=8,
            redirect_stdout=False, redirect_stderr=False, vertical_overflow="crop",
        )  # fmt: skip
        self._live.start(refresh=True)

    def _render(self) -> Text:
        from rich.text import Text  # noqa: PLC0415  # see `_open`

        shown = self._shown
        if shown is None or self._live is None:
            return Text()
        now, console = self._clock(), self._live.console
        console.width = terminal_width(sys.stderr)  # it may have been made narrower
        frames = FRAMES if console.encoding.startswith("utf") else PLAIN_FRAMES
        frame = frames[int(now * 8) % len(frames)]
        words = line(shown, now, console.width - 1, frame)
        return Text.assemble((frame, "cyan"), words.removeprefix(frame), no_wrap=True, overflow="crop", end="")

    def close(self) -> None:
        """Take the line away: something else is written, or all is done."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
            self._live, self._shown, self._automatic = None, None, False
            self._written = self._clock()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """The terminal belongs to a question or to another program until the block ends."""
        with self._lock:
            self.close()
            self._suspended += 1
        try:
            yield
        finally:
            with self._lock:
                self._suspended -= 1
                self._written = self._clock()

    def look(self) -> None:
        """Show the line by itself after a second of silence, and keep what it says up to date."""
        with self._lock:
            if self._suspended or (self._shown is None and self._clock() - self._written < SILENCE):
                return
            if self._shown is None or self._automatic:
                words = activity_words() or text("display.working", "working")
                self._set(words, Shown(words=words), automatic=True)


DISPLAY = Display()


@contextlib.contextmanager
def watching(wanted: Callable[[], bool]) -> Iterator[None]:
    """Fill silences with the line until the block ends; ``wanted``: whether a person watches."""
    if not sys.stderr.isatty():
        yield
        return
    from torchup.host.threads import thread  # noqa: PLC0415  # 4 ms that only a terminal pays for

    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            if wanted():
                DISPLAY.look()

    DISPLAY.close()
    watcher = thread(watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        DISPLAY.close()
