"""Rules of the platform: is there a wheel for this system, processor and Python?"""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("windows-arm64-no-wheel", {"os": "windows", "python_arch": "arm64", "python_version": "3.9.1"}),
    (
        "windows-arm64-no-wheel",
        {"os": "windows", "python_arch": "arm64", "python_version": "3.12.5", "signs": "python.no-version"},
    ),
    ("intel-mac-no-new-wheels", {"os": "macos", "apple_silicon": False, "signs": "python.no-match"}),
    ("jetson-needs-nvidia-wheel", {"jetson": "36.4", "signs": "arch.no-kernel"}),
    ("jetson-needs-nvidia-wheel", {"jetson": "36.4", "signs": "cpu.not-compiled", "torch_version": "2.9.0"}),
    ("windows-arm64-no-wheel", {"os": "windows", "system_arch": "arm64"}),
    ("x86-python-under-rosetta", {"os": "macos", "apple_silicon": True, "python_arch": "x86_64"}),
    ("python-version-unsupported", {"signs": "python.no-match"}),
    ("wrong-arch-python", {"bits": 32}),
    ("glibc-too-old", {"signs": "glibc.missing"}),
]
SILENT = [
    ("windows-arm64-no-wheel", {"os": "windows", "python_arch": "arm64", "python_version": "3.12.5", "live": True}),
    ("windows-arm64-no-wheel", {"os": "windows", "system_arch": "arm64", "python_arch": "x86_64"}),
    ("intel-mac-no-new-wheels", {"os": "macos", "apple_silicon": True, "signs": "python.no-match"}),
    ("intel-mac-no-new-wheels", {"os": "macos", "apple_silicon": False}),
    ("jetson-needs-nvidia-wheel", {"jetson": "36.4"}),
    ("jetson-needs-nvidia-wheel", {"jetson": "36.4", "signs": "arch.no-kernel, jetson.own-build"}),
    ("jetson-needs-nvidia-wheel", {"jetson": "36.4", "signs": "library.cudss", "cuda_available": False}),
    (
        "jetson-needs-nvidia-wheel",
        {"jetson": "36.4", "cuda_available": False, "local": "nv24.08", "torch_version": "2.5.0"},
    ),
    ("jetson-needs-nvidia-wheel", {"signs": "arch.no-kernel"}),
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


def commands(slug, **known):
    """The commands of a rule's remedy as one text."""
    remedy = CHECKS[slug](facts(**known), load_compat()).remedy
    return "\n".join(" ".join(command) for command in remedy.commands)


def test_a_translated_python_is_exchanged_for_one_of_the_processor():
    """The processor is named to uv and conda: by themselves they take the x86_64 Python that they find."""
    rosetta = {"os": "macos", "apple_silicon": True, "python_arch": "x86_64", "python_version": "3.11.2"}
    assert "macos-aarch64" in commands("x86-python-under-rosetta", **rosetta)
    assert "--platform osx-arm64" in commands("x86-python-under-rosetta", manager="conda", **rosetta)


def test_a_32_bit_python_is_exchanged_for_one_of_64_bits():
    """The new environment's Python is named with its processor."""
    assert "windows-x86_64" in commands("wrong-arch-python", bits=32, os="windows", python_version="3.11.2")


@pytest.mark.parametrize(("jetpack", "python", "index"), [("6.2", "3.10.12", "jp6/cu126"), ("7", "3.12.3", "whl/cu13")])
def test_a_jetson_gets_the_build_of_its_jetpack(jetpack, python, index):
    """JetPack decides about the index, as it does for the planner."""
    gpu = {"6.2": "Jetson AGX Orin", "7": "Jetson AGX Thor"}[jetpack]
    known = {"jetson": "unknown", "jetpack": jetpack, "python_version": python, "gpu": gpu}
    assert index in commands("jetson-needs-nvidia-wheel", signs="arch.no-kernel", torch_version="2.9.1", **known)


def test_a_mac_that_only_pips_offer_shows_to_be_intel_gets_what_intel_macs_have():
    """The remedy never installs a release that the summary says is not there."""
    last = load_compat().newest_on("macos_x86_64").torch
    refused = sign("python.no-version", package="torch", wanted="==2.5.0", versions=f"1.11.0, 2.0.0, {last}")
    result = CHECKS["intel-mac-no-new-wheels"](facts(os="macos", signs=(refused,)), load_compat())
    assert f"torch=={last}" in str(result.remedy.commands)


def test_the_last_torch_for_intel_macs_is_the_catalogues():
    """Summary and command name the newest release that has wheels there."""
    last = load_compat().newest_on("macos_x86_64").torch
    found = CHECKS["intel-mac-no-new-wheels"](
        facts(os="macos", apple_silicon=False, signs="python.no-match", python_version="3.14.2"), load_compat()
    )
    assert last in str(found.summary)
    assert f"torch=={last}" in str(found.remedy.commands)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"jetson": "36.4"}, "Jetson with L4T 36.4"),
        ({"jetson": "unknown", "jetpack": "6.2"}, "Jetson with JetPack 6.2"),
        ({"jetson": "unknown"}, "this machine is a Jetson"),
    ],
)
def test_a_release_of_a_jetson_is_named_with_what_it_is_a_release_of(known, words):
    """L4T and JetPack count apart; a release that is not known is left out."""
    found = CHECKS["jetson-needs-nvidia-wheel"](facts(signs="arch.no-kernel", **known), load_compat())
    assert str(found.evidence[0]) == words
