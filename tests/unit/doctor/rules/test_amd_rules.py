"""Rules of AMD's GPUs."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("rocm-wheel-not-installed", {"variant": "cpu", "gpu": "amd:AMD Radeon RX 7900 XTX"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary"}),
    ("rocm-version-mismatch", {"signs": "hip.library"}),
]
SILENT = [
    ("rocm-wheel-not-installed", {"variant": "rocm6.3", "gpu": "amd:AMD Radeon RX 7900 XTX"}),
    ("rocm-wheel-not-installed", {"variant": "cpu"}),
    ("rocm-wheel-not-installed", {"variant": "cpu", "gpu": "amd:AMD Radeon RX 7900 XTX", "os": "macos"}),
    ("gfx-not-in-build", {"signs": "arch.no-kernel"}),
    ("gfx-not-in-build", {}),
    ("rocm-version-mismatch", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)
