"""Working in a conda environment that was made without conda."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from torchup.envs import activation
from torchup.host import PlatformFacts, RealHost, RecordedHost
from torchup.host.recorded import Recording


def host(path, programs=None) -> RecordedHost:
    """A machine with a conda environment at a path."""
    facts = PlatformFacts(system="Linux", machine="x86_64")
    directories = {f"{path}/conda-meta": ("history",), f"{path}\\conda-meta": ("history",)}
    return RecordedHost(Recording(platform=facts, directories=directories, programs=programs or {}))


def test_the_conda_that_is_there_activates():
    """Who has conda or mamba uses it: it also runs packages' own activation scripts."""
    assert activation.hints(host("/e"), "/e") != {}
    assert activation.hints(host("/e", {"mamba": "/m/bin/mamba"}), "/e")["bash"] == "mamba activate /e"
    assert activation.hints(host("/e", {"conda": "/m/bin/conda"}), "/e")["cmd"] == "conda activate /e"


def test_without_conda_windows_gets_the_folders_of_its_dlls():
    """PowerShell and cmd.exe put prefix, Library and Scripts on PATH."""
    found = activation.hints(host(r"C:\e"), r"C:\e")
    assert set(found) == {"powershell", "cmd"}
    assert all(r"C:\e\Library\bin;" in line and r"C:\e\Scripts;" in line for line in found.values())


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash")
def test_without_conda_bash_finds_the_environments_programs(tmp_path):
    """The line is run by a real bash, in a folder with a space and a quote in its name."""
    path = tmp_path / "it's mine"
    (path / "conda-meta").mkdir(parents=True)
    (path / "bin").mkdir()
    program = path / "bin" / "hello"
    program.write_text('#!/bin/sh\necho "$CONDA_PREFIX"\n')
    program.chmod(0o755)
    line = activation._conda_hints(RealHost(), str(path))["bash"]
    done = subprocess.run(["bash", "-c", f"{line}\nhello"], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.strip() == str(path)


def test_programs_of_a_conda_environment_on_windows_are_found_in_its_folders():
    """`env run` finds python.exe beside the prefix, not in Scripts, and sets PATH as activation does."""
    machine = RecordedHost(
        Recording(
            platform=PlatformFacts(system="Windows", machine="AMD64"),
            directories={"C:\\e\\conda-meta": ("history",)},
            programs={"python": "C:\\e\\python.exe"},
        )
    )
    overlay = activation.run_environment(machine, r"C:\e")
    assert overlay["PATH"].startswith("C:\\e;C:\\e\\Library\\mingw-w64\\bin;")
    assert overlay["CONDA_PREFIX"] == "C:\\e"
    assert activation.program(machine, r"C:\e", "python") == "C:\\e\\python.exe"
