"""`torchup doctor --fix`: staged, verified, swapped or rolled back; what lies outside is only printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.doctor_environments import new_environment, put_torch, python_of, stand_in
from support.plans import folder_plan, importing, refusing
from support.wheels import make_wheel
from torchup.cli import main
from torchup.detect.pretend import load_machine
from torchup.envs import registry
from torchup.host import RealHost
from torchup.jobs import repair

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def uv_cache_of_its_own(monkeypatch, tmp_path):
    """No test sees wheels that another one has cached."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A virtual environment whose torch does not import, and a plan that has a good one; its folder and its Python."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "torch", "2.13.0+cpu", files={"torch/__init__.py": stand_in("2.13.0+cpu")})
    make_wheel(wheels, "pip", "26.0")
    monkeypatch.setattr(repair, "_plan", lambda *_: folder_plan(wheels))
    monkeypatch.setattr(repair, "verify_environment", lambda _host, python, **_: importing()(python))
    folder = tmp_path / "project" / ".venv"
    put_torch(new_environment(folder), before="from torch.gone import nothing")
    return folder, python_of(folder)


def works(python: str) -> bool:
    """Whether torch imports."""
    return subprocess.run([python, "-c", "import torch"], capture_output=True, check=False, timeout=60).returncode == 0


def test_yes_repairs_and_keeps_the_old_one(capsys, broken):
    """The environment works afterwards, the broken one is beside it, and torchup knows it by a name."""
    folder, python = broken
    assert main(["doctor", "--python", python, "--only", "torch-", "--fix", "--yes", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["fixed"]
    assert works(python)
    assert folder.with_name(".venv.previous").is_dir()
    assert registry.names(RealHost()) == ("project-venv",)


def test_without_an_answer_nothing_changes(capsys, broken):
    """Without a terminal and without --yes the answer is no; exit 1, since the cause is still there."""
    folder, python = broken
    assert main(["doctor", "--python", python, "--only", "torch-", "--fix"]) == 1
    assert "the environment was not changed" in capsys.readouterr().err
    assert not works(python)
    assert not (folder / "torchup-environment.json").exists()


def test_dry_run_shows_the_commands_and_changes_nothing(capsys, broken):
    """`--fix --dry-run` prints the steps; exit 0."""
    _, python = broken
    assert main(["doctor", "--python", python, "--only", "torch-", "--fix", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "torch==2.13.0+cpu" in out
    assert not works(python)


def test_a_repair_that_does_not_verify_is_rolled_back(capsys, broken, monkeypatch):
    """When the new environment fails, the old one is as it was, with no trace of the attempt."""
    folder, python = broken
    before = sorted(path.relative_to(folder) for path in folder.rglob("*") if "__pycache__" not in path.parts)
    monkeypatch.setattr(repair, "verify_environment", lambda _host, python, **_: refusing(python))
    assert main(["doctor", "--python", python, "--only", "torch-", "--fix", "--yes"]) == 5
    assert "wrong numbers" in capsys.readouterr().err
    assert sorted(path.relative_to(folder) for path in folder.rglob("*") if "__pycache__" not in path.parts) == before
    assert sorted(entry.name for entry in folder.parent.iterdir()) == [".venv"]


def test_a_python_that_is_no_virtual_environment_is_left_alone(capsys, tmp_path, broken, monkeypatch):
    """A system's or conda's Python is refused with exit 2 and a way out."""
    folder, python = broken
    (folder / "pyvenv.cfg").rename(tmp_path / "pyvenv.cfg")
    with pytest.raises(Exception, match="virtual environment"):
        repair.environment_of(RealHost(), python)
    (folder / "conda-meta").mkdir()
    with pytest.raises(Exception, match="conda environment"):
        repair.environment_of(RealHost(), python)
    del capsys, monkeypatch


def test_a_driver_is_never_touched(capsys, broken, monkeypatch):
    """A cause outside the environment is printed with its command; nothing is run."""
    machine = load_machine(
        json.dumps(
            {
                "os": "linux",
                "arch": "x86_64",
                "distribution": "ubuntu",
                "drivers": [{"vendor": "nvidia", "problem": "not-loaded"}],
            }
        )
    )
    monkeypatch.setattr("torchup.detect.detect_machine", lambda _: machine)
    assert main(["doctor", "--python", broken[1], "--only", "driver-", "--fix", "--yes"]) == 1
    captured = capsys.readouterr()
    assert "`--fix` repairs only environments, not this cause" in captured.err
    assert "sudo ubuntu-drivers install" in captured.out
    assert not works(broken[1])


def test_a_healthy_environment_is_not_rebuilt(capsys, tmp_path):
    """Nothing to repair: exit 0, nothing beside the environment."""
    folder = tmp_path / "good"
    put_torch(new_environment(folder), "2.13.0+cpu")
    assert main(["doctor", "--python", python_of(folder), "--only", "torch-", "--fix", "--yes"]) == 0
    assert "no problem was found" in capsys.readouterr().out
    assert not Path(f"{folder}.previous").exists()
