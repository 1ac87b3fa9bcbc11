"""What torchup itself plans is never refused as foreign: the closed forms leave room for every real plan."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from golden.machines import GROUPS
from golden.test_golden import outcome
from torchup.errors import TorchupError
from torchup.model import Os
from torchup.plan.foreign import checked_plan
from torchup.report.plan_text import plan_data


@pytest.mark.parametrize("group", GROUPS)
def test_every_plan_of_torchup_is_accepted(group):
    """The plans of all golden machines, by wheels and by conda, are data of their form."""
    for case in GROUPS[group]():
        plan = outcome(case)
        if not isinstance(plan, TorchupError):
            assert checked_plan(plan, case.name) == replace(plan, python_path=None, steps=())


def test_the_macos_build_is_read_back_by_the_name_that_programs_read():
    """`plan --json` calls it `mps`; what is installed and verified is the build that calls itself `cpu`."""
    plans = [(case, outcome(case)) for case in GROUPS["hard"]() if case.machine.os == Os.MACOS]
    case, plan = next((case, plan) for case, plan in plans if not isinstance(plan, TorchupError) and plan.uses_gpu)
    shown = plan_data(plan, case.machine)
    assert shown.build.variant == "mps"
    assert checked_plan(shown, case.name).build == plan.build


@pytest.mark.parametrize(
    "line",
    [
        "torch @ https://elsewhere.example/torch-2.1.0a0-cp38-cp38-linux_aarch64.whl",  # not in the source's folder
        "evil @ {folder}/evil-1-py3-none-any.whl",
        "torch @ {folder}/../torch-2.1.0a0-cp38-cp38-linux_aarch64.whl",
        "torch @ {folder}/torch-2.1.0a0.tar.gz",
        "torch @ {folder}/torch-2.1.0a0-cp38-cp38-linux_aarch64.whl --index-url https://elsewhere.example",
    ],
)
def test_only_a_wheel_of_torch_in_a_sources_folder_may_be_an_address(line):
    """The one wheel that no index has (JetPack 5) is accepted by its address, nothing else is."""
    plan = outcome(next(case for case in GROUPS["hard"]() if case.name == "jetson-orin-jetpack-5"))
    folder = plan.sources[0].url
    assert checked_plan(plan, "plan.json").packages == plan.packages
    with pytest.raises(TorchupError, match="refuses"):
        checked_plan(replace(plan, packages=(line.format(folder=folder), *plan.packages[1:])), "plan.json")
