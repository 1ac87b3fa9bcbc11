"""What stands against a wheel, in words."""

from __future__ import annotations

import pytest

from torchup.compat.packages import Axis, Failed, Match, Status
from torchup.compat.packages.against import AXES, needed, none_fits
from torchup.i18n import render


def test_every_axis_has_a_name_in_both_languages():
    """No axis is shown by its internal word: the table is whole, and each name is a message."""
    assert set(AXES) == set(Axis)
    words = {axis: render(AXES[axis], "en") for axis in Axis}
    assert (words[Axis.CUDA], words[Axis.ABI]) == ("CUDA", "C++ ABI")
    same = {axis for axis in Axis if render(AXES[axis], "zh") == words[axis]}
    assert same == {Axis.GLIBC, Axis.CUDA, Axis.PYTHON, Axis.TORCH, Axis.ABI}


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (Failed(axis=Axis.CUDA, want="126", have="cu130"), "CUDA cu126 (here cu130)"),
        (Failed(axis=Axis.CUDA, want="12 13", have="amd"), "CUDA cu12, cu13 (here amd)"),
        (Failed(axis=Axis.DRIVER, want="CUDA 12 13", have="450.80"), "driver CUDA 12 13 (here 450.80)"),
        (Failed(axis=Axis.GLIBC, want="2.34", have="-"), "glibc 2.34 (here unknown)"),
        (Failed(axis=Axis.PYTHON, want="3.12", have="3.14"), "Python 3.12 (here 3.14)"),
    ],
)
def test_a_value_is_written_as_people_write_it(failed, said):
    """CUDA as a variant, what is not known as unknown, the rest as it is."""
    assert render(needed(failed), "en") == said


def test_every_reason_is_said():
    """Each axis that failed stands in the sentence; without one, it says that no wheel is known."""
    failed = tuple(Failed(axis=axis, want="1", have="2") for axis in Axis)
    found = Match(package="apex", kind="source", as_of="2026-11-30", status=Status.NONE, failed=failed)
    said = render(none_fits(found), "en")
    assert all(f"{render(AXES[axis], 'en')} " in said for axis in Axis)
    unknown = Match(package="apex", kind="source", as_of="2026-11-30", status=Status.NONE)
    assert render(none_fits(unknown), "en") == "no wheel of apex is known for this torch and system"
