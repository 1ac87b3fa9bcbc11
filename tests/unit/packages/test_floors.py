"""What a wheel needs, in words: the least that will do is said as such."""

from __future__ import annotations

import pytest

from torchup.compat.packages import Axis, Failed
from torchup.compat.packages.against import needed


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (Failed(axis=Axis.GLIBC, want="2.34", have="2.17"), "glibc 2.34 or higher (here 2.17)"),
        (Failed(axis=Axis.CAPABILITY, want="8.0", have="6.1"), "compute capability 8.0 or higher (here 6.1)"),
        (Failed(axis=Axis.CAPABILITY, want="gfx942 gfx950", have="gfx900"), "gfx942, gfx950 (here gfx900)"),
        (Failed(axis=Axis.CAPABILITY, want="-", have="6.1"), "compute capability unknown (here 6.1)"),
        (Failed(axis=Axis.DRIVER, want="CUDA 12 13", have="450.80"), "driver for CUDA 12, 13 (here 450.80)"),
    ],
)
def test_a_minimum_is_not_written_as_the_only_value(failed, said):
    """Versions of glibc and compute capabilities are floors; names of targets and versions of CUDA are lists."""
    assert said in str(needed(failed))
