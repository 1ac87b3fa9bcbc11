"""Rules of refused installations: Python's version, what was never published, an index that does not answer."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.rules import CHECKS

COMPAT = load_compat()
NEWEST = COMPAT.catalog.newest_torch
INDEX = "https://download.pytorch.org/whl"


def pip(wanted="", versions="none", package="torch"):
    """Pip's message."""
    return sign("python.no-version", package=package, wanted=wanted, versions=versions)


def found(slug, **known):
    """What the rule of a cause finds in facts made by hand."""
    return CHECKS[slug](facts(**known), COMPAT)


LINUX = {"os": "linux", "system_arch": "x86_64"}
MAC = {"os": "macos", "system_arch": "arm64", "apple_silicon": True}
UNPUBLISHED = {
    "the pair was never built": {**LINUX, "signs": (pip("==2.0.0+cu113"),)},
    "no index has the name": {**LINUX, "signs": (pip(),), "index_urls": (f"{INDEX}/cu131",)},
    "the mirror has no labels": {**LINUX, "signs": (pip("==2.6.0+cu124", "2.5.1, 2.6.0, 2.7.0"),)},
    "a label on macOS": {**MAC, "signs": (pip("==2.2.0+cpu", f"2.1.0, 2.2.0, {NEWEST}"),)},
    "a CUDA index on macOS": {**MAC, "signs": (pip("==2.6.0"),), "index_urls": (f"{INDEX}/cu118",)},
    "ROCm on Windows": {"os": "windows", "signs": (pip(),), "index_urls": (f"{INDEX}/rocm6.3",)},
    "a release between others": {**LINUX, "signs": (pip("==2.4.9", "2.4.0, 2.4.1, 2.5.0"),)},
    "a release to come": {**LINUX, "signs": (pip("==99.0", f"2.4.0, {NEWEST}"),)},
    "a companion of no torch": {**LINUX, "signs": (pip("==0.99.1", "0.20.0, 0.21.0", "torchvision"),)},
    "a resolver that saw every file": {"signs": (sign("index.no-version", package="torch", wanted="2.4.0+cu124"),)},
    "conda's channels": {"signs": (sign("conda.no-package", package="pytorch-cuda", wanted="12.8"),)},
}
PYTHON = {
    "too new for the release": {**LINUX, "python_version": "3.13.1", "signs": (pip("==2.0.1"),)},
    "too old for the release": {**LINUX, "python_version": "3.8.10", "signs": (pip("==2.6.0", "2.4.0, 2.4.1"),)},
    "too new for the label's last release": {
        "os": "windows",
        "python_version": "3.14.0",
        "signs": (pip(),),
        "index_urls": (f"{INDEX}/cu121",),
    },
    "too new for the companion": {
        **LINUX,
        "python_version": "3.13.1",
        "signs": (pip("==0.15.2", "0.19.0, 0.20.1", "torchvision"),),
    },
    "not said": {"signs": (pip(),)},
    "said by uv": {"signs": (sign("python.uv-python", package="torch", wanted="2.5.1"),)},
    "a file for another Python": {
        "python_version": "3.11.4",
        "signs": (sign("python.wheel-platform", wheel="torch-2.3.0-cp310-cp310-win_amd64.whl"),),
    },
}
NEITHER = {
    "what was asked for fits": {**LINUX, "python_version": "3.12.3", "signs": (pip("==2.6.0"),)},
    "it works": {**LINUX, "kernel_ran": True, "signs": (pip("==2.0.0+cu113"),)},
    "nothing was refused": {**LINUX, "python_version": "3.13.1", "requested": ("torch==2.0.0+cu113",)},
}


@pytest.mark.parametrize("name", UNPUBLISHED)
def test_what_was_never_published_is_not_pythons_fault(name):
    """The rule names the reason, and its finding hides the one about Python."""
    assert found("build-not-published", **UNPUBLISHED[name]) is not None
    assert diagnose(facts(**UNPUBLISHED[name])).primary == "build-not-published"


@pytest.mark.parametrize("name", PYTHON)
def test_a_python_without_a_wheel_is_named(name):
    """Where the catalogue has no wheel for this Python, or nothing is known of it."""
    assert found("python-version-unsupported", **PYTHON[name]) is not None
    assert diagnose(facts(**PYTHON[name])).primary == "python-version-unsupported"


@pytest.mark.parametrize("name", NEITHER)
def test_neither_is_blamed_where_nothing_speaks_for_it(name):
    """A Python that fits, a torch that works and a mere wish are no causes."""
    assert found("build-not-published", **NEITHER[name]) is None
    assert found("python-version-unsupported", **NEITHER[name]) is None


@pytest.mark.parametrize("variant", ["cu118", "cu126", "cu128", "cu130", "cpu"])
@pytest.mark.parametrize("platform", ["linux_x86_64", "windows_x86_64", "linux_aarch64"])
def test_a_published_pair_is_never_called_unpublished(variant, platform):
    """Every pair of the catalogue, asked of its own index with a Python that it has a wheel for."""
    os, arch = platform.split("_", 1)
    rows = [row for row in COMPAT.catalog.rows if (row.variant, row.platform) == (variant, platform)]
    for row in rows:
        known = {
            "os": os,
            "system_arch": arch,
            "python_version": row.pythons[0],
            "signs": (pip(f"=={row.torch}+{variant}"),),
            "index_urls": (f"{INDEX}/{variant}",),
        }
        assert found("build-not-published", **known) is None, row.label
        assert found("python-version-unsupported", **known) is None, row.label


def test_an_unreachable_index_explains_that_nothing_matches():
    """Neither Python nor the build is at fault."""
    known = {"signs": (sign("index.unreachable"), pip("==2.0.0+cu113")), "python_version": "3.13.0"}
    assert diagnose(facts(**known)).primary == "index-unreachable"


def test_the_remedy_installs_the_build_that_was_asked_for_where_it_is_published():
    """A label that PyPI lacks comes from PyTorch's index; one that never was is replaced by one that is."""
    asked = found("build-not-published", **LINUX, signs=(pip("==2.6.0+cu124", "2.5.1, 2.6.0, 2.7.0"),))
    assert "torch==2.6.0+cu124" in asked.remedy.commands[0]
    other = found("build-not-published", **LINUX, signs=(pip("==2.0.0+cu113"),))
    assert any(word.startswith("torch==2.0.0+") for word in other.remedy.commands[-1])
    mac = found("build-not-published", **MAC, signs=(pip("==2.6.0"),), index_urls=(f"{INDEX}/cu118",))
    assert "torch==2.6.0" in mac.remedy.commands[-1]
    assert "--index-url" not in mac.remedy.commands[-1]
