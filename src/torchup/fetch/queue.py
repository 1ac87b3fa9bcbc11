"""Several files: large ones after another by several connections each, small ones beside them, one progress."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchup.fetch.board import Board, StoppedError
from torchup.fetch.one import Fetching
from torchup.fetch.order import CONNECTIONS, FileOrder, Patience, Place, Progress
from torchup.host.threads import thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Host

SMALL_AT_A_TIME = 4  # small files that come beside the large one


def fetch_all(
    host: Host,
    orders: Sequence[FileOrder],
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
    elsewhere: Callable[[FileOrder], tuple[Place, ...]] = lambda _: (),
    ready: Callable[[FileOrder, str], None] = lambda *_: None,
    stop: threading.Event | None = None,
) -> dict[str, str]:
    """Fetch files into the store.

    Args:
        host: the machine.
        orders: the files, each once; the largest should stand first.
        tell: receives the state, about ten times a second; may be called from another thread.
        patience: when to leave a place.
        connections: to one server at a time; at least 1.
        elsewhere: finds further places of a file, asked when its own are not enough.
        ready: receives each file with its path as soon as it is complete; may be called from another thread.
        stop: set by another thread to end it soon; what came is kept.

    Returns:
        `FileOrder.key` -> path of the verified file.

    Raises:
        NetworkError: a file is not available; InstallError: it cannot be written. What was fetched is kept.
        StoppedError: ``stop`` was set.
    """
    several = _Several(
        host=host, patience=patience or Patience(), connections=connections, elsewhere=elsewhere, ready=ready,
        board=Board(host, orders, tell, stop or threading.Event()), found={},
    )  # fmt: skip
    several.run(orders)
    return several.found


@dataclass(kw_only=True)
class _Several:
    """The files of one call."""

    host: Host
    patience: Patience
    connections: int
    elsewhere: Callable[[FileOrder], tuple[Place, ...]]
    ready: Callable[[FileOrder, str], None]
    board: Board
    found: dict[str, str]
    error: Exception | None = None

    def run(self, orders: Sequence[FileOrder]) -> None:
        small = [order for order in orders if not order.large]
        waiting = list(reversed(small))
        beside = [thread(self._lane, waiting) for _ in range(min(SMALL_AT_A_TIME, len(small)))]
        for one in beside:
            one.start()
        try:
            for order in orders:
                if order.large:
                    self._one(order, self.connections)
            for one in beside:
                while one.is_alive():
                    one.join(0.1)  # in pieces: Ctrl-C is heard between them
        except BaseException as error:
            self.board.stop.set()
            for one in beside:
                one.join(3.0)
            if isinstance(error, StoppedError) and self.error is not None:
                raise self.error from None
            raise
        if self.error is not None:
            raise self.error

    def _lane(self, waiting: list[FileOrder]) -> None:
        """Fetch small files until there is none left; the first failure ends all."""
        with contextlib.suppress(IndexError, StoppedError):
            while True:
                order = waiting.pop()
                try:
                    self._one(order, 1)
                except StoppedError:
                    raise
                except Exception as error:  # noqa: BLE001  # raised again by the thread that waits
                    self.error = self.error or error
                    self.board.stop.set()
                    return

    def _one(self, order: FileOrder, connections: int) -> None:
        fetching = Fetching(
            host=self.host, patience=self.patience, connections=connections, elsewhere=self.elsewhere,
            look=lambda seen: self.board.look(order, seen), waiting=lambda: self.board.waiting(order),
        )  # fmt: skip
        path = fetching.fetch(order)
        self.found[order.key] = path
        self.board.ended(order, self.host.size(path) or 0)
        self.ready(order, path)
