"""The questions over the catalogue have the answers that experts give, and none where the catalogue does not say."""

from __future__ import annotations

import pytest

from torchup.catalog import load_catalog
from torchup.catalog.old import old_rows
from torchup.catalog.versions import is_release, minor, version_key
from torchup.compat.questions import load_compat
from torchup.model import ComputeCapability, Gpu, Machine, Os, Request, Survey, Vendor
from torchup.plan.planner import consider

COMPAT = load_compat()
CATALOG = load_catalog()
LINUX, ARM, WINDOWS = "linux_x86_64", "linux_aarch64", "windows_x86_64"


def cc(text):
    """A compute capability."""
    return ComputeCapability.parse(text)


@pytest.mark.parametrize(
    ("torch", "build", "platform", "gpu", "code"),
    [
        ("2.7.0", "cu128", WINDOWS, "6.1", "sm_61"),
        ("2.7.0", "cu128", LINUX, "6.1", None),
        ("2.7.0", "12.8", None, "6.1", "sm_61"),
        ("2.14.1", "cu126", ARM, "7.5", None),
        ("1.7.1", "11.0", LINUX, "8.6", "sm_80"),
        ("1.4.0", "cu101", LINUX, "8.6", None),
        ("1.4.0", "cu101", WINDOWS, "8.6", "compute_37"),
        ("0.4.1", "9.0.176", LINUX, "5.2", "sm_52"),
    ],
)
def test_a_build_has_its_platforms_code(torch, build, platform, gpu, code):
    """Each platform's build has its own list, and an unknown platform what any personal computer's has."""
    assert COMPAT.code(COMPAT.code_names(torch, build, platform), cc(gpu), cuda=build) == code


@pytest.mark.parametrize(
    ("torch", "platform", "variant"),
    [
        ("2.6.0", LINUX, "cu124"),
        ("2.6.0", WINDOWS, "cpu"),
        ("2.11.0", ARM, "cu130"),
        ("2.8.0", ARM, "cpu"),
        ("1.4.0", LINUX, "cu101"),
        ("2.6.0", None, None),
        ("9.9.0", LINUX, None),
    ],
)
def test_what_pypi_serves_depends_on_the_platform(torch, platform, variant):
    """The same version without a label is another build elsewhere."""
    assert COMPAT.pypi_variant(torch, platform) == variant


@pytest.mark.parametrize(
    ("torch", "name", "version", "fits"),
    [
        ("2.4.1", "torchvision", "0.19.1", True),
        ("2.4.1", "torchvision", "0.20.0", False),
        ("1.4.0", "torchvision", "0.5.0", True),
        ("2.10.0", "torchaudio", "2.11.0", False),
        ("2.12.0", "torchaudio", "2.11.0", True),
        ("2.12.0", "torchaudio", "2.11.1", True),
        ("2.12.0", "torchaudio", "2.10.0", False),
    ],
)
def test_companions_are_one_minor_version_or_a_range(torch, name, version, fits):
    """Before the stable ABI a companion goes with one torch; since then with every later one."""
    assert COMPAT.companion(torch, name).fits(version) is fits


def test_what_is_not_known_is_not_answered():
    """A release, a CUDA or a card that no table has gives ``None`` or nothing, never a guess."""
    assert COMPAT.row("9.9.0", "cu126", LINUX) is None
    assert COMPAT.code_names("2.6.0", "cu999", LINUX) == ()
    assert COMPAT.companion("9.9.0", "torchvision") is None
    assert COMPAT.pythons("9.9.0", LINUX) == ()
    assert COMPAT.python_fits("9.9.0", "3.12", LINUX) is None
    assert COMPAT.macos_for_mps("1.11.0") is None
    assert COMPAT.driver_floor("99.0", windows=False) is None
    assert COMPAT.last_branch(cc("99.0")) is None
    assert COMPAT.libraries_know("12.8", cc("99.0")) is None
    assert COMPAT.hsa_override("gfx1200") is None


def test_drivers_are_asked_by_system_and_major():
    """A runtime between the published ones has its major's floor; before CUDA 11 each has its own."""
    assert COMPAT.driver_floor("12.2", windows=True) == CATALOG.floors["cu121"].windows
    assert COMPAT.driver_floor("10.1", windows=False) != COMPAT.driver_floor("10.2", windows=False)
    assert COMPAT.driver_runs("470.82.01", "11.8", windows=False) is True
    assert COMPAT.driver_runs("470.82.01", "12.1", windows=False) is False
    assert COMPAT.last_branch(cc("6.1")) == COMPAT.long_term_branch()
    assert COMPAT.first_branch(cc("12.0"), windows=False) > COMPAT.first_branch(cc("8.9"), windows=False)


@pytest.mark.parametrize(
    ("cuda", "newest", "gpu", "known"),
    [
        ("11.0", "8.0", "8.6", True),
        ("10.2", "7.5", "8.6", False),
        ("11.7", "8.7", "8.9", False),
        ("12.8", "12.0", "12.1", True),
        ("12.6", "9.0", "12.0", False),
    ],
)
def test_toolkits_know_architectures(cuda, newest, gpu, known):
    """The newest capability of a toolkit, and whether its libraries know a GPU's architecture by any member."""
    assert str(COMPAT.newest_of_cuda(cuda)) == newest
    assert COMPAT.libraries_know(cuda, cc(gpu)) is known


def test_every_gpu_falls_on_one_side_of_the_builds():
    """What the first builds had and today's have not is old; the reverse, and what came later, is new."""
    sides = {gpu: COMPAT.side(cc(gpu)) for gpu in ("3.0", "3.7", "6.1", "7.0", "7.5", "8.6", "9.0", "12.0", "12.1")}
    assert sides == {
        **dict.fromkeys(("3.0", "3.7", "6.1", "7.0"), "old"),
        "7.5": None,
        **dict.fromkeys(("8.6", "9.0", "12.0", "12.1"), "new"),
    }


def test_old_releases_are_never_planned():
    """Releases that people only report are neither chosen nor listed among the rejected."""
    machine = Machine(os=Os.LINUX, arch="x86_64", gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability="3.5"),))
    _, fits, rejected = consider(machine, Request(), CATALOG, Survey())
    seen = {fit.candidate.row.torch for fit in fits} | {rejection.torch for rejection in rejected}
    assert not seen & {row.torch for row in old_rows()}
    assert max(version_key(row.torch) for row in old_rows()) < min(version_key(row.torch) for row in CATALOG.rows)


def test_old_rows_hold_the_catalogues_laws():
    """Each is there once, with Pythons and a source; two early CUDA builds for Windows have no known arch list."""
    unknown = [(row.label, row.platform) for row in old_rows() if not row.arch_known]
    assert unknown == [("0.4.1+cu92", WINDOWS), ("0.4.0+cu91", WINDOWS)]
    keys = [(row.label, row.platform) for row in old_rows()]
    assert len(keys) == len(set(keys))
    for row in old_rows():
        assert row.pythons
        assert row.source
        assert row.driver or row.kind == "cpu", row.label


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
    found = COMPAT.capability(Gpu(vendor=Vendor.NVIDIA, name=name))
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
    assert minor(text).count(".") == 1


def test_what_every_rocm_build_has_no_published_one_lacks():
    """The data centre's targets of the first builds on; those that came later, or went, are not among them."""
    rows = [row for row in CATALOG.rows if row.publications[0].name == "pytorch-index" and row.arch and row.arch.gfx]
    assert COMPAT.gfx_of_every_build
    assert all(COMPAT.gfx_of_every_build <= set(row.arch.gfx) for row in rows)
    assert "gfx90a" in COMPAT.gfx_of_every_build
    assert not {"gfx900", "gfx1100", "gfx1201"} & COMPAT.gfx_of_every_build
