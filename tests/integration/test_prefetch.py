"""Installing from a lock whose large files torchup fetched: real uv, a real server."""

from __future__ import annotations

import pytest

from support.index import serve_index
from support.plans import importing, index_plan
from support.wheels import make_fake_torch, make_wheel
from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.host import RealHost
from torchup.install import engine, prefetch

HOST = RealHost()


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch, tmp_path):
    """The fetcher takes all files, and no cache but this test's is used."""
    monkeypatch.setattr(prefetch, "LARGE", 1)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))


@pytest.fixture
def index(tmp_path):
    """A server with torch, its dependency and pip."""
    folder = tmp_path / "wheels"
    make_fake_torch(folder, "2.13.0", requires=["filelock"])
    make_wheel(folder, "filelock", "3.1")
    with serve_index(folder) as running:
        yield running


def install(index, name="default"):
    """The events of one installation, each with the number of requests for wheels until then."""
    told = []

    def tell(event):
        told.append((event, len(downloads(index))))

    engine.install(HOST, index_plan(index.url), name, verify=importing(), progress=tell)
    return told


def downloads(index):
    """The wheels that the server was asked for."""
    return [path for path in index.requests if path.endswith(".whl")]


def test_large_files_are_fetched_once_and_installed_from_the_store(index):
    """The progress ends at all bytes, and uv asks the server for none of these files again."""
    told = install(index)
    states = [(event.download, asked) for event, asked in told if event.download is not None]
    assert states[-1][0].all_done == states[-1][0].all_total
    verified = next(asked for event, asked in told if event.stage == "verify")
    assert downloads(index)[states[-1][1] : verified] == []
    fetched = {file.name for file in store.contents(HOST)}
    assert any(name.startswith("torch-") for name in fetched)


def test_what_uv_has_in_its_cache_is_not_fetched(index, monkeypatch):
    """After an installation by uv alone torchup downloads nothing."""
    monkeypatch.setattr(prefetch, "LARGE", 10**9)
    install(index)
    monkeypatch.setattr(prefetch, "LARGE", 1)
    told = install(index, "second")
    assert not any(event.download for event, _ in told)
    assert store.contents(HOST) == ()


def test_a_file_with_another_hash_than_the_index_says_is_refused(index):
    """Neither torchup nor uv installs it."""
    index.fault, index.only = "hash", "torch"
    with pytest.raises((InstallError, NetworkError), match="hash"):
        install(index)
