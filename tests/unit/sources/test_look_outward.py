"""`scripts/look_outward.py` from end to end: servers that speak each protocol in, a patch that applies out."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from dataclasses import replace

import msgspec
import pytest
from scripts import look_outward

from support.index_server import Fault, IndexServer, Wheel, make_wheel
from support.sources import RedirectedHost
from support.torch_wheels import cuda_wheel
from torchup.catalog import load_catalog, schema

CATALOG = load_catalog()
CODE = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 sm_130"
NEWEST = CATALOG.newest_torch
DRIVERS = "/docs.nvidia.com/datacenter/tesla/drivers/releases.json"


@pytest.fixture
def world(tmp_path):
    """(host, server): today's companions, toolkit and newest torch on the index; NVIDIA's list as the table has it."""
    with IndexServer() as server:
        host = RedirectedHost(tmp_path, {"PIP_INDEX_URL": server.url("pypi.org/simple")}, server=server.url(""))
        publish(server, torch_file(NEWEST, "cu132", "13.2"))
        publish(server, make_wheel("cuda-toolkit", "13.5.0"))
        companions = next(row for row in CATALOG.rows if row.torch == NEWEST and row.variant == "cu132").companions
        for name, companion in companions.items():
            publish(server, make_wheel(name, companion.version, requires=[f"torch<={NEWEST}"]))
        drivers(server, {})
        yield host, server


def publish(server, wheel, index="pypi.org/simple"):
    """A wheel on the general index."""
    server.publish(index, wheel)


def torch_file(version, variant, cuda, *, label="", uploaded=None, code="sm_75 sm_120"):
    """A wheel of torch for Linux whose library has an arch list."""
    requires = [f"cuda-toolkit=={cuda}.0"]
    content = cuda_wheel(code, version=version, cuda=cuda, requires=requires)
    metadata = f"Metadata-Version: 2.4\nName: torch\nVersion: {version}\nRequires-Dist: {requires[0]}\n"
    name = f"torch-{version}{label}-cp312-cp312-manylinux_2_28_x86_64.whl"
    return Wheel(filename=name, content=content, metadata=metadata.encode(), uploaded=uploaded)


def drivers(server, more):
    """NVIDIA's list: the branches of the table, and more."""
    known = {name: branch.newest for name, branch in CATALOG.branches.items() if branch.newest}
    branches = {name: {"driver_info": [{"release_version": v}]} for name, v in {**known, **more}.items()}
    server.faults[DRIVERS] = Fault(body=json.dumps(branches).encode(), content_type="application/json")


def run(host, tmp_path, capsys):
    """(exit code, what was printed, the patch)."""
    file = tmp_path / "outward.patch"
    code = look_outward.main(["--patch", str(file)], host)
    return code, capsys.readouterr().out, file.read_text("utf-8") if file.exists() else ""


def applied(patch, tmp_path):
    """The data folder after `git apply`, each table read."""
    root = tmp_path / "checkout"
    shutil.copytree(look_outward.ROOT / look_outward.DATA, root / look_outward.DATA)
    (tmp_path / "p.patch").write_text(patch)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "apply", "--unsafe-paths", str(tmp_path / "p.patch")], cwd=root, check=True)
    return {name: tomllib.loads((root / look_outward.DATA / name).read_text("utf-8")) for name in look_outward.FILES}


def test_nothing_new_is_an_empty_patch(world, tmp_path, capsys):
    """Every needed source answers with what is known: exit 0, no line in the patch, nothing left."""
    code, said, patch = run(world[0], tmp_path, capsys)
    assert (code, patch) == (0, "")
    assert said.rstrip().endswith("Left for a person:\n  nothing")


def test_a_new_release_is_taken_over_whole(world, tmp_path, capsys):
    """Date, Pythons, companions, variants and the code in the wheel: a table that the schema takes, no placeholder."""
    host, server = world
    publish(server, torch_file("99.0.0", "cu136", "13.6", uploaded="2027-02-03T10:00:00Z", code=CODE))
    publish(server, make_wheel("torchvision", "99.1.0", requires=["torch (==99.0.0)"]))
    publish(server, make_wheel("torchaudio", "99.2.0", requires=["torch>=98"]))
    code, said, patch = run(host, tmp_path, capsys)
    assert code == 1
    assert "TODO" not in patch
    tables = applied(patch, tmp_path)
    release = msgspec.convert(tables["releases.toml"], schema.Releases).release[-1]
    assert (release.torch, str(release.date), release.python) == ("99.0.0", "2027-02-03", "3.12-3.12")
    assert (release.torchvision, release.torchaudio) == ("99.1.0", "99.2.0")
    assert (release.linux_x86_64, release.pypi) == ("cu136", {"linux_x86_64": "cu136"})
    arches = msgspec.convert(tables["architectures.toml"], schema.Architectures)
    assert (arches.cuda[0].torch, arches.cuda[0].variant, arches.cuda[0].ptx) == ("99.0.0-99.0.0", "cu136", "")
    assert arches.cuda[0].sass == "7.5 8.0 8.6 9.0 10.0 12.0 13.0"
    assert arches.read["outward"] == "99.0.0"
    assert "companions: torchvision 99.1.0" in said


def test_what_is_missing_is_a_list_and_not_in_the_patch(world, tmp_path, capsys):
    """Without companions and a day of publication a release is for a person, named with what is missing."""
    host, server = world
    publish(server, replace(torch_file("99.0.0", "cu136", "13.6"), content=b"no archive"))
    code, said, patch = run(host, tmp_path, capsys)
    assert (code, patch) == (1, "")
    for what in ("date", "torchvision", "torchaudio"):
        assert f"releases.toml: 99.0.0 was seen, but nothing says its {what}" in said
    assert "architectures.toml: what 99.0.0+cu136 has code for on linux_x86_64" in said


def test_a_new_variant_of_a_known_release_joins_its_line(world, tmp_path, capsys):
    """The platform's line of that release gets the variant; no other line changes."""
    host, server = world
    wheel = torch_file("2.14.1", "cu129", "12.9", label="+cu129")
    publish(server, wheel, "download.pytorch.org/whl/cu129")
    code, _, patch = run(host, tmp_path, capsys)
    assert code == 1
    before = tomllib.loads((look_outward.ROOT / look_outward.DATA / "releases.toml").read_text("utf-8"))
    after = applied(patch, tmp_path)["releases.toml"]
    changed = [(old, new) for old, new in zip(before["release"], after["release"], strict=True) if old != new]
    assert [new["torch"] for _, new in changed] == ["2.14.1"]
    assert set(changed[0][1]["linux_x86_64"].split()) == {*changed[0][0]["linux_x86_64"].split(), "cu129"}


def test_drivers_and_packages_are_taken_over_and_a_toolkit_is_left(world, tmp_path, capsys):
    """A newer driver, a new branch, a newer package; a toolkit's driver is not on PyPI."""
    host, server = world
    drivers(server, {"620": "620.99.99", "999": "999.10.01"})
    publish(server, make_wheel("vllm", "99.0.0"))
    publish(server, make_wheel("cuda-toolkit", "99.1.0"))
    _, said, patch = run(host, tmp_path, capsys)
    tables = applied(patch, tmp_path)
    branches = msgspec.convert(tables["drivers.toml"], schema.Drivers).branch
    assert (branches["620"].newest, branches["999"].newest) == ("620.99.99", "999.10.01")
    watched = next(source for source in tables["outlook.toml"]["source"] if source["table"] == "packages")
    assert watched["known"]["vllm"] == "99.0.0"
    assert "toolkits: cuda-toolkit 99.1.0" in said


def test_a_silent_world_exits_7(tmp_path, capsys):
    """No source of torch answers: 7 and no patch; the companions alone silent: 7 too."""
    with IndexServer() as server:
        host = RedirectedHost(tmp_path, {"PIP_INDEX_URL": server.url("pypi.org/simple")}, server=server.url(""))
        assert run(host, tmp_path, capsys)[::2] == (7, "")
        publish(server, torch_file(NEWEST, "cu132", "13.2"))
        code, said, _ = run(host, tmp_path, capsys)
    assert code == 7
    assert "companions: not checked completely (no answer: torchvision, torchaudio)" in said
