"""What a plan says of builds, Pythons and options: only what is so, and only what can be done."""

from __future__ import annotations

import contextlib

import pytest
from msgspec.structs import replace

from golden.machines import GROUPS
from golden.test_golden import outcome
from support.plan_machines import amd, machine, nvidia
from torchup.catalog import load_catalog
from torchup.compat.packages import Axis, Failed, Match, Status
from torchup.errors import NoBuildError, TorchupError, UsageError
from torchup.model import InstallerName, Reason, Rejection, Request, Survey, message
from torchup.plan import resolve
from torchup.plan.explain import why_not
from torchup.plan.failure import _usual_hint
from torchup.plan.foreign import checked_plan
from torchup.plan.planner import consider
from torchup.plan.pythons import choose_python, pythons_of
from torchup.plan.wheel_words import _alone, third_party
from torchup.report.plan_text import plan_text
from torchup.report.style import Style

CATALOG = load_catalog()
RTX = machine("linux", nvidia("NVIDIA GeForce RTX 4090", "8.9", 24), driver="610.43.02")
CONDA = Request(installer=InstallerName.CONDA)


def test_conda_forge_is_proposed_only_if_it_has_a_newer_build():
    """The advice about glibc names the build of conda-forge, never within a plan of conda-forge itself."""
    checked = 0
    for case in (case for group in GROUPS for case in GROUPS[group]()):
        plan = outcome(case)
        if isinstance(plan, TorchupError):
            continue
        said = [str(one.text) for one in plan.advice if one.code == "plan.advice.glibc"]
        checked += len(said)
        assert not (said and plan.installer is InstallerName.CONDA and "conda" in said[0])
    assert checked > 3


def test_a_build_of_a_vendor_is_not_looked_for_in_the_users_sources():
    """`catalog measure torch==...` asks only those; a vendor's wheel is measured by its address, if it has one."""
    for case in GROUPS["hard"]():
        plan = outcome(case)
        if isinstance(plan, TorchupError) or not (plan.build.source or "").startswith(("jetson", "nvidia")):
            continue
        for one in plan.advice:
            assert "measure torch==" not in str(one.text), case.name


@pytest.mark.parametrize(("request_", "said"), [(Request(), "wheel for"), (CONDA, "build of conda-forge for")])
def test_a_gpu_without_a_build_is_said_of_the_builds_that_were_looked_at(request_, said):
    """Wheels and conda-forge have other builds: the sentence names which, and the platform."""
    old = machine("linux", amd("AMD Radeon RX 580", "gfx803"))
    with pytest.raises(NoBuildError, match=f"{said} linux_x86_64"):
        resolve(old, request_, CATALOG)


def test_a_release_that_conda_forge_lacks_is_not_called_unpublished():
    """`--installer conda --why-not` answers for conda-forge alone."""
    answer = str(why_not("9.9", RTX, CONDA, CATALOG, survey=Survey()).answer)
    assert answer.startswith("conda-forge has no 9.9")
    assert "was not published" in str(why_not("9.9", RTX, Request(), CATALOG, survey=Survey()).answer)


def test_pip_downloads_no_python():
    """An imagined machine planned with pip has no notice of a Python that pip would fetch."""
    fetched = "plan.advice.python-fetched"
    named = [(InstallerName.UV, "3.9.1", True), (InstallerName.PIP, "3.12.1", False)]
    for installer, python, said in named:
        found = resolve(replace(RTX, python=python), Request(installer=installer), CATALOG)
        assert (fetched in [one.code for one in found.advice]) is said
    imagined = replace(RTX, python="3.9.1")
    with contextlib.suppress(NoBuildError):
        found = resolve(imagined, Request(installer=InstallerName.PIP), CATALOG)
        assert fetched not in [one.code for one in found.advice]


def test_a_python_with_a_wheel_for_a_newer_macos_is_not_called_missing():
    """The wheel exists; what is too old is macOS."""
    row = next(row for row in CATALOG.by_platform["macos_arm64"] if row.macos_for)
    python, floor = next(iter(row.macos_for.items()))
    old = machine("macos", python=f"{python}.0", os_version="11.0")
    answer = choose_python(row, pythons_of(old, Request(python=python), CATALOG), old)
    assert str(answer) == f"needs macOS {floor} or newer; this machine has 11.0"


@pytest.mark.parametrize(
    ("asked", "absent"),
    [
        ({"torch": "2.14"}, {"--variant", "--python"}),
        ({"variant": "cu126"}, {"--torch", "--python"}),
        ({}, {"--torch"}),
    ],
)
def test_a_hint_leaves_out_only_options_that_were_given(asked, absent):
    """What was not typed cannot be left out."""
    question, _, _ = consider(RTX, Request(require=("torchaudio",), **asked), CATALOG, Survey())
    first = Rejection(torch="2.15.0", variant="cu132", reason=Reason.COMPANION, detail=message("x", "x"))
    hint = str(_usual_hint(first, question))
    assert "--require" in hint
    assert not {option for option in absent if option in hint}


def test_a_channel_that_lacks_a_variant_proposes_a_release_that_has_it():
    """The hint's release has the wanted variant, and its list is never empty."""
    with pytest.raises(NoBuildError) as caught:
        resolve(RTX, Request(channel="nightly", variant="cu118"), CATALOG)
    hint = str(caught.value.hint)
    assert "()" not in hint
    assert "cu118" in hint


@pytest.mark.parametrize("axis", [Axis.CAPABILITY, Axis.PLATFORM])
def test_compiling_is_not_proposed_for_a_machine_that_cannot_run_the_package(axis):
    """A GPU that is too old and a system without support stay so after hours of compiling."""
    failed = (Failed(axis=axis, want="8.0", have="6.1"),)
    found = Match(package="flash-attn", kind="matched", as_of="2026-11-30", status=Status.NONE, failed=failed,
                  build_needs="nvcc")  # fmt: skip
    error = _alone(found)
    assert "--build" not in str(error.hint)
    assert "8.0 or higher" in str(error.text) or axis is Axis.PLATFORM


def test_whose_binary_it_is_is_never_an_empty_place():
    """A wheel from a page of links has that page as its place."""
    found = Match(package="apex", kind="matched", as_of="2026-11-30", status=Status.EXACT, publisher="someone")
    assert str(third_party(replace(found, find_links="https://x.example/")).text).endswith(": https://x.example/")
    assert str(third_party(found).text).endswith(": unknown")


def test_a_plan_for_another_machine_is_not_of_this_machine():
    """The heading of a machine from a file is not "This machine"."""
    plan = resolve(RTX, Request(), CATALOG)
    assert "This machine" in plan_text(plan, RTX, Style())
    assert "This machine" not in plan_text(plan, RTX, Style(), here=False)
    assert "Planned for" in plan_text(plan, RTX, Style(), here=False)


def test_a_refused_address_is_not_shown():
    """It may hold a login; the sentence says what an address has to be."""
    plan = resolve(RTX, Request(), CATALOG)
    login = "https://me:secret@x.example/simple"
    for bad in (
        replace(plan, build=replace(plan.build, index_url=login)),
        replace(plan, sources=(replace(plan.sources[0], url=login), *plan.sources[1:])),
    ):
        with pytest.raises(UsageError, match="must be an address") as caught:
            checked_plan(bad, "plan.json")
        assert "secret" not in str(caught.value)


def test_the_newest_release_of_conda_forge_is_called_that():
    """conda-forge is behind PyTorch's own index: its newest release is not the newest of all."""
    why = [str(one) for one in resolve(RTX, CONDA, CATALOG).why]
    assert any("newest release on conda-forge" in one for one in why)
