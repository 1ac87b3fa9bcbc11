"""Damage in an environment of conda's: each kind is named by `find_damage` and by the doctor, with conda's repair."""

from __future__ import annotations

import hashlib
import json

import pytest

from torchup.catalog import load_catalog
from torchup.compat.questions import Compat
from torchup.doctor.live import facts_of
from torchup.doctor.rules.damaged import damaged_torch
from torchup.envs.conda_prefix import recorded_files
from torchup.envs.damage import DamageKind, find_damage
from torchup.envs.inspection import InspectedPython, InspectedTorch, Inspection
from torchup.host import RealHost
from torchup.model import Machine, Os

HOST = RealHost()
SITE = "lib/python3.12/site-packages"
LIBRARY = bytes(range(256)) * 64
FILES = {
    "libtorch-2.13.0-cpu_h_0": {"lib/libtorch_cpu.so": LIBRARY},
    "pytorch-2.13.0-cpu_py312_0": {
        f"{SITE}/torch/__init__.py": b"x = 1\n",
        f"{SITE}/torch/nn.py": b"",
        f"{SITE}/torch-2.13.0.dist-info/METADATA": b"Name: torch\n",
    },
    "numpy-2.1.0-py312_0": {f"{SITE}/numpy/__init__.py": b"y = 1\n", f"{SITE}/numpy/start.pth": b"import sys\n"},
    "tool-1.0-0": {"share/shared.txt": b"of tool\n", "lib/tool.py": b"z\n"},
    "other-1.0-0": {"share/shared.txt": b"of other\n"},
}
PROGRAM = b"#!{prefix}/bin/python\nprint(1)\n"


@pytest.fixture
def prefix(tmp_path):
    """A prefix as conda links it: hashes, sizes, a program that names the prefix, a link, byte code, a pip package."""
    root = tmp_path / "环境 env"
    (root / "conda-meta").mkdir(parents=True)
    for record, files in FILES.items():
        paths = [_linked(root, name, content) for name, content in files.items()]
        if record.startswith("pytorch"):
            paths += [
                _program(root),
                {"_path": "lib/libtorch.so", "path_type": "softlink", "sha256": "0", "size_in_bytes": 9},
            ]
            paths += [{"_path": f"{SITE}/torch/__pycache__/nn.cpython-312.pyc", "path_type": "pyc_file"}]
        document = {"name": record.rsplit("-", 2)[0], "paths_data": {"paths_version": 1, "paths": paths}}
        (root / "conda-meta" / f"{record}.json").write_text(json.dumps(document))
    info = root / SITE / "extra-1.0.dist-info"
    info.mkdir()
    (root / SITE / "extra.py").write_bytes(b"1\n")
    (info / "RECORD").write_text(
        "extra.py,sha256=Q1WkaxnTSNwvV8BG-O9j1FOOu5NgAPPJ7pVKJ0YN2GU,2\nextra-1.0.dist-info/RECORD,,\n"
    )
    return root


def _linked(root, name, content):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return {
        "_path": name,
        "path_type": "hardlink",
        "sha256": digest,
        "sha256_in_prefix": digest,
        "size_in_bytes": len(content),
    }


def _program(root):
    written = PROGRAM.replace(b"{prefix}", str(root).encode())
    (root / "bin").mkdir()
    (root / "bin/torchrun").write_bytes(written)
    return {
        "_path": "bin/torchrun", "path_type": "hardlink", "sha256": hashlib.sha256(PROGRAM).hexdigest(),
        "sha256_in_prefix": hashlib.sha256(written).hexdigest(), "size_in_bytes": len(PROGRAM),
        "prefix_placeholder": "{prefix}", "file_mode": "text",
    }  # fmt: skip


def write(name, content):
    """A change that overwrites one file."""
    return lambda root: (root / name).write_bytes(content)


def take(name):
    """A change that takes one file away."""
    return lambda root: (root / name).unlink()


def folder_instead(root):
    """A folder stands where a file was."""
    (root / "lib/libtorch_cpu.so").unlink()
    (root / "lib/libtorch_cpu.so").mkdir()


def dangling(root):
    """A library is a link to nothing."""
    (root / "lib/libtorch_cpu.so").unlink()
    (root / "lib/libtorch_cpu.so").symlink_to("/nowhere/libtorch_cpu.so")


META = "conda-meta/pytorch-2.13.0-cpu_py312_0.json"
# change -> kind, package, whether only --deep finds it, whether torch cannot be trusted with it
DAMAGES = {
    "flipped bytes": (write("lib/libtorch_cpu.so", LIBRARY[::-1]), DamageKind.CONTENT, "libtorch", True, True),
    "cut off": (write("lib/libtorch_cpu.so", LIBRARY[:99]), DamageKind.SIZE, "libtorch", False, True),
    "emptied": (write("lib/libtorch_cpu.so", b""), DamageKind.EMPTIED, "libtorch", False, True),
    "longer": (write("lib/libtorch_cpu.so", LIBRARY + b"x"), DamageKind.SIZE, "libtorch", False, True),
    "missing": (take("lib/libtorch_cpu.so"), DamageKind.MISSING, "libtorch", False, True),
    "a folder instead": (folder_instead, DamageKind.UNREADABLE, "libtorch", False, True),
    "a link to nothing": (dangling, DamageKind.MISSING, "libtorch", False, True),
    "an edited module": (write(f"{SITE}/torch/__init__.py", b"x = 2\n"), DamageKind.CONTENT, "pytorch", True, True),
    "a program edited": (write("bin/torchrun", b"#!/bin/sh\n"), DamageKind.CONTENT, "pytorch", True, True),
    "a program emptied": (write("bin/torchrun", b""), DamageKind.EMPTIED, "pytorch", False, True),
    "metadata gone": (take(f"{SITE}/torch-2.13.0.dist-info/METADATA"), DamageKind.MISSING, "pytorch", False, True),
    "a foreign numpy": (write(f"{SITE}/numpy/__init__.py", b"another\n"), DamageKind.SIZE, "numpy", False, True),
    "another package": (write("lib/tool.py", b"zz\n"), DamageKind.SIZE, "tool", False, False),
    "a record of garbage": (write(META, b"\xff\x00{"), DamageKind.NO_RECORD, "pytorch", False, False),
    "a package of pip's": (write(f"{SITE}/extra.py", b"22\n"), DamageKind.SIZE, "extra", False, False),
    "a start file": (write(f"{SITE}/evil.pth", b"import sys\n"), DamageKind.START_FILE, "evil.pth", False, False),
}  # fmt: skip


def test_a_sound_environment_has_no_damage(prefix):
    """Rewritten programs, links, byte code, files of two packages and pip's packages are as they should be."""
    assert find_damage(HOST, str(prefix), deep=True) == ()


@pytest.mark.parametrize(("change", "kind", "package", "deep", "weighs"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_named_and_conda_repairs_it(prefix, change, kind, package, deep, weighs):
    """The file's package and kind; the doctor has conda link that very version again, and nothing else."""
    change(prefix)
    found = find_damage(HOST, str(prefix), deep=deep)
    assert (kind, package) in {(one.kind, one.package) for one in found}
    assert any(one.weighs for one in found) is weighs
    if deep:
        assert not any(one.weighs for one in find_damage(HOST, str(prefix)))
    answer = damaged_torch(_facts(found), Compat(load_catalog()))
    assert (answer is not None) is weighs
    if weighs:
        pins = {one.conda for one in found if one.weighs}
        assert set(answer.remedy.commands[0][3:]) == pins
        assert answer.remedy.commands[0][:3] == ("conda", "install", "--force-reinstall")


def _facts(found):
    python = InspectedPython(version="3.12.1", conda=True)
    torch = InspectedTorch(installed=True, version="2.13.0")
    return facts_of(Machine(os=Os.LINUX, arch="x86_64"), Inspection(python=python, torch=torch, damage=found))


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", ""])
def test_a_record_never_leads_out_of_the_environment(prefix, path):
    """A record that names files elsewhere makes nothing read there."""
    document = {"paths_data": {"paths": [{"_path": path, "sha256": "0", "size_in_bytes": 1}]}}
    (prefix / "conda-meta/x-1-0.json").write_text(json.dumps(document))
    assert next(one for one in recorded_files(HOST, str(prefix)) if one.package == "x").files == ()
