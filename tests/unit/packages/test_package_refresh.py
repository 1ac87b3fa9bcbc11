"""`catalog refresh --packages`: what an index has that the tables do not, and what nothing can be said of."""

from __future__ import annotations

from support.index import serve_index
from support.sources import IsolatedHost
from support.wheels import make_wheel
from torchup.catalog.packages import load_packages
from torchup.sources.index_client import Connection
from torchup.sources.package_refresh import refresh_packages

TABLES = load_packages()


def test_newer_current_and_untold_are_told_apart(tmp_path):
    """A newer release is told, a pre-release is not one, and a page that is not there says nothing."""
    version = TABLES.get("vllm").version
    make_wheel(tmp_path, "vllm", "999.0")
    make_wheel(tmp_path, "torchao", TABLES.get("torchao").version)
    make_wheel(tmp_path, "torchao", "999.0rc1")
    with serve_index(tmp_path) as index:
        found = refresh_packages(IsolatedHost(tmp_path), TABLES, index.url, Connection())
    assert [(one.package, one.known, one.found) for one in found.newer] == [("vllm", version, "999.0")]
    assert found.current == ("torchao",)
    assert "xformers" in found.untold


def test_a_silent_index_says_nothing(tmp_path):
    """No answer is never "nothing new"."""
    found = refresh_packages(IsolatedHost(tmp_path), TABLES, "http://127.0.0.1:9/simple", Connection())
    assert (found.newer, found.current) == ((), ())
    assert len(found.untold) > 10
