"""Installing from a lock whose large files torchup fetched: real uv, a real server."""

from __future__ import annotations

import threading

import pytest

from support.index import serve_index
from support.index_server import IndexServer, Wheel
from support.index_server import make_wheel as index_wheel
from support.line_server import metadata
from support.plans import folder_plan, importing, index_plan
from support.wheels import make_fake_torch, make_wheel
from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.host import RealHost
from torchup.install import engine, prefetch, space
from torchup.install.downloading import Downloading

HOST = RealHost()


@pytest.fixture(autouse=True)
def own_caches(monkeypatch, tmp_path):
    """No cache but this test's is used."""
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


def install(index, name="default", installer="uv", host=HOST):
    """The events of one installation, each with the number of requests for wheels until then."""
    told = []

    def tell(event):
        told.append((event, len(downloads(index))))

    plan = index_plan(index.url, installer=installer)
    engine.install(host, plan, name, verify=importing(), progress=tell)
    return told


def downloads(index):
    """The wheels that the server was asked for."""
    return [path for path in index.requests if path.endswith(".whl")]


@pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_files_are_fetched_once_and_installed_from_the_store(index, installer):
    """The progress ends at all bytes, and the installer asks the server for none of these files again."""
    told = install(index, installer=installer)
    states = [(event.download, asked) for event, asked in told if event.download is not None]
    assert states[-1][0].all_done == states[-1][0].all_total
    verified = next(asked for event, asked in told if event.stage == "verify")
    assert downloads(index)[states[-1][1] : verified] == []
    fetched = {file.name for file in store.contents(HOST)}
    assert any(name.startswith("torch-") for name in fetched)


def test_what_uv_has_in_its_cache_is_not_fetched(index, monkeypatch):
    """After an installation by uv alone torchup downloads nothing."""
    with monkeypatch.context() as alone:
        alone.setattr(engine, "PREPARE", {})
        install(index)
    told = install(index, "second")
    assert not any(event.download for event, _ in told)
    assert store.contents(HOST) == ()


def test_a_file_with_another_hash_than_the_index_says_is_refused(index):
    """Neither torchup nor uv installs it."""
    index.fault, index.only = "hash", "torch"
    with pytest.raises((InstallError, NetworkError), match="hash"):
        install(index)


def test_a_second_environment_downloads_and_hashes_nothing(index, monkeypatch):
    """What uv has unpacked from the store is linked, whichever environment it was for."""
    install(index)
    monkeypatch.setattr(RealHost, "sha256", lambda *_: pytest.fail("hashed again"))
    told = install(index, "second")
    assert not any(event.download for event, _ in told)


def test_what_has_come_is_installed_while_the_rest_comes(index, monkeypatch):
    """Hold torch back until uv has installed its dependency."""
    installed = threading.Event()
    fetch, perform = Downloading.fetch, prefetch._perform

    def held_back(self, files, *, ready, stop):
        def tell(digest, path):
            if "torch-" in path:
                assert installed.wait(20), "nothing was installed before the last file had come"
            ready(digest, path)

        return fetch(self, files, ready=tell, stop=stop)

    def performed(staging, step):
        perform(staging, step)
        installed.set()

    monkeypatch.setattr(Downloading, "fetch", held_back)
    monkeypatch.setattr(prefetch, "_perform", performed)
    install(index)
    assert {file.name.split("-")[0] for file in store.contents(HOST)} >= {"torch", "filelock"}


class Crowded(RealHost):
    """A machine whose disk has room for the wheels and not for their files."""

    def disk_free(self, path):
        """Less than the wheels take unpacked."""
        del path
        return 3200


def test_too_little_space_is_told_with_both_sums_before_the_first_byte(index, monkeypatch):
    """Download and unpacked size, out of the wheels' own directories, and how to get another disk for each."""
    monkeypatch.setattr(space, "LARGE", 1)
    with pytest.raises(
        InstallError,
        match=r"GB free, but the downloads need .* GB and the unpacked files .* GB there",
    ) as told:
        install(index, host=Crowded())
    assert "TORCHUP_HOME" in str(told.value.hint)
    assert store.contents(HOST) == ()


def test_a_folder_of_wheels_and_an_index_without_hashes_go_to_the_installer(tmp_path, monkeypatch):
    """Files on the disk and files without a hash are left to the installer."""
    folder = tmp_path / "wheels"
    make_fake_torch(folder, "2.13.0", requires=["filelock"])
    make_wheel(folder, "filelock", "3.1")
    engine.install(HOST, folder_plan(folder), "default", verify=importing())
    with IndexServer() as server:
        for wheel in sorted(folder.glob("*.whl")):
            name, version, *_ = wheel.name.split("-")
            own = index_wheel(name, version, files={f"{name}/extra.py": ""}) if name != "torch" else None
            served = own or Wheel(filename=wheel.name, content=wheel.read_bytes(), metadata=metadata(wheel))
            server.publish("simple", served, hashed=False, metadata=False)
        engine.install(HOST, index_plan(server.url("simple")), "second", verify=importing())
    assert store.contents(HOST) == ()
