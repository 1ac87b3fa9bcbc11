"""Threads that keep what belongs to the caller's context: the language of texts above all.

A thread of the standard library starts with an empty context, and with it every message would be English again. All
threads of torchup are started here.
"""

from __future__ import annotations

import _thread
import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def thread(work: Callable[P, object], /, *arguments: P.args, **options: P.kwargs) -> threading.Thread:
    """A thread, not yet started, that does ``work`` in the caller's context and does not hold up the program's end."""
    context = contextvars.copy_context()
    return threading.Thread(target=lambda: context.run(work, *arguments, **options), daemon=True)


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
        """See `concurrent.futures.Executor.submit`."""
        context = contextvars.copy_context()
        return super().submit(lambda: context.run(work, *arguments, **options))
