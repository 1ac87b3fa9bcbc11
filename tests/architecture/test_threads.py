"""Threads are started in one place, which hands over the caller's context (the language of texts)."""

from __future__ import annotations

import re

from architecture.test_imports import PACKAGE

STARTERS = re.compile(r"\bThread\(|\(threading\.Thread\)|\bThreadPoolExecutor\b")
ONE_PLACE = ("host/threads.py", "worker/")  # the worker runs elsewhere and says codes, not sentences


def test_threads_start_in_one_place():
    """No other file makes a thread or a pool of its own."""
    files = {str(path.relative_to(PACKAGE)).replace("\\", "/"): path for path in PACKAGE.rglob("*.py")}
    makers = [name for name, path in files.items() if STARTERS.search(path.read_text("utf-8"))]
    assert "host/threads.py" in makers
    assert [name for name in makers if not name.startswith(ONE_PLACE)] == []
