"""Twenty kinds of damage: `verify` and `doctor` name the file or the package, `up` repairs it."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from support.plans import folder_plan, importing
from support.wheels import make_wheel
from torchup.cli import main
from torchup.envs import registry
from torchup.envs.damage import DamageKind, find_damage
from torchup.envs.inspection import inspect_environment
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.install import engine

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="the damages are those of POSIX")]
HOST = RealHost()
LIBRARY = bytes(range(256)) * 64
FILES = {
    "torch/__init__.py": "__version__ = '2.13.0+cpu'\nfrom torch import nn\n",
    "torch/nn/__init__.py": "",
    "torch/functional.py": "x = 1\n",
    "torch/lib/libtorch_cpu.so": LIBRARY,
}


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An installed environment: its folder, its site-packages, and the plan that made it."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_LINK_MODE", "copy")
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "torch", "2.13.0+cpu", files=FILES, requires=["filelock"])
    make_wheel(wheels, "numpy", "2.1.0", files={"numpy/__init__.py": "__version__ = '2.1.0'\n"})
    make_wheel(wheels, "filelock", "3.1")
    plan = folder_plan(wheels, "2.13.0", "numpy==2.1.0")
    made = engine.install(HOST, plan, "default", verify=importing())
    site = next(Path(made.path).glob("lib/python*/site-packages"))
    return Path(made.path), site, plan


def flip(site):
    """Four bytes of the library inverted: its size stays."""
    path = site / "torch/lib/libtorch_cpu.so"
    content = bytearray(path.read_bytes())
    content[4096:4100] = bytes(255 - byte for byte in content[4096:4100])
    path.write_bytes(content)


def write(name, content):
    """A change that overwrites one file."""

    def change(site):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)

    change.__name__ = f"write {name}"
    return change


def take(name):
    """A change that takes a file or folder away."""

    def change(site):
        path = site / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    change.__name__ = f"take {name}"
    return change


def take_dist_info(package):
    """A change that takes a package's dist-info away."""

    def change(site):
        shutil.rmtree(next(site.glob(f"{package}-*.dist-info")))

    change.__name__ = f"take dist-info of {package}"
    return change


def take_record(site):
    """Only the RECORD is gone."""
    (next(site.glob("torch-*.dist-info")) / "RECORD").unlink()


def binary_record(site):
    """The RECORD is garbage."""
    (next(site.glob("torch-*.dist-info")) / "RECORD").write_bytes(b"\xff\x00" * 1000)


def foreign_numpy(site):
    """Another numpy was put over it by hand."""
    shutil.rmtree(next(site.glob("numpy-*.dist-info")))
    with zipfile.ZipFile(make_wheel(site.parent, "numpy", "1.26.4")) as wheel:
        wheel.extractall(site)


def swap_torch(site):
    """Another torch was installed over the verified one."""
    next(site.glob("torch-*.dist-info")).rename(site / "torch-2.12.0+cpu.dist-info")


def link_away(site):
    """A library is a link to nothing."""
    (site / "torch/lib/libtorch_cpu.so").unlink()
    (site / "torch/lib/libtorch_cpu.so").symlink_to("/nowhere/libtorch_cpu.so")


def folder_instead(site):
    """A folder stands where a file was."""
    (site / "torch/functional.py").unlink()
    (site / "torch/functional.py").mkdir()


# damage -> (kind, what the text names, whether only --deep finds it, whether torch cannot be trusted with it)
DAMAGES = [
    (flip, DamageKind.CONTENT, "libtorch_cpu.so", True, True),
    (write("torch/lib/libtorch_cpu.so", LIBRARY[:1000]), DamageKind.SIZE, "libtorch_cpu.so", False, True),
    (write("torch/lib/libtorch_cpu.so", b""), DamageKind.EMPTIED, "libtorch_cpu.so", False, True),
    (write("torch/lib/libtorch_cpu.so", LIBRARY + b"x"), DamageKind.SIZE, "libtorch_cpu.so", False, True),
    (write("torch/__init__.py", b""), DamageKind.EMPTIED, "torch/__init__.py", False, True),
    (write("torch/functional.py", b"y = 2\n"), DamageKind.CONTENT, "functional.py", True, True),
    (write("torch/functional.py", b"(" * 10), DamageKind.SIZE, "functional.py", False, True),
    (take("torch/nn"), DamageKind.MISSING, "torch/nn/__init__.py", False, True),
    (take("torch/lib/libtorch_cpu.so"), DamageKind.MISSING, "libtorch_cpu.so", False, True),
    (take("torch"), DamageKind.MISSING, "torch/__init__.py", False, True),
    (take_dist_info("torch"), DamageKind.NO_RECORD, "torch", False, True),
    (take_record, DamageKind.NO_RECORD, "torch", False, False),
    (binary_record, DamageKind.NO_RECORD, "torch", False, False),
    (foreign_numpy, DamageKind.DRIFT, "2.1.0 -> 1.26.4", False, False),
    (take_dist_info("numpy"), DamageKind.DRIFT, "numpy", False, False),
    (swap_torch, DamageKind.DRIFT, "2.13.0+cpu -> 2.12.0+cpu", False, True),
    (link_away, DamageKind.MISSING, "libtorch_cpu.so", False, True),
    (folder_instead, DamageKind.UNREADABLE, "functional.py", False, True),
    (write("filelock/__init__.py", b"patched = True\n"), DamageKind.SIZE, "filelock", False, False),
    (take("filelock/__init__.py"), DamageKind.MISSING, "filelock", False, False),
    (write("evil.pth", b"import sys; x = 1\n"), DamageKind.START_FILE, "evil.pth", False, False),
]


@pytest.mark.parametrize(("change", "kind", "named", "deep", "weighs"), DAMAGES, ids=[d[0].__name__ for d in DAMAGES])
def test_damage_is_named_and_repaired(environment, capsys, change, kind, named, deep, weighs):
    """`verify` and the inspection name it, with --deep where the size is kept.

    What weighs is repaired by the next installation, which otherwise would have used the environment again.
    """
    folder, site, plan = environment
    assert find_damage(HOST, str(folder), deep=True) == ()
    change(site)
    found = find_damage(HOST, str(folder), deep=deep)
    assert kind in {one.kind for one in found}
    assert any(one.weighs for one in found) is weighs
    code = main(["verify", "--json", "--no-compile", *(["--deep"] if deep else [])])
    rung = json.loads(capsys.readouterr().out)["data"]["rungs"][0]
    assert rung["name"] == "files"
    if kind is not DamageKind.START_FILE:
        assert named in str(rung["detail"])
        assert rung["status"] == ("fail" if weighs else "warn")
    assert code == ExitCode.VERIFY  # a stand-in for torch does not climb the rest
    if not deep:
        main(["doctor", "--json"])
        said = capsys.readouterr().out
        assert named in said
        assert kind is not DamageKind.DRIFT or weighs or "numpy==2.1.0" in said  # the version that was verified
        assert kind in {one.kind for one in inspect_environment(HOST, str(folder / "bin/python")).damage}
    if weighs and not deep:
        engine.install(HOST, plan, "default", verify=importing())
        assert not any(one.weighs for one in find_damage(HOST, str(folder), deep=True))


def test_a_file_that_may_not_be_read(environment):
    """Wrong permissions are named (root reads everything, so the host is asked in its place)."""
    folder, site, _ = environment
    library = str(site / "torch/lib/libtorch_cpu.so")

    class Denied(RealHost):
        def access(self, path):
            return (False, False) if path == library else super().access(path)

    (one,) = find_damage(Denied(), str(folder))
    assert (one.kind, one.file, one.weighs) == (DamageKind.UNREADABLE, library, True)


def test_a_start_file_that_hangs_is_named_at_once(environment, capsys, monkeypatch):
    """A .pth that never ends once held `verify` for its whole limit."""
    monkeypatch.setattr("torchup.envs.damage.START_TIMEOUT", 1.0)
    _, site, _ = environment
    (site / "hang.pth").write_text("import time; time.sleep(600)\n")
    main(["verify", "--json", "--no-compile"])
    rungs = json.loads(capsys.readouterr().out)["data"]["rungs"]
    assert [rung["name"] for rung in rungs] == ["files", "start"]
    assert "hang.pth" in str(rungs[1]["detail"])
    assert main(["doctor"]) == ExitCode.USAGE
    assert "hang.pth" in capsys.readouterr().err


def test_a_flood_ends_at_once(environment, capsys):
    """A torch that prints without end once held `verify` for 150 s."""
    _, site, _ = environment
    (site / "torch/__init__.py").write_text("import os\nwhile True: os.write(2, b'x' * 65536)  # without end\n")
    main(["verify", "--json", "--no-compile"])
    rungs = json.loads(capsys.readouterr().out)["data"]["rungs"]
    assert rungs[-1]["detail"]["code"] == "flood"
    assert rungs[0]["status"] == "fail"


def test_a_moved_folder_and_a_dangling_python_are_said(environment, capsys, tmp_path):
    """An environment that was moved away, or whose Python was removed, is told in a sentence with what to do."""
    folder, _, _ = environment
    python = folder / "bin/python"
    python.unlink()
    python.symlink_to(tmp_path / "gone/python")
    assert main(["verify"]) == ExitCode.USAGE
    assert "its Python interpreter is missing" in capsys.readouterr().err
    assert registry.find_python(HOST, str(folder)) is None
    folder.rename(tmp_path / "elsewhere")
    assert main(["verify"]) == ExitCode.USAGE
    assert "hint:" in capsys.readouterr().err
