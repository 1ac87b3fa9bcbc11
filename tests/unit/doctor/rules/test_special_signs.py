"""A cause whose sign is a special case says what that sign shows, and no more."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.cause import text_of
from torchup.doctor.remedy import line
from torchup.doctor.rules import CHECKS
from torchup.model import Message, Readiness

COMPAT = load_compat()
WINDOWS = {"os": "windows", "system_arch": "x86_64", "python_version": "3.12.3"}
LINUX = {"os": "linux", "system_arch": "x86_64"}


def wheel(file):
    """Pip refuses this file."""
    return (sign("python.wheel-platform", wheel=file),)


def headers():
    """Python's header files are missing here."""
    return (Readiness(name="headers", what=Message("x", "headers"), ready=False),)


SUMMARIES = [
    ("driver-too-old", "summary-image", {"signs": "driver.container-requires"}),
    ("driver-too-old", "summary", {"signs": "driver.container-release, driver.too-old"}),
    ("python-version-unsupported", "summary-name", {"signs": "python.stub"}),
    ("python-version-unsupported", "summary", {"signs": "python.stub, python.requires"}),
    ("other-interpreter", "summary-bundled", {"signs": "python.bundled-pip"}),
    ("numpy-abi", "summary-unseen", {"signs": "numpy.not-available"}),
    ("numpy-abi", "summary", {"signs": "numpy.not-available, numpy.abi"}),
    ("extension-arch-missing", "summary-toolkit", {"signs": "extension.nvcc-arch", "gpu": "RTX 5090"}),
    ("extension-arch-missing", "summary", {"signs": "extension.flash", "gpu": "RTX 4090"}),
    (
        "arch-not-in-build-too-new",
        "summary-libraries",
        {**LINUX, "signs": "arch.cudnn-execution", "gpu": "RTX 4090", "torch_version": "1.13.1", "cuda": "11.7"},
    ),
    (
        "wrong-arch-python",
        "summary-wheel",
        {**WINDOWS, "signs": wheel("torch-2.6.0+cu124-cp312-cp312-linux_x86_64.whl")},
    ),
    (
        "wrong-arch-python",
        "summary-wheel",
        {**LINUX, "signs": wheel("torch-2.6.0-cp312-none-macosx_11_0_arm64.whl"), "python_version": "3.12.3"},
    ),
    ("wrong-arch-python", "summary", {**LINUX, "signs": wheel("torch-2.6.0-cp312-cp312-manylinux_2_28_aarch64.whl")}),
    ("wrong-arch-python", "summary", {"signs": wheel("torch-2.6.0-cp312-cp312-win_amd64.whl")}),
]
REMEDIES = [
    ("dll-load-order", "remedy-conda", {"os": "windows", "signs": "windows.dll, windows.qt", "conda": True}),
    ("python-version-unsupported", "remedy-name", {"signs": "python.stub"}),
    ("other-interpreter", "remedy-bundled", {"signs": "python.bundled-pip"}),
    ("python-headers-missing", "remedy-embeddable", {"os": "windows", "readiness": headers()}),
    ("python-headers-missing", "remedy", {"os": "linux", "readiness": headers()}),
    ("wrong-arch-python", "remedy-wheel", {**WINDOWS, "signs": wheel("flash_attn-2.6.0-cp312-cp312-linux_x86_64.whl")}),
]


@pytest.mark.parametrize(("slug", "key", "known"), SUMMARIES)
def test_a_summary_says_what_its_sign_shows(slug, key, known):
    """The wrong name, image, wheel or compiler is named, not torch's build or Python's version."""
    assert CHECKS[slug](facts(**known), COMPAT).summary == text_of(slug, key)


@pytest.mark.parametrize(("slug", "key", "known"), REMEDIES)
def test_a_remedy_goes_with_its_sign(slug, key, known):
    """What is to be done mends what the sign shows."""
    assert CHECKS[slug](facts(**known), COMPAT).remedy.text == text_of(slug, key)


def test_an_image_that_asks_for_a_newer_driver_may_be_exchanged():
    """Both ways out are named; torch is not reinstalled."""
    found = CHECKS["driver-too-old"](facts(**LINUX, signs="driver.container-requires", driver="470.57.02"), COMPAT)
    assert "older container image" in str(found.remedy.text)
    assert not any("torch" in line(command) for command in found.remedy.commands)


def test_a_torch_of_another_system_is_installed_for_this_one():
    """The release of the refused file stays."""
    refused = wheel("torch-2.6.0+cu124-cp312-cp312-linux_x86_64.whl")
    found = CHECKS["wrong-arch-python"](facts(**WINDOWS, signs=refused), COMPAT)
    assert any("torch==2.6.0+cu124" in line(command) for command in found.remedy.commands)


@pytest.mark.parametrize(
    ("known", "slug"),
    [
        ({"live": True, "gpu": "RTX 4090", "signs": "smi.unknown-error"}, "driver-missing-or-broken"),
        ({"live": True, "gpu": "RTX 4090", "signs": "smi.unknown-error", "container": True}, "container-lost-gpu"),
        ({"signs": "smi.unknown-error"}, "container-lost-gpu"),
        ({"wsl": True, "signs": "kfd.no-node"}, "gpu-not-supported-by-kfd"),
        ({"wsl": True, "signs": "kfd.no-node", "container": True}, "container-without-gpu"),
        ({"signs": "kfd.no-node"}, "container-without-gpu"),
    ],
)
def test_no_container_is_blamed_where_there_is_none(known, slug):
    """A machine that was looked at, or WSL, is outside of a container unless one is seen."""
    assert diagnose(facts(os="linux", **known)).primary == slug


def test_a_requirement_that_is_not_there_is_called_none():
    """Not found is not unknown."""
    row = Readiness(name="triton", what=Message("x", "Triton"), ready=False, wanted="==3.7.1")
    found = CHECKS["triton-missing"](facts(os="linux", readiness=(row,)), COMPAT)
    assert "found none, needed ==3.7.1" in str(found.summary)
