"""The compatibility laws, held for generated machines and for the false alarms that other tools are known for."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.plan_machines import machine, nvidia
from torchup.catalog import load_catalog
from torchup.catalog.types import Arch
from torchup.catalog.versions import version_key
from torchup.compat.laws import code_named, driver_fits_gpu, driver_serves, name_runs, ptx_runs, sass_runs
from torchup.compat.target import served_by
from torchup.errors import TorchupError
from torchup.model import ComputeCapability, Request
from torchup.plan import resolve

CATALOG = load_catalog()
RULE = CATALOG.sass_rule
KNOWN = sorted({capability for family in CATALOG.families for capability in family.capabilities})
capabilities = st.sampled_from(KNOWN)
CUDA_ROWS = [row for row in CATALOG.rows if row.kind == "cuda"]
LINUX_DRIVERS = sorted({t.linux for t in CATALOG.toolkits if t.linux}, key=version_key)
drivers = st.sampled_from(LINUX_DRIVERS)
floors = st.sampled_from(sorted(CATALOG.floors))


def cc(text):
    """A compute capability."""
    return ComputeCapability.parse(text)


# ---------------------------------------------------------------- native code


@given(code=capabilities, gpu=capabilities)
def test_native_code_stays_within_its_major_and_never_runs_on_an_older_minor(code, gpu):
    """SASS runs at most on the same major and a minor that is not lower; one renaming is the exception."""
    if sass_runs(code, gpu, RULE) and RULE.renamed.get(str(code)) != str(gpu):
        assert code.major == gpu.major
        assert code.minor <= gpu.minor


@given(gpu=capabilities)
def test_native_code_runs_on_its_own_gpu(gpu):
    """Every GPU runs code made for exactly it."""
    assert sass_runs(gpu, gpu, RULE)


@given(code=capabilities, gpu=capabilities)
def test_jetson_gpus_run_only_their_own_code(code, gpu):
    """5.3, 6.2, 7.2 and 8.7 neither run other code nor lend theirs."""
    if code != gpu and (gpu in RULE.alone or code in RULE.alone):
        assert not sass_runs(code, gpu, RULE)


@given(gpu=capabilities, suffix=st.sampled_from(["", "a", "f"]), code=capabilities)
def test_suffixes_only_narrow(gpu, suffix, code):
    """``sm_90a`` runs on 9.0 alone; ``f`` and none follow the family rule; no suffix widens anything."""
    runs = name_runs(f"{code.sm}{suffix}", gpu, RULE)
    assert runs <= sass_runs(code, gpu, RULE)
    if suffix == "a":
        assert runs == (code == gpu)


# ---------------------------------------------------------------- PTX


@given(code=capabilities, gpu=capabilities, driver=st.sampled_from(["11.8", "12.4", "12.8", "13.0", "13.2"]))
def test_ptx_needs_a_driver_as_new_as_its_toolkit(code, gpu, driver):
    """PTX runs on any GPU at or above it, when the driver serves the toolkit's CUDA; an unknown driver is no proof."""
    assert ptx_runs(code, gpu, built_with="12.8", driver_cuda=driver) == (gpu >= code and driver >= "12.8")
    assert not ptx_runs(code, gpu, built_with="12.8", driver_cuda=None)


@given(gpu=capabilities, sass=st.lists(capabilities, max_size=6), ptx=st.lists(capabilities, max_size=2))
def test_more_code_never_covers_less(gpu, sass, ptx):
    """Adding code to a build cannot take a GPU away from it."""
    less = Arch(sass=tuple(sass[1:]), ptx=tuple(ptx))
    more = Arch(sass=tuple(sass), ptx=tuple(ptx))
    if code_named(less.names, gpu, rule=RULE, driver_cuda="13.4"):
        assert code_named(more.names, gpu, rule=RULE, driver_cuda="13.4")


# ---------------------------------------------------------------- drivers


@given(variant=floors, one=drivers, other=drivers, windows=st.booleans())
def test_newer_drivers_serve_at_least_as_much(variant, one, other, windows):
    """Monotone: what an older driver runs, a newer one runs too."""
    old, new = sorted((one, other), key=version_key)
    floor = CATALOG.floors[variant]
    if driver_serves(floor, old, windows=windows):
        assert driver_serves(floor, new, windows=windows)


@given(one=floors, other=floors, driver=drivers)
def test_a_driver_that_runs_a_newer_runtime_runs_the_older_ones(one, other, driver):
    """Backward compatibility: floors rise with CUDA."""
    low, high = sorted((CATALOG.floors[one], CATALOG.floors[other]), key=lambda floor: version_key(floor.cuda))
    if driver_serves(high, driver, windows=False):
        assert driver_serves(low, driver, windows=False)


@given(variant=floors)
def test_within_a_major_any_minor_runs(variant):
    """Minor-version compatibility, from CUDA 11 on: one floor a major; the first of it may have come with an older."""
    mine = CATALOG.floors[variant]
    same = [f for f in CATALOG.floors.values() if f.whole_major and f.cuda.split(".")[0] == mine.cuda.split(".")[0]]
    if mine.whole_major:
        assert mine.linux in {max((f.linux for f in same), key=version_key), mine.linux_exact}
        assert mine.windows in {max((f.windows for f in same), key=version_key), mine.windows_exact}
    else:
        assert (mine.linux, mine.windows) == (mine.linux_exact, mine.windows_exact)


@given(driver=drivers)
def test_served_cuda_rises_with_the_driver(driver):
    """A newer driver never serves an older CUDA."""
    served = [version_key(served_by(d, windows=False, catalog=CATALOG) or "0") for d in LINUX_DRIVERS]
    assert served == sorted(served)
    assert served_by(driver, windows=False, catalog=CATALOG)


@pytest.mark.parametrize(
    ("version", "capability", "fits"),
    [
        ("580.95.05", "6.1", True),
        ("590.48.01", "6.1", False),
        ("581.29", "5.2", True),
        ("470.256.02", "3.7", True),
        ("495.29.05", "3.7", False),
        ("550.54.15", "12.0", False),
        ("570.26", "12.0", True),
        ("615.10", "8.9", True),
    ],
)
def test_cards_have_a_first_and_a_last_driver_branch(version, capability, fits):
    """A card needs the branch that introduced it, and loses support after the last one."""
    family = CATALOG.family(cc(capability))
    assert (driver_fits_gpu(family, version, windows=False) is None) is fits


# ---------------------------------------------------------------- false alarms of other tools


@pytest.mark.parametrize(
    ("gpu", "build", "runs_by"),
    [
        ("8.9", "sm_80 sm_86 sm_90", "sm_86"),  # RTX 40xx: no wheel lists sm_89, and none needs to
        ("6.1", "sm_50 sm_60 sm_70", "sm_60"),  # GTX 10xx on a build with sm_60
        ("5.2", "sm_50 sm_60", "sm_50"),
        ("12.1", "sm_100 sm_120", "sm_120"),  # GB10
        ("10.3", "sm_100 sm_120", "sm_100"),  # B300
    ],
)
def test_a_lower_minor_of_the_same_major_is_fine(gpu, build, runs_by):
    """A card that is not listed by name is no mismatch."""
    arch = Arch(sass=tuple(cc(name) for name in build.split()))
    assert code_named(arch.names, cc(gpu), rule=RULE) == runs_by


@pytest.mark.parametrize(
    ("gpu", "build"),
    [("6.1", "sm_75 sm_80"), ("8.7", "sm_80 sm_86 sm_90"), ("12.0", "sm_80 sm_90"), ("7.2", "sm_70"), ("7.0", "sm_75")],
)
def test_real_mismatches_are_found(gpu, build):
    """Pascal on CUDA 13, Orin on server wheels, Blackwell on CUDA 12.6, Xavier, Volta."""
    arch = Arch(sass=tuple(cc(name) for name in build.split()))
    assert code_named(arch.names, cc(gpu), rule=RULE) is None


def test_an_rtx_3060_with_driver_525_runs_every_cuda_12_build():
    """Driver 525 serves CUDA 12.0; the cu126 build is fine by minor-version compatibility."""
    target = machine("linux", nvidia("NVIDIA GeForce RTX 3060", "8.6", 12), driver="525.60.13")
    assert resolve(target, Request(), CATALOG).build.label == "2.14.1+cu126"


# ---------------------------------------------------------------- plans

GPUS = [nvidia(f"GPU {capability}", str(capability), 8) for capability in KNOWN if capability.major >= 3]
machines = st.builds(
    lambda gpus, driver, system, glibc, python: machine(
        system, *gpus, driver=driver, python=python, **({"glibc": glibc} if system == "linux" else {})
    ),
    st.lists(st.sampled_from(GPUS), min_size=0, max_size=3),
    st.none() | drivers,
    st.sampled_from(["linux", "windows"]),
    st.sampled_from(["2.17", "2.27", "2.28", "2.39"]),
    st.sampled_from(["3.8.10", "3.10.4", "3.12.3", "3.14.0"]),
)


def planned(target, **request):
    """The plan, or ``None`` where there is none."""
    try:
        return resolve(target, Request(**request), CATALOG)
    except TorchupError:
        return None


@given(target=machines)
@settings(max_examples=40)
def test_every_plan_keeps_every_law(target):
    """The chosen build has code for each covered GPU, a driver that serves it, and floors that the system meets."""
    plan = planned(target)
    if plan is None:
        assert target.gpus  # without a GPU there is always the CPU build
        return
    row = CATALOG.by_key[plan.build.torch, plan.build.variant, f"{target.os.value}_x86_64"]
    assert plan.python in row.pythons
    assert not row.glibc or not target.glibc or version_key(row.glibc) <= version_key(target.glibc)
    assert bool(plan.covered_gpus) == plan.uses_gpu
    for index in plan.covered_gpus:
        assert row.arch is not None
        assert code_named(
            row.arch.names,
            target.gpus[index].capability,
            rule=RULE,
            driver_cuda=served_by(target.drivers[0].version, windows=target.os == "windows", catalog=CATALOG),
            built_with=row.driver.cuda,
        )
        assert driver_serves(row.driver, target.drivers[0].version, windows=target.os == "windows")
    labels = [(r.torch, r.variant) for r in plan.rejected]
    assert (plan.build.torch, plan.build.variant) not in labels
    assert len(labels) == len(set(labels))


@given(target=machines)
@settings(max_examples=40)
def test_a_gpu_is_never_left_unused_in_silence(target):
    """A plan for a machine with GPUs uses one, unless the CPU was asked for; asked for, it is always there."""
    plan = planned(target)
    if target.gpus and plan is not None:
        assert plan.uses_gpu
    asked = planned(target, cpu=True)
    assert asked is not None
    assert asked.build.variant == "cpu"


@given(gpu=st.sampled_from([g for g in GPUS if g.capability >= cc("7.5")]), one=drivers, other=drivers)
@settings(max_examples=40)
def test_a_newer_driver_never_gives_an_older_torch(gpu, one, other):
    """Monotone in the driver, for cards whose support has not ended."""
    old, new = sorted((one, other), key=version_key)
    before, after = (planned(machine("linux", gpu, driver=driver)) for driver in (old, new))
    if before is not None:
        assert after is not None
        assert version_key(after.build.torch) >= version_key(before.build.torch)


@given(target=machines)
@settings(max_examples=40)
def test_planning_is_pure(target):
    """Same input, same output; and the order of the catalogue's rows does not matter."""
    shuffled = msgspec.structs.replace(CATALOG, rows=tuple(sorted(CATALOG.rows, key=lambda r: (r.variant, r.torch))))
    try:
        first = resolve(target, Request(), CATALOG)
    except TorchupError as error:
        with pytest.raises(type(error)):
            resolve(target, Request(), shuffled)
        return
    assert first == resolve(target, Request(), CATALOG)
    assert first.build == resolve(target, Request(), shuffled).build
