"""What the planner decides on machines that everybody has."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from support.plan_machines import intel, machine, nvidia
from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.compat.packages import Match, Status
from torchup.errors import NoBuildError
from torchup.model import UNKNOWN, Machine, Os, Reason, Request
from torchup.plan import resolve
from torchup.plan.pythons import choose_python, pythons_of
from torchup.plan.wheel_words import _build_hint

CATALOG = load_catalog()


def plan(target, **request):
    """The plan without a survey."""
    return resolve(target, Request(**request), CATALOG)


def test_newest_torch_and_cuda_on_a_current_machine():
    """A new driver and a current card get the newest release with the newest runtime that is surely published."""
    found = plan(machine("linux", nvidia("NVIDIA GeForce RTX 4090", "8.9", 24), driver="610.43.02"))
    assert found.build.label == "2.15.0+cu132"
    assert found.uses_gpu
    assert found.covered_gpus == (0,)


def test_driver_below_580_takes_the_last_cuda_12_line():
    """CUDA 12 builds run on any driver from 525/528 on; the newest of them is 2.14.1+cu126, not the last cu129."""
    found = plan(machine("windows", nvidia("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6"), driver="561.09"))
    assert found.build.label == "2.14.1+cu126"
    assert any("580" in str(notice.text) for notice in found.advice)


def test_pascal_on_driver_580_is_not_sent_to_cuda_13():
    """Driver 580 would run CUDA 13, but its builds have no code for Pascal; and the card must stay on branch 580."""
    found = plan(machine("linux", nvidia("NVIDIA GeForce GTX 1080", "6.1"), driver="580.95.05"))
    assert found.build.label == "2.14.1+cu126"
    rejected = {(r.torch, r.variant): r.reason for r in found.rejected}
    assert rejected["2.15.0", "cu132"] == Reason.ARCH
    assert "plan.advice.last-branch" in [notice.code for notice in found.advice]


def test_cpu_machine_gets_the_cpu_build_and_is_told():
    """Without a GPU the CPU build is right, and the plan says that it is cpu-only."""
    found = plan(machine("linux"))
    assert found.build.variant == "cpu"
    assert not found.uses_gpu
    assert found.advice[0].code == "plan.advice.cpu-only"


def test_never_the_cpu_build_in_silence():
    """A GPU without a driver ends in exit 3 with what to install; --cpu is the way to insist."""
    target = machine("linux", nvidia("NVIDIA GeForce RTX 3060", "8.6"))
    with pytest.raises(NoBuildError) as error:
        plan(target)
    assert "580" in str(error.value.hint)
    assert plan(target, cpu=True).build.variant == "cpu"


def test_old_integrated_graphics_do_not_stop_a_laptop():
    """Iris Xe is no GPU for torch: the CPU build, said aloud."""
    found = plan(machine("linux", intel("Intel Iris Xe Graphics", 0)))
    assert found.build.variant == "cpu"
    assert found.advice[0].code == "plan.advice.cpu-only-ignored"


def test_what_is_unknown_of_a_machine_is_not_called_missing():
    """Nothing is said of a Python that an imagined machine may have; a machine whose Pythons are known is told."""
    imagined = plan(Machine(os=Os.LINUX, arch="x86_64", glibc="2.39"))
    known = plan(Machine(os=Os.LINUX, arch="x86_64", glibc="2.39", python="3.8.1"))
    assert "plan.advice.python-fetched" not in [notice.code for notice in imagined.advice]
    assert "plan.advice.python-fetched" in [notice.code for notice in known.advice]


def test_no_sentence_of_an_imagined_machine_has_a_question_mark_for_its_python():
    """What is not known is called unknown, also where pip could fetch no Python."""
    imagined = Machine(os=Os.LINUX, arch="x86_64", glibc="2.39")
    pythons = replace(pythons_of(imagined, Request(), CATALOG), default=())
    refused = choose_python(CATALOG.by_platform["linux_x86_64"][0], pythons, imagined)
    assert str(refused).endswith("not unknown")


@pytest.mark.parametrize("package", load_packages().packages, ids=lambda package: package.name)
def test_a_hint_about_a_package_can_be_followed(package):
    """It names what the tables know; what they do not know is left out."""
    for needs, alternative in ((None, None), ("a compiler", "another package")):
        found = Match(
            package=package.name, kind=package.kind, as_of="2026-11-30", status=Status.NONE, build_needs=needs,
            alternative=alternative,
        )  # fmt: skip
        hint = str(_build_hint(found))
        assert str(UNKNOWN) not in hint
        assert ("another package" in hint or "a compiler" in hint) is (needs is not None)
