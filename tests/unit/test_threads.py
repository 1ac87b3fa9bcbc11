"""The language of texts is the caller's in every thread that torchup starts."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from torchup import i18n
from torchup.host import RealHost
from torchup.host.threads import Pool, thread
from torchup.model import message
from torchup.sources.parallel import in_parallel

LOOKING = message("up.detect", "examining this machine and preparing the plan")


@pytest.fixture
def chinese():
    """Chinese for one test; gives what a message must then be."""
    i18n.use("zh")
    yield i18n.render(LOOKING)
    i18n.use("en")


def test_the_message_differs_between_the_languages(chinese):
    """The example itself: a message without a translation would prove nothing."""
    assert chinese != i18n.render(LOOKING, "en")


def test_every_kind_of_thread_speaks_the_callers_language(chinese):
    """A thread, a pool's submit and map, and the sources asked side by side."""
    heard: list[str] = []
    one = thread(lambda: heard.append(i18n.render(LOOKING)))
    one.start()
    one.join()
    with Pool(max_workers=2) as pool:
        heard.append(pool.submit(i18n.render, LOOKING).result())
        heard += pool.map(i18n.render, [LOOKING] * 3)
    heard += in_parallel(i18n.render, [LOOKING] * 3, 10.0)
    assert heard == [chinese] * 8


def test_what_a_child_says_is_told_in_the_callers_language(chinese):
    """Lines of a program are handed on as they come, by the thread that reads them: progress and rungs are told so."""
    heard: list[str] = []
    RealHost().run((sys.executable, "-c", "print(1)"), timeout=60, on_line=lambda _: heard.append(i18n.render(LOOKING)))
    assert heard == [chinese]


@pytest.mark.skipif(sys.platform == "win32", reason="`ulimit -v` is POSIX")
def test_a_short_memory_is_worked_in_without_threads(monkeypatch):
    """Where a thread may die in the middle of an import nothing is left to one, and the limit holds anyway."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 29, 1 << 29))
    came = in_parallel(lambda item: (threading.get_ident(), item), range(20), 10.0)
    assert came == [(threading.get_ident(), item) for item in range(20)]
    assert in_parallel(lambda item: time.sleep(0.2) or item, range(9), 0.3) == [0, 1, *[None] * 7]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 33, 1 << 33))
    assert threading.get_ident() not in in_parallel(lambda _: threading.get_ident(), range(20), 10.0)
