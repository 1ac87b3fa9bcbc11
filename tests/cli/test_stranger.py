"""What somebody meets who knows the README only: the environment that is meant, and what to type next."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from torchup.cli.app import make_app
from torchup.cli.doctor import _target
from torchup.cli.session import Session
from torchup.cli.up import _next_steps
from torchup.compat.questions import load_compat
from torchup.doctor.live import facts_of
from torchup.doctor.remedy import reinstall
from torchup.envs import registry
from torchup.host import RealHost
from torchup.model import Driver, Environment, Gpu, Machine, Os, Vendor, verbatim

HOST = RealHost()


@pytest.fixture
def default(tmp_path):
    """An environment of torchup's called `default`."""
    folder = tmp_path / "default"
    venv.create(folder, symlinks=True)
    registry.adopt(HOST, str(folder), "default")
    return str(folder)


def test_torchups_own_environment_is_not_the_one_that_is_meant(default, monkeypatch):
    """Who activated the environment that holds torchup and no torch wants a diagnosis of what torchup made."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    path, name = _target(Session(), None, None)
    assert (path.startswith(default), name) == (True, "default")


def test_an_active_environment_comes_first(default, tmp_path, monkeypatch):
    """Another environment that is active is the one that is meant."""
    other = tmp_path / "other"
    venv.create(other, symlinks=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(other))
    path, name = _target(Session(), None, None)
    assert (path.startswith(str(other)), name) == (True, None)


def test_torchups_own_environment_is_not_examined(monkeypatch):
    """Where torchup has made nothing and only its own environment is there, the machine alone is looked at."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("PATH", str(Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin")))
    assert _target(Session(), None, None) is None


def test_the_end_of_up_names_the_kernel_and_the_page():
    """An environment with ipykernel can become a kernel; what was measured can be seen as a page."""
    environment = Environment(name="lab", path="/lab", packages={"ipykernel": "6.29.5"})
    typed = [command for _, command in _next_steps(Session(), environment, measured=True)]
    assert "torchup kernel add lab" in typed
    assert "torchup results report --html report.html" in typed
    bare = [command for _, command in _next_steps(Session(), Environment(name="lab", path="/lab"), measured=False)]
    assert not [command for command in bare if "kernel" in command or "results" in command]


@pytest.mark.parametrize(
    ("typed", "started", "offered"),
    [
        (["results"], "co", "compare"),
        (["up"], "--ins", "--installer"),
        (["up", "--installer"], "", "conda"),
    ],
)
def test_the_tab_key_offers_what_the_page_says(typed, started, offered):
    """Verbs, options and values are completed, as docs/how-to/completions.md says."""
    complete = ShellComplete(make_app(), {}, "torchup", "_TORCHUP_COMPLETE")
    assert offered in [item.value for item in complete.get_completions(typed, started)]


@pytest.mark.parametrize(
    ("gpus", "typed"),
    [
        ((), "whl/cpu"),
        ((Gpu(vendor=Vendor.AMD, gfx="gfx1100"),), "whl/rocm"),
        ((Gpu(vendor=Vendor.NVIDIA, compute_capability="8.6"),), "whl/cu"),
    ],
)
def test_what_to_install_is_for_the_machine_that_is_looked_at(gpus, typed):
    """A live machine without a GPU is not told to install a CUDA build of gigabytes."""
    driver = Driver(vendor=Vendor.NVIDIA, version="580.95.05")
    facts = facts_of(Machine(os=Os.LINUX, arch="x86_64", gpus=gpus, drivers=(driver,)))
    (command,) = reinstall(facts, load_compat().catalog, text=verbatim("install torch")).commands
    assert typed in " ".join(command)
