"""Looking outward, against local servers that speak each protocol: index pages, NVIDIA's list, conda's repodata."""

from __future__ import annotations

import json
import tomllib

import msgspec
import pytest

from support.index_server import Fault, IndexServer, make_wheel
from support.sources import RedirectedHost
from torchup.catalog import load_catalog
from torchup.catalog.types import is_vendor
from torchup.host import RealHost
from torchup.model import Request
from torchup.sources import outlook

CATALOG = load_catalog()


@pytest.fixture
def world(tmp_path):
    """(host, server): nothing is published yet."""
    with IndexServer() as server:
        host = RedirectedHost(tmp_path, {"PIP_INDEX_URL": server.url("pypi")}, server=server.url(""))
        yield host, server


def known(package):
    """The newest that the catalogue knows."""
    return outlook._known(package, CATALOG)


def look(host, table):
    """One table's look."""
    return next(found for found in outlook.look_outward(host, Request(), CATALOG) if found.table == table)


def publish(server, package, version):
    """A wheel on the general index."""
    server.publish("pypi", make_wheel(package, version))


def test_a_silent_world_is_unclear_and_never_the_same(world):
    """Nobody answers: no table says that there is nothing new."""
    looks = outlook.look_outward(world[0], Request(), CATALOG)
    assert {found.status for found in looks} == {"unclear"}
    assert {found.table for found in looks if found.needed} == {"companions", "toolkits"}


def test_companions_are_compared_by_version(world):
    """The known versions are nothing new; one more is named; one package that is silent makes it unclear."""
    host, server = world
    publish(server, "torchvision", known("torchvision"))
    assert look(host, "companions").silent == ("torchaudio",)
    publish(server, "torchaudio", known("torchaudio"))
    assert look(host, "companions").status == "same"
    publish(server, "torchaudio", "99.1.0")
    publish(server, "torchaudio", "99.2.0rc1")
    found = look(host, "companions")
    assert (found.status, found.new) == ("new", ("torchaudio 99.1.0",))


def test_toolkits_are_told_apart_by_major_and_minor(world):
    """An update of a known toolkit is not new, the next minor is."""
    host, server = world
    publish(server, "cuda-toolkit", f"{known('cuda-toolkit')}.7")
    assert look(host, "toolkits").status == "same"
    publish(server, "cuda-toolkit", "99.0.0")
    assert look(host, "toolkits").new == ("cuda-toolkit 99.0.0",)


def test_drivers_come_from_nvidias_list(world):
    """New branches and newer drivers of known ones; rubbish is unclear."""
    host, server = world
    path = "/docs.nvidia.com/datacenter/tesla/drivers/releases.json"
    newest = {name: b.newest for name, b in CATALOG.branches.items() if b.newest}
    branches = {name: {"driver_info": [{"release_version": version}]} for name, version in newest.items()}
    server.faults[path] = Fault(body=json.dumps(branches).encode(), content_type="application/json")
    assert look(host, "drivers").status == "same"
    branches["999"] = {"driver_info": [{"release_version": "999.10.01"}, 3]}
    branches["620"]["driver_info"].append({"release_version": "620.99.99"})
    server.faults[path] = Fault(body=json.dumps(branches).encode(), content_type="application/json")
    assert look(host, "drivers").new == ("R999 999.10.01", "620.99.99")
    for body in (b"", b"[1]", b"<html>", b'{"620": 1}', b"[" * 100_000):
        server.faults[path] = Fault(body=body, content_type="application/json")
        assert look(host, "drivers").status == "unclear"


def test_vendors_channels_are_read_page_by_page(world):
    """A newer torch of one channel is named with its address; the channels that are silent too."""
    host, server = world
    row = next(row for row in CATALOG.rows if is_vendor(row) and row.kind == "rocm")
    index = row.publications[0].url.partition("://")[2].strip("/")
    wheel = make_wheel("torch", f"99.0.0+{row.variant}", python="cp312", platform="manylinux_2_28_x86_64")
    server.publish(index, wheel)
    found = look(host, "channels")
    assert any(entry.startswith("99.0.0 ") for entry in found.new)
    assert found.status == "unclear"
    assert row.publications[0].url in found.answered


def serve_conda(server, **versions):
    """Repodata with one pytorch a subdirectory; nothing where none is given."""
    for subdir, version in versions.items():
        entry = {"pytorch-1.conda": {"name": "pytorch", "version": version, "build": "x"}}
        body = msgspec.json.encode({"info": {}, "packages": {}, "packages.conda": entry})
        path = f"/conda.anaconda.org/conda-forge/{subdir.replace('_', '-')}/current_repodata.json"
        server.faults[path] = Fault(body=body, content_type="application/json")


def test_conda_is_read_for_every_platform_that_has_plans(world):
    """Each platform is compared with its own rows; one that is silent makes the table unclear and is named."""
    host, server = world
    newest = max((row.torch for row in CATALOG.conda), key=outlook.version_key)
    every = ("linux_64", "linux_aarch64", "win_64", "osx_arm64")
    serve_conda(server, **dict.fromkeys(every, newest))
    assert look(host, "conda").silent == ("conda.anaconda.org osx-64",)
    serve_conda(server, osx_64=newest)
    assert look(host, "conda").status == "same"
    serve_conda(server, win_64="99.0.0")
    assert look(host, "conda").new == ("pytorch 99.0.0 win-64",)
    watched = {
        platform
        for source in tomllib.loads((outlook.DATA / "outlook.toml").read_text())["source"]
        for platform in source.get("subdirs", {}).values()
    }
    assert watched == {row.platform for row in CATALOG.conda}


@pytest.mark.slow
def test_the_real_index_answers():
    """On a machine with a package index, companions and toolkits are seen for real."""
    for _ in range(3):  # a busy machine may let one page run into its limit
        looks = {found.table: found for found in outlook.look_outward(RealHost(), Request(), CATALOG)}
        if not looks["companions"].answered:
            pytest.skip("no index answers here")
        if looks["companions"].silent == ():
            break
    assert looks["companions"].silent == ()
    assert looks["toolkits"].answered
