"""What torchup itself plans is never refused as foreign: the closed forms leave room for every real plan."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from golden.machines import GROUPS
from golden.test_golden import outcome
from torchup.errors import TorchupError
from torchup.plan.foreign import checked_plan


@pytest.mark.parametrize("group", GROUPS)
def test_every_plan_of_torchup_is_accepted(group):
    """The plans of all golden machines, by wheels and by conda, are data of their form."""
    for case in GROUPS[group]():
        plan = outcome(case)
        if not isinstance(plan, TorchupError):
            assert checked_plan(plan, case.name) == replace(plan, python_path=None, steps=())
