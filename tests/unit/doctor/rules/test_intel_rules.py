"""Rules of Intel's GPUs."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("xpu-driver-missing", {"signs": "xpu.crash", "variant": "xpu"}),
    ("xpu-driver-missing", {"variant": "xpu", "xpu_available": False, "gpu": "intel:Intel Arc A770"}),
    ("gpu-not-reached", {"variant": "xpu", "xpu_available": False}),
    ("xpu-wheel-not-installed", {"variant": "cpu", "gpu": "intel:Intel Arc A770"}),
    ("xpu-driver-missing", {"signs": "xpu.driver"}),
]
SILENT = [
    ("xpu-wheel-not-installed", {"signs": "xpu.not-compiled", "gpu": "RTX 4090", "variant": "cu126"}),
    ("xpu-driver-missing", {"signs": "xpu.crash"}),
    ("gpu-not-reached", {"variant": "xpu", "xpu_available": True}),
    ("gpu-not-reached", {"variant": "cpu", "xpu_available": False}),
    ("no-gpu-present", {"variant": "xpu", "cuda_available": False, "tools_found_none": True}),
    ("xpu-wheel-not-installed", {"variant": "xpu", "gpu": "intel:Intel Arc A770"}),
    ("xpu-wheel-not-installed", {"variant": "cpu"}),
    ("xpu-wheel-not-installed", {"variant": "cpu", "gpu": "intel:Intel Arc A770", "xpu_available": True}),
    ("xpu-driver-missing", {"signs": "xpu.driver", "xpu_available": True}),
    ("xpu-driver-missing", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)


@pytest.mark.parametrize(("distribution", "version", "shown"), [
    ("Ubuntu 24.04.1 LTS", "24.04.1", True), ("ubuntu", "26.04", True), ("Ubuntu 22.04.5 LTS", "22.04.5", False),
    ("Ubuntu", None, False), (None, None, False), ("debian", "13", False), ("Fedora Linux 43", "43", False),
])  # fmt: skip
def test_packages_are_named_for_releases_that_have_them(distribution, version, shown):
    """An older or unknown release, or another distribution, gets the text without commands."""
    known = {"os": "linux", "distribution": distribution, "os_version": version}
    remedy = CHECKS["xpu-driver-missing"](facts(signs="xpu.driver", **known), load_compat()).remedy
    assert bool(remedy.commands) is shown
    assert "Level Zero" in str(remedy.text)
