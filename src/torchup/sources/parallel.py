"""Do one thing for many items at a time, and stop waiting at a limit."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from torchup.host.threads import begin, memory_is_short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Answer = TypeVar("Answer")

WORKERS = 12  # CDNs serve that many connections of one client without slowing any


def in_parallel(work: Callable[[Item], Answer], items: Sequence[Item], limit: float) -> list[Answer | None]:
    """Answers in the order of the items; ``None`` for those that had none after ``limit`` seconds.

    The threads are daemons, because a name look-up that hangs cannot be stopped and must not hold up the program's end;
    a thread pool of the standard library would wait for it. ``work`` must not raise.
    """
    answers: list[Answer | None] = [None] * len(items)
    waiting = list(reversed(range(len(items))))
    left, end = threading.Semaphore(0), time.monotonic() + limit

    def worker() -> None:
        while time.monotonic() < end:
            try:
                position = waiting.pop()
            except IndexError:
                return
            try:
                answers[position] = work(items[position])
            finally:
                left.release()

    if memory_is_short() or not _start(worker, min(WORKERS, len(items))):
        worker()  # no thread can be started (`ulimit -v`, `-u`): run one after the other
    _wait_for(left, len(items), end)
    waiting.clear()
    return list(answers)


def _start(worker: Callable[[], None], count: int) -> int:
    """Start up to ``count`` threads; how many could be started."""
    for started in range(count):
        try:
            begin(worker)
        except (RuntimeError, MemoryError):
            return started
    return count


def _wait_for(finished: threading.Semaphore, count: int, end: float) -> None:
    """Wait in short steps, so that Ctrl-C acts on Windows too."""
    for _ in range(count):
        while not finished.acquire(timeout=0.05):
            if time.monotonic() > end:
                return
