"""Twenty kinds of damage and more: `verify` and `doctor` name each, with the command that repairs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import zipfile

import pytest

from support.plans import folder_plan, importing
from support.wheels import make_wheel
from torchup.cli import main
from torchup.envs import distributions, registry
from torchup.envs.damage import DamageKind, find_damage
from torchup.envs.worker import WorkerAnswer, read_answer
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.uv import uv_binary
from torchup.model import Machine, Os

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="the damages are those of POSIX")]
HOST = RealHost()
LIBRARY = bytes(range(256)) * 64
FILES = {
    "torch/__init__.py": "__version__ = '2.13.0+cpu'\nfrom torch import nn\n",
    "torch/nn/__init__.py": "",
    "torch/functional.py": "x = 1\n",
    "torch/lib/libtorch_cpu.so": LIBRARY,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A home with one installed environment, to be copied; and the plan that made it."""
    root = tmp_path_factory.mktemp("damage")
    wheels = root / "wheels"
    make_wheel(wheels, "torch", "2.13.0+cpu", files=FILES, requires=["filelock"])
    make_wheel(wheels, "numpy", "2.1.0", files={"numpy/__init__.py": "__version__ = '2.1.0'\n"})
    make_wheel(wheels, "filelock", "3.1")
    plan = folder_plan(wheels, "2.13.0", "numpy==2.1.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHUP_HOME", str(root / "home"))
        patch.setenv("UV_CACHE_DIR", str(root / "uv-cache"))
        patch.setenv("UV_LINK_MODE", "copy")
        engine.install(HOST, plan, "default", verify=importing())
    return root, plan


@pytest.fixture
def environment(base, tmp_path, monkeypatch):
    """An installed environment: its folder, its site-packages, and the plan that made it."""
    root, plan = base
    home = tmp_path / "home"
    shutil.copytree(root / "home", home, symlinks=True)
    variables = {"TORCHUP_HOME": str(home), "UV_CACHE_DIR": str(root / "uv-cache"), "UV_LINK_MODE": "copy",
                 "COLUMNS": "400"}  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("torchup.envs.damage.START_TIMEOUT", 1.0)
    monkeypatch.setattr("torchup.jobs.restore.START_TIMEOUT", 1.0)
    monkeypatch.setattr("torchup.detect.detect_machine", lambda _: Machine(os=Os.LINUX, arch="x86_64"))
    folder = home / "data" / "envs" / "default"
    return folder, next(folder.glob("lib/python*/site-packages")), plan


@pytest.fixture
def climbing(monkeypatch):
    """A ladder that a stand-in for torch climbs: it is imported, and says its version."""

    def climbed(host, python, _script, _arguments=(), *, timeout, on_line=None):
        del on_line
        done = host.run((python, "-I", "-c", "import torch; print(torch.__version__)"), timeout=timeout)
        answer = read_answer(done)
        version, _, variant = done.stdout.strip().partition("+")
        found = {"torch": {"version": version, "variant": variant}} if done.ok else None
        return WorkerAnswer(**{name: getattr(answer, name) for name in answer.__struct_fields__} | {"data": found})

    monkeypatch.setattr("torchup.envs.verification.run_worker", climbed)
    monkeypatch.setattr("torchup.host.processes.OUTPUT_LIMIT", 1 << 20)


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


def empty_python(site):
    """The Python of the environment is an empty file."""
    python = site.parents[2] / "bin/python"
    python.unlink()
    python.touch(0o755)


def dangling_python(site):
    """The Python that the environment was made with was removed."""
    python = site.parents[2] / "bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")


# Damage that keeps Python or torch from answering: (damage, what the text names).
MUTE = [
    (write("hang.pth", b"import time; time.sleep(600)\n"), "hang.pth"),
    (write("torch/__init__.py", b"import os\nwhile True: os.write(2, b'x' * 65536)\n"), "torch/__init__.py"),
    (write("torch/__init__.py", b"import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n"), "torch/__init__.py"),
    (empty_python, "Exec format error"),
    (dangling_python, "Python interpreter is missing"),
]


@pytest.mark.parametrize(("change", "kind", "named", "deep", "weighs"), DAMAGES, ids=[d[0].__name__ for d in DAMAGES])
def test_damage_is_found(environment, change, kind, named, deep, weighs):
    """It is found with its kind, with --deep where the size is kept; the next `up` uses no torch that it weighs on."""
    folder, site, plan = environment
    assert find_damage(HOST, str(folder), deep=True) == ()
    change(site)
    found = find_damage(HOST, str(folder), deep=deep)
    assert kind in {one.kind for one in found}
    assert any(named in str(one) for one in found)
    assert any(one.weighs for one in found) is weighs
    assert not (weighs and not deep and engine.is_satisfied(HOST, plan, str(folder)))


CASES = [(change, named, deep) for change, _, named, deep, _ in DAMAGES] + [(*mute, False) for mute in MUTE]


@pytest.mark.parametrize(("change", "named", "deep"), CASES, ids=[case[0].__name__ for case in CASES])
def test_the_command_that_is_shown_repairs(environment, capsys, climbing, change, named, deep):
    """`verify` and `doctor` name each damage with one command; after it every file is as it was installed."""
    folder, site, _ = environment
    change(site)
    shown = set()
    for verb in ("verify --no-compile", "doctor"):
        main([*verb.split(), *(["--deep"] if deep else [])])
        said = "".join(capsys.readouterr())
        assert named in said
        shown |= set(re.findall(r"torchup env repair \w+", said))
    assert shown == {"torchup env repair default"}
    assert main([*shown.pop().split()[1:], "--yes"]) == ExitCode.OK
    capsys.readouterr()
    assert main(["verify", "--json", "--deep", "--no-compile"]) == ExitCode.OK
    rungs = json.loads(capsys.readouterr().out)["data"]["rungs"]
    assert (rungs[0]["name"], rungs[0]["status"]) == ("files", "pass")
    assert find_damage(HOST, str(folder), deep=True) == ()


@pytest.mark.parametrize("by", ["up", "env repair"])
def test_a_repair_gets_past_a_damaged_cache(environment, capsys, climbing, monkeypatch, tmp_path, by):
    """What is linked from uv's cache is damaged there, too: the files are then fetched again."""
    folder, _, plan = environment
    monkeypatch.setenv("UV_LINK_MODE", "hardlink")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))  # it is damaged here
    engine.install(HOST, plan, "default", verify=importing(), again=True)
    site = next(folder.glob("lib/python*/site-packages"))
    flip(site)
    if by == "up":
        main(["verify", "--deep", "--no-compile"])
        engine.install(HOST, plan, "default", verify=importing())
        assert find_damage(HOST, str(folder), deep=True) == ()
        return
    assert main(["env", "repair", "--yes", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)["data"]
    assert (answer["repaired"], [one["kind"] for one in answer["damage"]]) == (True, ["content"])
    assert find_damage(HOST, str(folder), deep=True) == ()
    assert find_damage(HOST, f"{folder}.previous", deep=True)
    assert main(["env", "repair", "--json"]) == ExitCode.OK  # nothing is left to do, and nothing is asked
    assert json.loads(capsys.readouterr().out)["data"]["repaired"] is False


def test_a_repair_keeps_what_the_user_added(environment, climbing, tmp_path):
    """Packages of the user stay, at their versions and from where they came; a dry run changes nothing."""
    folder, site, _ = environment
    own = make_wheel(tmp_path / "own", "mine", "1.5")
    uv = [uv_binary(), "pip", "install", "--offline", "--no-config", "--python", str(folder / "bin/python"), str(own)]
    assert HOST.run(uv, timeout=60).ok
    flip(site)
    assert main(["env", "repair", "--dry-run"]) == ExitCode.OK
    assert find_damage(HOST, str(folder), deep=True)
    assert main(["env", "repair", "--yes"]) == ExitCode.OK
    assert distributions.versions(HOST, str(folder))["mine"] == "1.5"
    assert find_damage(HOST, str(folder), deep=True) == ()


def test_what_a_deep_look_found_stays_known(environment, capsys, climbing):
    """After `verify --deep` every command knows of damage that keeps its size, until the file is as it was."""
    folder, site, plan = environment
    library = site / "torch/lib/libtorch_cpu.so"
    sound = library.read_bytes()
    flip(site)
    assert find_damage(HOST, str(folder)) == ()
    assert engine.is_satisfied(HOST, plan, str(folder))
    assert main(["verify", "--deep", "--no-compile"]) == ExitCode.VERIFY
    assert not engine.is_satisfied(HOST, plan, str(folder))  # so that `up` makes it again
    for verb in ("verify --no-compile", "doctor"):
        capsys.readouterr()
        main(verb.split())
        assert "torchup env repair default" in "".join(capsys.readouterr())
    library.write_bytes(sound)
    assert main(["verify", "--deep", "--no-compile"]) == ExitCode.OK
    assert not (folder / "torchup-damage.json").exists()


def test_a_declined_repair_changes_nothing(environment, capsys):
    """Without somebody to ask and without --yes nothing happens."""
    folder, site, _ = environment
    flip(site)
    assert main(["env", "repair"]) == ExitCode.USAGE
    assert "nothing was changed" in capsys.readouterr().err
    assert find_damage(HOST, str(folder), deep=True)


def test_what_torchup_did_not_make_is_not_made_again(environment, capsys, monkeypatch):
    """An adopted environment is repaired by its own installer, whose command works."""
    folder, site, plan = environment
    (folder / "torchup-environment.json").unlink()
    foreign = folder.rename(folder.parents[2] / "foreign")
    assert main(["env", "adopt", str(foreign), "--name", "mine"]) == ExitCode.OK
    assert main(["env", "repair", "mine"]) == ExitCode.USAGE
    assert "torchup doctor --deep --env mine" in capsys.readouterr().err
    site = next(foreign.glob("lib/python*/site-packages"))
    (site / "filelock/__init__.py").write_bytes(b"patched = True\n")
    main(["verify", "--env", "mine", "--no-compile"])
    command = re.search(r"run `([^`]+)` to restore the package", capsys.readouterr().err)
    for name, value in {"UV_FIND_LINKS": plan.sources[0].url, "UV_NO_INDEX": "1"}.items():
        monkeypatch.setenv(name, value)
    program, *words = shlex.split(command[1])
    assert program == "uv"
    assert HOST.run((uv_binary(), *words), timeout=60).ok
    assert find_damage(HOST, str(foreign), deep=True) == ()


def test_a_file_that_may_not_be_read(environment):
    """Wrong permissions are named (root reads everything, so the host is asked in its place)."""
    folder, site, _ = environment
    library = str(site / "torch/lib/libtorch_cpu.so")

    class Denied(RealHost):
        def access(self, path):
            return (False, False) if path == library else super().access(path)

    (one,) = find_damage(Denied(), str(folder))
    assert (one.kind, one.file, one.weighs) == (DamageKind.UNREADABLE, library, True)


def test_a_start_file_that_hangs_is_named_at_once(environment, capsys):
    """A .pth that never ends once held `verify` for its whole limit."""
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
