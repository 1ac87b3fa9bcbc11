"""Packages bound to torch that have an index or a page of their own: fetched by torchup, with what they need."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from support.index import serve_index
from support.index_server import IndexServer
from support.index_server import make_wheel as index_wheel
from support.own_caches import own_caches  # noqa: F401  # a fixture of every test
from support.plans import importing, index_plan
from support.wheels import make_fake_torch, make_wheel
from torchup.errors import InstallError
from torchup.fetch import store
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import PackageWheel

HOST = RealHost()


@pytest.fixture
def index(tmp_path):
    """Torch, and what the package needs."""
    folder = tmp_path / "wheels"
    make_fake_torch(folder)
    make_wheel(folder, "einops", "0.8")
    with serve_index(folder) as running:
        yield running


@pytest.fixture
def own(tmp_path):
    """The package's own index."""
    folder = tmp_path / "own"
    make_wheel(folder, "xformers", "0.0.33+cu130", requires=["einops", "torch"])
    with serve_index(folder) as running:
        yield running


def install(index, wheel):
    """The environment, and the events of its installation."""
    told = []
    plan = replace(index_plan(index.url), wheels=(wheel,))
    return engine.install(HOST, plan, "default", verify=importing(), progress=told.append), told


def wheel(**place):
    """The package at one of its places."""
    return PackageWheel(package="xformers", version="0.0.33", requirement="xformers==0.0.33", **place)


def test_a_package_with_an_index_of_its_own_is_fetched_with_its_needs(index, own):
    """Each file comes once, by torchup; the record names the package's own index."""
    environment, told = install(index, wheel(index=own.url))
    names = {file.name.split("-")[0] for file in store.contents(HOST)}
    assert {"torch", "xformers", "einops"} <= names
    assert environment.packages["xformers"] == "0.0.33+cu130"
    assert environment.packages["einops"] == "0.8"
    assert environment.origins["xformers"] == own.url
    assert environment.origins["einops"] == "index-url"
    every = [path for running in (index, own) for path in running.requests if path.endswith(".whl")]
    fetched = {event.download.file for event in told if event.download is not None}
    assert fetched >= {path.rpartition("/")[2] for path in every if "xformers" in path or "einops" in path}


@pytest.mark.slow
def test_a_page_that_tells_no_hash_is_enough(index):
    """The file is installed by the hash that it has, from torchup's store."""
    with IndexServer() as server:
        server.publish("simple", index_wheel("xformers", "0.0.33"), hashed=False, metadata=False)
        environment, _ = install(index, wheel(find_links=f"{server.url('simple')}/xformers/"))
    assert environment.packages["xformers"] == "0.0.33"
    assert "xformers" in {file.name.split("-")[0] for file in store.contents(HOST)}


@pytest.mark.slow
def test_a_file_with_another_hash_than_its_index_says_is_refused(index, own):
    """The first that notices is torchup."""
    own.fault = "hash"
    with pytest.raises(InstallError, match="hash mismatch"):
        install(index, wheel(index=own.url))


@pytest.mark.slow
def test_what_torchup_cannot_fetch_the_installer_tries_and_explains(index, own):
    """A server that refuses the file: the error is the installer's, with its hint."""
    own.fault = "status:403"
    with pytest.raises(Exception, match="xformers") as told:
        install(index, wheel(index=own.url))
    assert "403" in str(told.value)
