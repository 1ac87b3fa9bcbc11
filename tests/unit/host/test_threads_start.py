"""Threads under a memory limit: no start waits without end."""

from __future__ import annotations

import threading

import pytest

from torchup.host import threads
from torchup.host.threads import Pool, thread


def test_a_thread_that_gives_no_sign_is_an_error(monkeypatch):
    """A thread that dies before it gives a sign ends in `RuntimeError`, not in a wait."""
    monkeypatch.setattr(threads, "SIGN", 0.05)
    monkeypatch.setattr(threading.Thread, "_bootstrap", lambda _: None)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        thread(lambda: None).start()


def test_a_thread_does_its_work():
    """A thread that starts as usual works as usual."""
    done = threading.Event()
    started = thread(done.set)
    started.start()
    started.join(5)
    assert done.is_set()


@pytest.mark.parametrize("limited", [True, False])
def test_a_pool_answers_with_and_without_a_limit(monkeypatch, limited):
    """Results, order and errors are the same, whoever does the work; under a limit no thread is started."""
    monkeypatch.setattr(threads, "memory_is_short", lambda: limited)
    with Pool(3) as pool:
        assert list(pool.map(lambda n: n * n, range(5))) == [0, 1, 4, 9, 16]
        here = pool.submit(threading.current_thread).result() is threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()
    assert here is limited
