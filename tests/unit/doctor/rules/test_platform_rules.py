"""Rules of the platform: is there a wheel for this system, processor and Python?"""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("windows-arm64-no-wheel", {"os": "windows", "system_arch": "arm64"}),
    ("x86-python-under-rosetta", {"os": "macos", "apple_silicon": True, "python_arch": "x86_64"}),
    ("python-version-unsupported", {"signs": "python.no-match"}),
    ("wrong-arch-python", {"bits": 32}),
    ("glibc-too-old", {"signs": "glibc.missing"}),
]
SILENT = [
    ("windows-arm64-no-wheel", {"os": "windows", "system_arch": "x86_64"}),
    ("windows-arm64-no-wheel", {"os": "windows", "system_arch": "arm64", "installed": True}),
    ("x86-python-under-rosetta", {"os": "macos", "apple_silicon": True, "python_arch": "arm64"}),
    ("x86-python-under-rosetta", {}),
    ("python-version-unsupported", {"signs": "python.no-match", "kernel_ran": True}),
    ("python-version-unsupported", {}),
    ("wrong-arch-python", {"bits": 64}),
    ("wrong-arch-python", {"bits": 32, "kernel_ran": True}),
    ("glibc-too-old", {"signs": "glibc.cxx", "environment": {"LD_LIBRARY_PATH": "/x"}}),
    ("glibc-too-old", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)
