"""What every test starts from: English, no colour, a torchup home of its own."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest
from hypothesis import settings

from torchup import i18n

_parse = ast.parse


def _parse_undisturbed(*arguments, **options):
    """CPython 3.11 can end in a SystemError where a garbage collection falls into `ast.parse` (gh-106905)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return _parse(*arguments, **options)
    finally:
        if enabled:
            gc.enable()


ast.parse = _parse_undisturbed
settings.register_profile("torchup", deadline=None)  # these machines are noisy; a slow example is not a wrong one
settings.load_profile("torchup")


def pytest_addoption(parser):
    """`--update-golden` rewrites the recorded plans; look at the difference before you commit it."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/plans")


def pytest_configure(config):
    """Compile the Chinese catalogue where git has brought a newer one: no test reads yesterday's texts."""
    source = Path(__file__).parents[1] / "src/torchup/i18n/locale/zh_CN/LC_MESSAGES/torchup.po"
    compiled = source.with_suffix(".mo")
    is_worker = hasattr(config, "workerinput")  # of pytest-xdist: the process that started it has looked
    if not is_worker and (not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime):
        from scripts.messages import compile_catalogue  # noqa: PLC0415  # babel, which a fresh checkout never needs here

        compile_catalogue()


# Tests that train. Two at a time on few cores wait for each other's threads by spinning: minutes instead of seconds.
TRAINING = {
    "test_bundle.py", "test_distributed.py", "test_doc_examples.py", "test_fused_cpu.py", "test_fused_triton.py",
    "test_jupyter.py", "test_up.py", "test_worker.py", "test_worker_precision.py", "test_worker_userdata.py",
    "test_worker_workloads.py",
}  # fmt: skip


@pytest.hookimpl(wrapper=True)  # around pytest-xdist's own hook, which reads the groups
def pytest_collection_modifyitems(config, items):
    """Keep the tests that train on one process (`pytest -n 2 --dist loadgroup`), and see that pytest-xdist does it."""
    training = [item for item in items if item.path.name in TRAINING]
    for item in training:
        item.add_marker(pytest.mark.xdist_group("training"))
    result = yield
    if getattr(config.option, "loadgroup", False) and any("@" not in item.nodeid for item in training):
        raise pytest.UsageError("this pytest and this pytest-xdist do not keep groups of tests on one process")
    return result


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch, tmp_path):
    """Keep the developer's own settings, locale and torchup data out of the tests."""
    for name in ("TORCHUP_LANG", "TORCHUP_MIRROR", "TORCHUP_CONNECTIONS", "FORCE_COLOR", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "torchup-home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    i18n.use("en")
