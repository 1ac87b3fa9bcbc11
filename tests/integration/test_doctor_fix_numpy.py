"""`torchup doctor --fix` where NumPy alone is exchanged: in an environment of conda, beside a torch of years ago."""

from __future__ import annotations

import json
import subprocess

import pytest

from support.doctor_environments import new_environment, put_torch, python_of
from support.wheels import make_wheel
from torchup.cli import main
from torchup.install.uv import uv_binary

pytestmark = pytest.mark.slow

TWO, ONE = "2.2.6", "1.26.4"
REFUSES_TWO = """
import numpy
if numpy.__version__.startswith("2"):
    raise ImportError("A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2.6 as it may crash.")
"""
REFUSES_ALL = 'raise ImportError("A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2.6")'


@pytest.fixture
def conda(tmp_path, monkeypatch):
    """An environment of conda with NumPy 2, both as wheels; a function puts a torch in and gives its Python."""
    wheels = tmp_path / "wheels"
    for version in (ONE, TWO):
        make_wheel(wheels, "numpy", version, files={"numpy/__init__.py": f"__version__ = {version!r}\n"})
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    folder = tmp_path / "miniforge" / "envs" / "old"
    site = new_environment(folder)
    (folder / "conda-meta").mkdir()
    python = python_of(folder)
    command = [uv_binary(), "pip", "install", "-q", "--python", python, f"numpy=={TWO}"]
    subprocess.run(command, check=True, timeout=120)

    def with_torch(before: str) -> str:
        put_torch(site, "1.12.1", before=before)
        return python

    return with_torch


def numpy_of(python: str) -> str:
    """The version of NumPy that is there."""
    command = [python, "-c", "import numpy; print(numpy.__version__)"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_numpy_is_exchanged_in_an_environment_of_conda(capsys, conda):
    """Nothing is rebuilt: NumPy 1 is there afterwards, and torch imports."""
    python = conda(REFUSES_TWO)
    assert main(["doctor", "--python", python, "--fix", "--yes", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["fixed"], data["primary"], numpy_of(python)) == (True, None, ONE)


def test_the_command_is_shown_first(capsys, conda):
    """A dry run names the one command, and a declined question changes nothing."""
    python = conda(REFUSES_TWO)
    assert main(["doctor", "--python", python, "--fix", "--dry-run", "--json"]) == 0
    command = json.loads(capsys.readouterr().out)["data"]["commands"][0]
    assert command[-1] == "numpy<2"
    assert main(["doctor", "--python", python, "--fix"]) == 1
    assert numpy_of(python) == TWO


def test_numpy_is_put_back_where_it_does_not_help(capsys, conda):
    """Exit 5 as after any verification that failed, and NumPy is the one that it was."""
    python = conda(REFUSES_ALL)
    assert main(["doctor", "--python", python, "--fix", "--yes"]) == 5
    assert "was restored" in capsys.readouterr().err
    assert numpy_of(python) == TWO


def test_what_cannot_be_installed_changes_nothing(capsys, conda, monkeypatch, tmp_path):
    """Exit 4 with what the installer said."""
    python = conda(REFUSES_TWO)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "nowhere"))
    assert main(["doctor", "--python", python, "--fix", "--yes"]) == 4
    assert "numpy" in capsys.readouterr().err.lower()
    assert numpy_of(python) == TWO
