"""Rules of the driver, and of what lies between it and the process."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS
from torchup.model import Gpu, Vendor


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("mig-or-exclusive-mode", {"gpus": (Gpu(vendor=Vendor.NVIDIA, mig_mode="enabled", mig_instances=0),)}),
    ("driver-too-new", {"signs": "driver.legacy"}),
    ("driver-missing-or-broken", {"signs": "smi.mismatch"}),
    ("driver-missing-or-broken", {"signs": "driver.none"}),
    ("driver-missing-or-broken", {"signs": "smi.mismatch, said.works-elsewhere"}),
    ("mig-or-exclusive-mode", {"signs": "mode.busy"}),
    ("permission-device-nodes", {"signs": "kfd.denied"}),
    ("triton-newer-than-driver", {"signs": "driver.ptx"}),
    ("gpu-not-reached", {"cuda_available": False, "variant": "cu124", "gpu": "RTX 4090"}),
]
SILENT = [
    ("mig-or-exclusive-mode", {"gpus": (Gpu(vendor=Vendor.NVIDIA, mig_mode="enabled", mig_instances=2),)}),
    ("driver-too-new", {"signs": "driver.legacy", "kernel_ran": True}),
    ("driver-too-new", {}),
    ("driver-missing-or-broken", {"signs": "smi.not-running", "kernel_ran": True}),
    ("driver-missing-or-broken", {"signs": "smi.not-running", "variant": "xpu"}),
    ("driver-missing-or-broken", {"signs": "driver.none, said.works-elsewhere"}),
    ("driver-missing-or-broken", {}),
    ("mig-or-exclusive-mode", {"cuda_available": False}),
    ("mig-or-exclusive-mode", {}),
    ("permission-device-nodes", {"signs": "kfd.denied", "kernel_ran": True}),
    ("permission-device-nodes", {}),
    ("triton-newer-than-driver", {"signs": "driver.ptx", "hip": "6.3"}),
    ("triton-newer-than-driver", {}),
    ("gpu-not-reached", {"cuda_available": True, "variant": "cu124", "gpu": "RTX 4090"}),
    ("gpu-not-reached", {"cuda_available": False, "variant": "cu124"}),
    ("gpu-not-reached", {"cuda_available": False, "variant": "cpu", "gpu": "RTX 4090"}),
    ("gpu-not-reached", {"cuda_available": False, "variant": "cu124", "gpu": "amd:RX 7900 XTX"}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)
