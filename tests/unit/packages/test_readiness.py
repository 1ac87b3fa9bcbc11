"""What torch.compile needs, held against what is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import torchup
from torchup.catalog import load_catalog
from torchup.compat.readiness import CompileFacts, readiness
from torchup.model import Driver, Gpu, Machine, Os, Vendor

CATALOG = load_catalog()
READY = CompileFacts(
    python="3.12", compiler="/usr/bin/c++", headers=True, triton="3.8.0", triton_wanted="~=3.8.0", ptxas="13.0",
    torch="2.14.1+cu130",
)  # fmt: skip


def machine(system="linux", capability="12.0"):
    """A machine with one NVIDIA GPU."""
    return Machine(
        os=Os(system), arch="x86_64", gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability=capability),),
        drivers=(Driver(vendor=Vendor.NVIDIA, version="610.43.02"),),
    )  # fmt: skip


def answers(facts, target):
    """Name -> ready."""
    return {one.name: one.ready for one in readiness(facts, target, CATALOG)}


def test_a_complete_environment_is_ready():
    """Every requirement is there."""
    assert set(answers(READY, machine()).values()) == {True}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"compiler": None}, "compiler"), ({"headers": False}, "headers"), ({"triton": None}, "triton"),
        ({"triton": "3.7.1", "triton_wanted": "==3.8.0"}, "triton"), ({"ptxas": "12.4"}, "ptxas"),
        ({"python": "3.8"}, "python"),
    ],
)  # fmt: skip
def test_each_missing_thing_is_named_alone(change, name):
    """One thing that is missing is one line that says no."""
    facts = CompileFacts(**{field: getattr(READY, field) for field in READY.__struct_fields__} | change)
    assert [key for key, ready in answers(facts, machine()).items() if ready is False] == [name]


def test_a_cpu_wheel_needs_no_triton_on_any_machine():
    """Torch for the CPU requires neither Triton nor its assembler, also beside an NVIDIA GPU."""
    names = answers(CompileFacts(python="3.12", torch="2.14.1+cpu"), machine())
    assert not {"triton", "ptxas"} & set(names)


def test_triton_of_windows_is_known_from_the_tables():
    """None is asked for by torch there; the tables say which one goes with it."""
    facts = CompileFacts(python="3.12", triton="3.6.0.post26", torch="2.11.0+cu130")
    assert answers(facts, machine("windows"))["triton"] is True
    facts = CompileFacts(python="3.12", triton="3.2.0.post21", torch="2.11.0+cu130")
    assert answers(facts, machine("windows"))["triton"] is False


def test_a_machine_without_a_gpu_needs_no_triton():
    """The CPU's code is compiled by the C++ compiler."""
    assert set(answers(READY, Machine(os=Os.LINUX, arch="x86_64"))) >= {"compiler", "headers"}
    cpu = CompileFacts(python="3.12", torch="2.14.1+cpu")
    assert "triton" not in answers(cpu, Machine(os=Os.LINUX, arch="x86_64"))


def test_the_worker_answers_in_one_line():
    """What the worker prints is what the values hold."""
    script = Path(torchup.__file__).parent / "worker" / "readiness.py"
    done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout.splitlines()[-1])["readiness"]) == set(CompileFacts.__struct_fields__)
