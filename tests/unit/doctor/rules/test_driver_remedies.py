"""What the driver's rules tell to do: never what the report already has, never a package that nothing names."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS
from torchup.model import Gpu, Vendor
from torchup.reports import parse_report

PASCAL = "NVIDIA GeForce GTX 1080"
TURING = "NVIDIA GeForce RTX 2080 Ti"


def found(slug, **known):
    """What the rule of a cause finds in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat())


def words(remedy):
    """Text and commands of a remedy as one string."""
    return "\n".join([str(remedy.text), *(" ".join(command) for command in remedy.commands)])


def past(gpu):
    """A driver one branch past the last that serves a card, and the last."""
    compat = load_compat()
    last = compat.last_branch(compat.capability(Gpu(vendor=Vendor.NVIDIA, name=gpu)))
    return f"{last + 10}.10", str(last)


@pytest.mark.parametrize(
    "where", [{"os": "linux"}, {"os": "windows"}, {"os": "linux", "wsl": True}, {"container": True}]
)
def test_a_card_that_was_left_behind_goes_back_to_its_last_branch_everywhere(where):
    """One branch, the same on every system, and never "or newer"."""
    driver, last = past(PASCAL)
    result = found("driver-too-new", gpu=PASCAL, driver=driver, signs="smi.no-devices", **where)
    assert last in str(result.remedy.text)
    assert "or newer" not in str(result.remedy.text)


def test_the_last_branch_itself_and_newer_cards_are_not_left_behind():
    """Neither Pascal on its last branch, nor Turing on a newer one, nor a card that works."""
    driver, last = past(PASCAL)
    assert found("driver-too-new", gpu=PASCAL, driver=f"{last}.10", signs="smi.no-devices") is None
    assert found("driver-too-new", gpu=TURING, driver=driver, signs="smi.no-devices") is None
    assert found("driver-too-new", gpu=PASCAL, driver=driver, kernel_ran=True) is None


@pytest.mark.parametrize("code", ["wsl.blocked", "wsl.no-adapters", "driver.none", "smi.cuda-error"])
def test_nothing_is_removed_from_wsl_without_a_sign_of_it(code):
    """No pattern, and no package that the report does not show."""
    result = found("wsl-driver-problem", wsl=True, os="linux", signs=code)
    assert "purge" not in words(result.remedy)
    assert "*" not in words(result.remedy)
    assert not any(command[:2] == ("sudo", "apt") for command in result.remedy.commands)


def test_the_linux_driver_that_a_report_shows_in_wsl_is_removed_by_its_name():
    """Exactly it; toolkits stay."""
    shown = sign("wsl.installed-driver", "ii nvidia-driver-535 535.183 amd64, nvidia-container-toolkit")
    result = found("wsl-driver-problem", wsl=True, os="linux", signs=(shown,))
    assert ("sudo", "apt", "remove", "nvidia-driver-535") in result.remedy.commands


def test_error_500_in_a_container_is_not_the_matter_of_wsl():
    """It is the container runtime's."""
    assert found("wsl-driver-problem", container=True, signs="wsl.named-symbol") is None
    assert found("wsl-driver-problem", wsl=True, signs="wsl.named-symbol") is not None


@pytest.mark.parametrize("code", ["smi.mismatch", "smi.lost"])
def test_a_module_that_differs_or_a_lost_gpu_is_rebooted_not_installed(code):
    """The driver is there."""
    result = found("driver-missing-or-broken", os="linux", distribution="Ubuntu 22.04", signs=code)
    assert result.remedy.commands == (("sudo", "reboot"),)


def test_no_driver_is_installed_that_is_there_already():
    """A driver of the advised branch whose module does not load is loaded."""
    compat = load_compat()
    driver = f"{compat.long_term_branch()}.95"
    known = {"os": "linux", "distribution": "Ubuntu 24.04", "gpu": TURING, "signs": "smi.not-running"}
    assert "or newer" not in words(found("driver-missing-or-broken", driver=driver, **known).remedy)
    assert "or newer" in words(found("driver-missing-or-broken", driver="470.82", **known).remedy)


@pytest.mark.parametrize("code", ["said.no-gpu", "said.amd-gpu"])
def test_no_nvidia_driver_is_missing_where_none_is_meant_to_be(code):
    """A machine without a GPU, or with another vendor's; a card of NVIDIA's in the report outweighs both."""
    assert found("driver-missing-or-broken", signs=f"driver.none, {code}") is None
    assert found("driver-missing-or-broken", signs=f"driver.none, {code}", gpu=TURING) is not None


def test_an_old_driver_is_told_both_ways():
    """A build that it runs, from the planner, and the driver that would do."""
    result = found(
        "driver-too-old", os="linux", gpu=TURING, driver="535.129.03", torch_cuda="13.0", variant="cu130",
        torch_version="2.12.0", signs="driver.too-old",
    )  # fmt: skip
    assert "torch==" in words(result.remedy)
    assert "NVIDIA driver" in str(result.remedy.text)


def test_the_api_that_torch_found_stands_for_the_driver():
    """``11080`` in torch's own message: the build is for CUDA 11."""
    known = sign("driver.too-old", "... too old (found version 11080)", api="11080")
    result = found("driver-too-old", os="linux", gpu=TURING, torch_cuda="12.4", variant="cu124", signs=(known,))
    assert "+cu118" in words(result.remedy)


def test_triton_is_not_told_to_update_a_driver_of_its_own_cuda():
    """The driver serves the build's CUDA in full: only the assembler is left."""
    compat = load_compat()
    cuda, branch = next((row.version, row.branch) for row in compat.catalog.toolkits if row.version.startswith("12.8"))
    known = {"os": "linux", "gpu": TURING, "torch_cuda": cuda, "signs": "driver.ptx"}
    new = found("triton-newer-than-driver", driver=f"{branch}.124", **known)
    old = found("triton-newer-than-driver", driver="535.129.03", **known)
    assert "install" not in words(new.remedy)
    assert "install" in words(old.remedy)


@pytest.mark.parametrize(("gpu", "gains"), [("Tesla V100-SXM2-32GB", False), ("NVIDIA GeForce RTX 4090", True)])
def test_a_newer_driver_is_advised_only_where_it_gives_another_build(gpu, gains):
    """Both cards have the same old driver; only for one of them is there a newer build than the one it runs."""
    result = found(
        "driver-too-old", gpu=gpu, driver="535.183.01", os="linux", signs="driver.too-old",
        torch_version="2.14.1", variant="cu130", cuda="13.0", cuda_available=False,
    )  # fmt: skip
    assert ("driver branch" in str(result.remedy.text) or "NVIDIA driver" in str(result.remedy.text)) is gains
    assert result.remedy.commands


@pytest.mark.parametrize("error", ["Key was rejected by service", "Required key not available"])
def test_a_module_that_secure_boot_refuses_is_not_installed_again(error):
    """Another installation would be refused as well: its key has to be enrolled."""
    report = f"$ sudo modprobe nvidia\nmodprobe: ERROR: could not insert 'nvidia': {error}\n"
    remedy = CHECKS["driver-missing-or-broken"](parse_report(report), load_compat()).remedy
    assert "mokutil" in str(remedy.text)
    assert not remedy.commands
