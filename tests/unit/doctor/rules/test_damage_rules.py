"""Files that are not as they were installed, by hand and on disk."""

from __future__ import annotations

import base64
import hashlib

import pytest

from support.doctor_environments import new_environment, put_torch, python_of
from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.facts import Damaged, Package
from torchup.doctor.live import facts_of
from torchup.doctor.rules import CHECKS
from torchup.envs.inspection import inspect_environment
from torchup.host import RealHost
from torchup.model import Machine, Os, Severity, verbatim

TORCH = {"live": True, "installed": True, "torch_version": "2.9.1", "variant": "cpu", "os": "linux"}
ERROR = "OSError: libc10.so: file too short"


def damaged(*packages):
    """One differing file of each package."""
    return tuple(Damaged(package=name, line=verbatim(f"{name}: a file is empty")) for name in packages)


def found(slug, **known):
    """What the rule of a cause finds in facts made by hand."""
    return CHECKS[slug](facts(**(TORCH | known)), load_compat())


def typed(result):
    """The commands of a remedy in one text."""
    return "\n".join(" ".join(command) for command in result.remedy.commands)


def test_a_torch_that_lost_a_file_is_installed_again():
    """The damage explains the import that fails; the same torch is written anew."""
    result = found("torch-not-installed", import_error=ERROR, damage=damaged("torch"))
    assert result.primary
    assert "torch: a file is empty" in [str(line) for line in result.evidence]
    assert "--force-reinstall" in typed(result)
    assert "torch==2.9.1" in typed(result)


def test_a_library_that_lost_a_file_is_written_anew_alone():
    """Torch's own files are whole: only the library's wheel is installed again, in its version."""
    libraries = (Package(name="nvidia-cublas-cu12", version="12.8.4.1"),)
    result = found("torch-not-installed", import_error=ERROR, damage=damaged("nvidia-cublas-cu12"), packages=libraries)
    assert "nvidia-cublas-cu12==12.8.4.1" in typed(result)
    assert "torch==" not in typed(result)


def test_a_changed_file_of_a_torch_that_imports_is_a_warning():
    """It may be somebody's patch; it is said and is no cause."""
    result = found("torch-not-installed", damage=damaged("torch"))
    assert result.severity is Severity.WARNING
    assert not result.primary


@pytest.mark.parametrize("error", [None, ERROR])
def test_two_wheels_of_one_library_wrote_over_each_other(error):
    """The files of one folder belong to two installations: that is the cause, and not a torch that is missing."""
    both = (Package(name="nvidia-nccl-cu12", version="2.27.5"), Package(name="nvidia-nccl-cu11", version="2.21.5"))
    known = {"damage": damaged("nvidia-nccl-cu12"), "packages": both, "import_error": error, "cuda": "12.8"}
    assert found("torch-not-installed", **(known | {"import_error": None})) is None
    result = found("mixed-install", **known)
    assert result.primary is (error is not None)
    assert "nvidia-nccl-cu11" in typed(result)


@pytest.mark.parametrize("slug", ["torch-not-installed", "mixed-install"])
def test_without_damage_nothing_is_found(slug):
    """A whole torch stays silent."""
    assert found(slug) is None


def test_an_emptied_file_on_disk_is_named(tmp_path):
    """From the record on disk to the cause: a file that was emptied, and an import that fails by it."""
    site, python = new_environment(tmp_path / "environment"), python_of(tmp_path / "environment")
    put_torch(site, before="from torch._piece import value")
    piece = site / "torch" / "_piece.py"
    piece.write_text("value = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(piece.read_bytes()).digest()).rstrip(b"=").decode()
    info = next(site.glob("torch-*.dist-info"))
    (info / "RECORD").write_text(f"torch/_piece.py,sha256={digest},{piece.stat().st_size}\n")
    piece.write_text("")
    inspection = inspect_environment(RealHost(), python, timeout=30.0)
    diagnosis = diagnose(facts_of(Machine(os=Os.LINUX, arch="x86_64", glibc="2.39"), inspection))
    assert diagnosis.primary == "torch-not-installed"
    assert any("_piece.py" in str(line) for line in diagnosis.findings[0].evidence)
