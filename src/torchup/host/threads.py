"""Threads that keep what belongs to the caller's context: the language of texts above all.

A thread of the standard library starts with an empty context, and with it every message would be English again. All
threads of torchup are started here.
"""

from __future__ import annotations

import _thread
import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

SIGN = 20.0  # seconds for the sign of a new thread; it takes microseconds
# Bytes of address space. A dozen threads reserve 8 MiB of stack and a 64 MiB malloc arena each (glibc's mallopt(3)).
ROOM_FOR_THREADS = 1 << 31
SIGN_IN_LITTLE_MEMORY = 3.0  # where a thread may die before its sign

P = ParamSpec("P")
T = TypeVar("T")


def thread(work: Callable[P, object], /, *arguments: P.args, **options: P.kwargs) -> threading.Thread:
    """A thread, not yet started, that does ``work`` in the caller's context and does not hold up the program's end."""
    context = contextvars.copy_context()
    return _Thread(target=lambda: context.run(work, *arguments, **options), daemon=True)


class _Thread(threading.Thread):
    """A thread whose `start` raises `RuntimeError` if the thread died of a memory limit before it gave a sign."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._started = _Sign()


class _Sign(threading.Event):
    """The sign of a new thread; the standard library waits for it without end."""

    def wait(self, timeout: float | None = None) -> bool:
        """See `threading.Event.wait`."""
        patience = SIGN_IN_LITTLE_MEMORY if memory_is_short() else SIGN
        if super().wait(patience if timeout is None else timeout) or timeout is not None:
            return self.is_set()
        raise RuntimeError("can't start new thread")


def begin(work: Callable[[], object], /) -> None:
    """Start ``work`` on a thread that is never joined and does not hold up the program's end.

    `threading.Thread.start` waits for a sign of the new thread. A thread that dies of a memory limit before it gives
    the sign is waited for without end, so this does not wait.

    Raises:
        RuntimeError, MemoryError: no thread can be started.
    """
    _thread.start_new_thread(contextvars.copy_context().run, (work,))


class Pool(ThreadPoolExecutor):
    """The standard pool, whose ``submit`` and ``map`` work in the caller's context."""

    def submit(self, work: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> Future[T]:
        """See `concurrent.futures.Executor.submit`. Under a memory limit the work is done here, before it returns."""
        if memory_is_short():
            return _done_here(lambda: work(*arguments, **options))
        context = contextvars.copy_context()
        return super().submit(lambda: context.run(work, *arguments, **options))


def memory_is_short() -> bool:
    """Whether `ulimit -v` leaves too little for a dozen threads.

    A thread may then die before its first line or in the middle of an import, and others wait for its locks.
    """
    try:
        import resource  # POSIX only
    except ImportError:
        return False
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit != resource.RLIM_INFINITY and limit < ROOM_FOR_THREADS


def _done_here(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001  # whoever asks for the result gets it, as from a thread
        future.set_exception(error)
    return future
