"""Rules of the build: is it the right one for the GPU, and do its companions fit?"""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("cpu-build-installed", {"variant": "cpu", "gpu": "RTX 4090"}),
    ("torch-not-installed", {"installed": False}),
    ("numpy-abi", {"signs": "numpy.two"}),
]
SILENT = [
    ("cpu-build-installed", {"variant": "cpu"}),
    ("cpu-build-installed", {"variant": "cpu", "gpu": "amd:RX 7900 XTX"}),
    ("cpu-build-installed", {"variant": "cpu", "gpu": "RTX 4090", "kernel_ran": True}),
    ("cpu-build-installed", {}),
    ("torch-not-installed", {"installed": True}),
    ("torch-not-installed", {}),
    ("numpy-abi", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)
