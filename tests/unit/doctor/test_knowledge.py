"""The doctor's small tables agree with the catalogue, and its questions have the answers that experts give."""

from __future__ import annotations

import pytest

from torchup.catalog import load_catalog
from torchup.compat.laws import sass_runs
from torchup.doctor.knowledge import covers, is_release, load_knowledge, minor, version
from torchup.model import ComputeCapability, Gpu, Vendor

KNOWLEDGE = load_knowledge()
CATALOG = load_catalog()
ROWS = [row for row in CATALOG.rows if row.platform == "linux_x86_64"]
NAMED = "3.5 3.7 5.0 5.2 5.3 6.0 6.1 6.2 7.0 7.2 7.5 8.0 8.6 8.7 8.9 9.0 10.0 10.3 12.0 12.1"
CAPABILITIES = [ComputeCapability.parse(text) for text in NAMED.split()]


def test_companions_agree_with_the_catalogue():
    """The pairs of releases are those that the catalogue has."""
    for row in ROWS:
        companion = row.companions.get("torchvision")
        if companion is not None:
            assert KNOWLEDGE.companion(row.torch, "torchvision") == minor(companion.version), row.label


def test_driver_floors_agree_with_the_catalogue():
    """The oldest driver of a runtime, on both systems."""
    checked = 0
    for row in ROWS:
        if row.driver is None or version(row.driver.cuda) < (11,):
            continue
        for windows in (False, True):
            mine = KNOWLEDGE.driver_floor(row.driver.cuda, windows=windows)
            assert (
                version(str(mine))[:2]
                == version(row.driver.floor(windows=windows) + ".0")[: len(version(str(mine))[:2])]
            ), row.label
        checked += 1
    assert checked


def test_architectures_agree_with_the_catalogue():
    """A build's native code covers the same GPUs in both tables."""
    checked = 0
    for row in ROWS:
        if row.kind != "cuda" or row.arch is None or not row.arch.sass or row.driver is None:
            continue
        mine = KNOWLEDGE.arch_list(row.torch, row.driver.cuda)
        if not mine:
            continue
        for gpu in CAPABILITIES:
            theirs = any(sass_runs(code, gpu, CATALOG.sass_rule) for code in row.arch.sass)
            assert any(covers(code, gpu) for code in mine) == theirs, (row.label, str(gpu))
        checked += 1
    assert checked > 20


def test_pythons_agree_with_the_catalogue():
    """Oldest and newest Python of a release."""
    for row in ROWS:
        plain = sorted({python for python in row.pythons if not python.endswith("t")}, key=version)
        span = KNOWLEDGE.pythons(row.torch)
        if span is not None and plain:
            assert version(span[0]) <= version(plain[0]), row.label
            assert version(plain[-1]) <= version(span[1]), row.label


@pytest.mark.parametrize(
    ("code", "gpu", "runs"),
    [
        ("8.0", "8.9", True),
        ("8.6", "8.0", False),
        ("6.0", "6.1", True),
        ("8.6", "8.7", False),
        ("9.0", "12.0", False),
        ("12.0", "12.1", True),
    ],
)
def test_native_code_runs_on_the_same_major(code, gpu, runs):
    """Same major, not newer; Jetson's own ones apart."""
    assert covers(ComputeCapability.parse(code), ComputeCapability.parse(gpu)) is runs


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("NVIDIA GeForce RTX 3080 Ti", "8.6"),
        ("RTX2080Ti", "7.5"),
        ("GRID A100-40C", "8.0"),
        ("Tesla V100-SXM2-32GB", "7.0"),
        ("1 x NVIDIA A10, 24 GB", "8.6"),
        ("NVIDIA GeForce ...", None),
        ("Some Future Card", None),
    ],
)
def test_names_as_people_write_them(name, capability):
    """Product names in reports find their row; cut or unknown ones stay unknown."""
    found = KNOWLEDGE.capability(Gpu(vendor=Vendor.NVIDIA, name=name))
    assert (str(found) if found else None) == capability


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("2.6.0", True),
        ("2.6.0+cu124", True),
        ("1.0.1.post2", True),
        ("2.9.0.dev20250702+cu128", False),
        ("0.16.1+fdea156", False),
        ("2.7.0a0+git3a58512", False),
    ],
)
def test_only_published_releases_are_judged(text, release):
    """Nightlies and builds from a checkout pair with what they like."""
    assert is_release(text) is release
