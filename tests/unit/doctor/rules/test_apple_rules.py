"""Rules of Apple's GPUs."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("mps-not-built", {"signs": "mps.not-linked"}),
    ("mps-no-device", {"signs": "mps.no-metal"}),
    ("macos-too-old", {"signs": "mps.macos"}),
]
SILENT = [
    ("mps-not-built", {"os": "macos", "mps_built": True}),
    ("mps-not-built", {}),
    ("mps-no-device", {"os": "macos", "mps_available": True}),
    ("mps-no-device", {}),
    ("macos-too-old", {"os": "macos", "mps_available": True}),
    ("macos-too-old", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)
