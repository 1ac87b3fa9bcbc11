"""One law: the doctor, the planner and the worker give one answer for every build, platform and GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from torchup.catalog import load_catalog
from torchup.compat.laws import code_on_gpu
from torchup.compat.questions import load_compat
from torchup.compat.target import make_target
from torchup.doctor.facts import Facts, Nvidia, System, Torch
from torchup.doctor.rules.build import uncovered
from torchup.model import ComputeCapability, Driver, Gpu, Machine, Os, Vendor

COMPAT = load_compat()
CATALOG = load_catalog()
NAMED = "3.5 3.7 5.0 5.2 5.3 6.0 6.1 6.2 7.0 7.2 7.5 8.0 8.6 8.7 8.9 9.0 10.0 10.3 10.7 11.0 12.0 12.1"
CAPABILITIES = tuple(NAMED.split())
PLATFORMS = {
    "linux_x86_64": (Os.LINUX, "x86_64"),
    "linux_aarch64": (Os.LINUX, "aarch64"),
    "windows_x86_64": (Os.WINDOWS, "x86_64"),
}
DRIVERS = ("615.10", "525.60.13", None)


@pytest.fixture(scope="module")
def has_code():
    """The worker's judgement, imported as it lies: it knows nothing of torchup."""
    folder = str(Path(__file__).parents[3] / "src" / "torchup" / "worker")
    sys.path.insert(0, folder)
    try:
        import verify  # noqa: PLC0415  # from the worker's folder

        yield verify.has_code
    finally:
        sys.path.remove(folder)
        for name in ("verify", "lines"):
            sys.modules.pop(name, None)


def rows(platform):
    """The CUDA builds of PyTorch's index that are known to have an arch list."""
    return [row for (_, _, place), row in CATALOG.by_key.items() if place == platform and row.arch and row.driver]


def machine(platform, capability, driver):
    """A machine with one NVIDIA GPU."""
    system, arch = PLATFORMS[platform]
    found = (Driver(vendor=Vendor.NVIDIA, version=driver),) if driver else ()
    gpu = Gpu(vendor=Vendor.NVIDIA, compute_capability=capability)
    return Machine(os=system, arch=arch, gpus=(gpu,), drivers=found)


def facts(platform, capability, driver, row):
    """The same machine in a report, with a build whose use failed to be seen."""
    system, arch = PLATFORMS[platform]
    return Facts(
        system=System(os=system, arch=arch),
        torch=Torch(version=row.torch, local=row.variant, variant=row.variant, cuda=row.driver.cuda),
        nvidia=Nvidia(driver=driver),
        gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability=capability),),
    )


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_doctor_and_planner_give_one_answer(platform, driver):
    """A build that the planner has code in is never blamed by the doctor, and the reverse, for every row and GPU."""
    checked = 0
    for row in rows(platform):
        for capability in CAPABILITIES:
            target = make_target(machine(platform, capability, driver), CATALOG)
            planner = code_on_gpu(row, 0, target, CATALOG)
            doctor = uncovered(facts(platform, capability, driver, row), COMPAT)
            assert (doctor is None) == (planner is not None), (row.label, platform, capability, driver, planner)
            checked += 1
    assert checked > 400


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_worker_gets_the_planners_answer(platform, has_code):
    """What the worker finds in the table that the parent hands in is what the planner says with a new driver."""
    table = COMPAT.runs_on()
    for row in rows(platform):
        for capability in CAPABILITIES:
            target = make_target(machine(platform, capability, DRIVERS[0]), CATALOG)
            planner = code_on_gpu(row, 0, target, CATALOG)
            assert has_code(capability, list(row.arch.names), table) == (planner is not None), (row.label, capability)


def test_every_capability_of_the_catalogue_is_asked():
    """A new architecture is added to the list here, so that it is compared too; Fermi and early Kepler have none."""
    assert {str(c) for c in COMPAT.capabilities if c >= ComputeCapability(major=3, minor=5)} == set(CAPABILITIES)
