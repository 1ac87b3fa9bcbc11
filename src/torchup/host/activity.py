"""What this process waits for now, a program or a server: a display asks, so that no wait is silent."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Activity(NamedTuple):
    """One wait."""

    kind: str  # run | ask
    what: str  # a program's or a host's name


_lock = threading.Lock()
_now: list[Activity] = []


@contextlib.contextmanager
def activity(kind: str, what: str) -> Iterator[None]:
    """Say that this thread waits for something until the block ends."""
    mine = Activity(kind, what)
    with _lock:
        _now.append(mine)
    try:
        yield
    finally:
        with _lock:
            _now.remove(mine)


def current() -> Activity | None:
    """What was begun last and goes on."""
    with _lock:
        return _now[-1] if _now else None
