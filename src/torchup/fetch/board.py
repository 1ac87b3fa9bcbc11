"""The state of several downloads at a time as one progress; told by their threads, at most ten times a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from torchup.fetch.order import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.fetch.one import Seen
    from torchup.fetch.order import FileOrder
    from torchup.host import Host

PAUSE = 0.1  # seconds between two reports


class StoppedError(Exception):
    """Somebody asked for the end, or another file failed; what is there is kept."""


class Board:
    """Bytes of every file, and the word to stop."""

    def __init__(
        self, host: Host, orders: Sequence[FileOrder], tell: Callable[[Progress], None], stop: threading.Event
    ) -> None:
        self._host, self._tell = host, tell
        self.stop: threading.Event = stop
        self._sizes = {order.key: order.size or 0 for order in orders}
        self._done = dict.fromkeys(self._sizes, 0)
        self._rates: dict[str, float] = {}
        self._lock = threading.Lock()
        self._told = float("-inf")

    def look(self, order: FileOrder, seen: Seen) -> None:
        """Pass on the state of one file. Raises `StoppedError` where it shall end."""
        self._check()
        with self._lock:
            self._sizes[order.key] = max(self._sizes[order.key], seen.total)
            self._done[order.key], self._rates[order.key] = seen.done, seen.rate
            now = self._host.monotonic()
            if now - self._told < PAUSE:
                return
            self._told = now
            self._say(order, seen.place)

    def ended(self, order: FileOrder, size: int) -> None:
        """A file is there, of so many bytes."""
        with self._lock:
            self._sizes[order.key] = self._done[order.key] = size
            self._rates.pop(order.key, None)
            self._say(order, "", complete=True)

    def waiting(self, order: FileOrder) -> None:
        """Pass on that another torchup has the file. Raises `StoppedError` where it shall end."""
        self._check()
        with self._lock:
            self._say(order, "", waiting=True)

    def _check(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _say(self, order: FileOrder, place: str, *, waiting: bool = False, complete: bool = False) -> None:
        self._tell(
            Progress(
                file=order.name, place=place, done=self._done[order.key], total=self._sizes[order.key],
                all_done=sum(self._done.values()), all_total=sum(self._sizes.values()),
                rate=sum(self._rates.values()), waiting=waiting, complete=complete,
            )
        )  # fmt: skip
