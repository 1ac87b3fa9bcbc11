"""Rules of AMD's GPUs."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.cause import load_cause
from torchup.doctor.data_rule import check_of
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


OVERRIDDEN = {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}
FIRING = [
    ("rocm-wheel-not-installed", {"gpu": "amd:Radeon RX 7900 XTX", "signs": "driver.none"}),
    (
        "gfx-not-in-build",
        {"signs": "hip.no-binary", "gpu": "amd:RX 9070 XT", "torch_version": "2.9.1", "variant": "rocm6.2"},
    ),
    ("hsa-override-wrong", {"signs": "hip.fault", "gpu": "amd:Radeon 8060S", "environment": OVERRIDDEN}),
    ("hsa-override-wrong", {"signs": "hip.isa", "environment": OVERRIDDEN}),
    ("hsa-override-wrong", {"signs": "hip.fault", "cuda_available": True, "environment": OVERRIDDEN}),
    ("rocm-wheel-not-installed", {"variant": "cpu", "gpu": "amd:AMD Radeon RX 7900 XTX"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary", "gpu": "amd:Radeon RX 7900 XTX"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary", "gpu": "amd:AMD Instinct MI250X", "os": "windows"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary, hip.tensile", "gpu": "amd:AMD Instinct MI250X"}),
    ("rocm-version-mismatch", {"signs": "hip.library"}),
]
SILENT = [
    ("rocm-wheel-not-installed", {"gpu": "amd:Radeon RX 7900 XTX", "signs": "driver.none", "driver": "580.95.05"}),
    ("rocm-wheel-not-installed", {"gpu": "RTX 4090, amd:Radeon RX 7900 XTX", "variant": "cpu"}),
    (
        "gfx-not-in-build",
        {"signs": "hip.no-binary", "gpu": "amd:Radeon RX 7900 XTX", "os": "linux", "arch_list": ("gfx1100",)},
    ),
    ("hsa-override-wrong", {"signs": "hip.fault"}),
    ("hsa-override-wrong", {"environment": OVERRIDDEN, "gpu": "amd:Radeon 8060S"}),
    ("hsa-override-wrong", {"signs": "hip.fault", "kernel_ran": True, "environment": OVERRIDDEN}),
    ("hsa-override-wrong", {"signs": "hip.no-binary", "gpu": "amd:RX 9070 XT", "environment": OVERRIDDEN}),
    ("rocm-wheel-not-installed", {"variant": "rocm6.3", "gpu": "amd:AMD Radeon RX 7900 XTX"}),
    ("rocm-wheel-not-installed", {"variant": "cpu"}),
    ("rocm-wheel-not-installed", {"variant": "cpu", "gpu": "amd:AMD Radeon RX 7900 XTX", "os": "macos"}),
    ("gfx-not-in-build", {"signs": "hip.no-binary", "gpu": "amd:AMD Instinct MI250X", "os": "linux"}),
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


def remedy_of(slug, **known):
    """The remedy of a rule that fires on facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()).remedy


def test_a_wrong_override_goes_and_the_build_with_the_code_comes():
    """Unset first; then the planner's build, as the one that is there has no code for the GPU."""
    remedy = remedy_of(
        "hsa-override-wrong", signs="hip.fault", gpu="amd:Radeon 8060S", os="linux", environment=OVERRIDDEN
    )
    assert remedy.commands[0] == ("unset", "HSA_OVERRIDE_GFX_VERSION")
    assert "rocm" in str(remedy.commands[1:])


def test_no_sibling_is_offered_where_a_build_has_the_code():
    """RDNA 4 has builds of its own; the override would crash it."""
    remedy = remedy_of("gfx-not-in-build", signs="hip.no-binary", gpu="amd:RX 9070 XT", os="linux")
    assert "HSA_OVERRIDE" not in str(remedy.commands)
    assert "rocm" in str(remedy.commands)


def test_windows_gets_the_index_of_amd_with_the_device():
    """The planner's command: an upgrade over the CPU build, with the extra of the GPU's target."""
    remedy = remedy_of(
        "rocm-wheel-not-installed", gpu="amd:RX 9070 XT", os="windows", variant="cpu", torch_version="2.9.1"
    )
    words = remedy.commands[0]
    assert "--upgrade" in words
    assert any("device-gfx1201" in word for word in words)


def test_the_extension_is_at_fault_where_torch_is_the_planned_one():
    """Reinstalling the torch that fits does not bring back an extension's library."""
    wanted = remedy_of("rocm-version-mismatch", signs="hip.library", gpu="amd:Radeon RX 7900 XTX", os="linux")
    torch = next(word for word in wanted.commands[0] if word.startswith("torch=="))
    version, _, variant = torch.removeprefix("torch==").partition("+")
    there = remedy_of(
        "rocm-version-mismatch",
        signs="hip.library",
        gpu="amd:Radeon RX 7900 XTX",
        os="linux",
        torch_version=version,
        local=variant,
        variant=variant,
    )
    assert there.commands == ()


def test_wsl_has_no_kernel_module_of_amds_to_load():
    """There the driver is the one on Windows; elsewhere the module is loaded."""
    rule = check_of(load_cause("gpu-not-supported-by-kfd"))
    inside, outside = (rule(facts(os="linux", wsl=wsl, signs="kfd.not-loaded"), load_compat()) for wsl in (True, False))
    assert ("sudo", "modprobe", "amdgpu") in outside.remedy.commands
    assert not any("modprobe" in command for command in inside.remedy.commands)
    assert inside.remedy.text != outside.remedy.text


@pytest.mark.parametrize("environment", [{}, {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}])
def test_an_override_does_not_outlive_the_build_that_lacked_the_gpus_code(environment):
    """The new build has the GPU's own code, and an override that is still set would keep it from running."""
    known = {"gpu": "amd:Radeon RX 7600", "torch_version": "2.5.1", "variant": "rocm6.2", "os": "linux"}
    result = CHECKS["gfx-not-in-build"](facts(signs="hip.no-binary", environment=environment, **known), load_compat())
    words = [word for command in result.remedy.commands for word in command]
    assert any(word.startswith("torch==") for word in words)
    assert any("HSA_OVERRIDE_GFX_VERSION" in word for word in words) is bool(environment)
