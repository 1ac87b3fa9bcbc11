"""The compatibility laws at their edges; the texts too, which are all that a user sees of a rejection."""

from __future__ import annotations

import msgspec
import pytest

from support.plan_machines import intel, machine, nvidia
from torchup.catalog import load_catalog
from torchup.catalog.types import Arch, DriverFloor, Family, Row, SassRule
from torchup.compat.laws import (
    code_named,
    code_on_gpu,
    driver_against,
    driver_fits_gpu,
    driver_serves,
    glibc_against,
    macos_against,
    mps_against,
    name_runs,
    newest_python,
    ptx_runs,
    sass_runs,
    xpu_supports,
)
from torchup.compat.target import make_target
from torchup.model import ComputeCapability, Driver, Gpu, Vendor

CATALOG = load_catalog()


def cc(text):
    """A compute capability."""
    return ComputeCapability.parse(text)


RULE = SassRule(
    alone=frozenset({cc("8.7")}), not_on={cc("10.1"): cc("10.0")}, renamed={cc("10.1"): cc("11.0")}, source="test"
)
CUDA_12 = DriverFloor(cuda="12.6", linux="525.60.13", windows="528.33")
CUDA_10 = DriverFloor(cuda="10.2", linux="440.33", windows="441.22", whole_major=False)
VOLTA = Family(
    name="Volta", capabilities=(cc("7.0"),), first_toolkit="9.0", first_linux="384.81", first_windows="386.10",
    last_branch=580,
)  # fmt: skip


def said(found):
    """Code and English of an objection; ``None``: tthis machine has none."""
    return found and f"{found.code}: {found}"


def row(variant="cu126", **facts):
    """A build of torch on Linux."""
    return Row(torch="2.14.1", variant=variant, platform="linux_x86_64", pythons=("3.12",), **facts)


def code_of(build, *gpus, driver="580.95.05"):
    """The code that a build runs on the first of some GPUs."""
    return code_on_gpu(build, 0, make_target(machine("linux", *gpus, driver=driver), CATALOG), CATALOG)


# ---------------------------------------------------------------- architecture


@pytest.mark.parametrize(
    ("code", "gpu", "runs"),
    [
        ("8.0", "8.0", True),
        ("8.0", "8.6", True),
        ("8.6", "8.0", False),
        ("7.5", "8.0", False),
        ("8.0", "9.0", False),
        ("9.0", "8.0", False),
        ("8.7", "8.7", True),
        ("8.0", "8.7", False),
        ("8.7", "8.9", False),
        ("10.0", "10.1", False),
        ("10.0", "10.3", True),
        ("10.1", "11.0", True),
        ("10.1", "11.1", False),
    ],
)
def test_native_code_runs_on_its_major_from_its_minor_on(code, gpu, runs):
    """The rule of binary compatibility and its three kinds of exceptions."""
    assert sass_runs(cc(code), cc(gpu), RULE) is runs


@pytest.mark.parametrize(
    ("name", "gpu", "runs"),
    [
        ("sm_90a", "9.0", True),
        ("sm_90a", "9.1", False),
        ("sm_90", "9.1", True),
        ("sm_100f", "10.3", True),
        ("sm_100f", "10.0", True),
        ("sm_100f", "11.0", False),
        ("gfx90a", "9.0", False),
        ("compute_90", "12.0", True),
        ("compute_90a", "12.0", False),
        ("compute_100f", "10.3", True),
        ("compute_100f", "12.0", False),
    ],
)
def test_a_name_of_the_arch_list_is_read_with_its_suffix(name, gpu, runs):
    """`a` is one capability, `f` a family, and what is not NVIDIA's runs on nothing."""
    assert name_runs(name, cc(gpu), RULE) is runs


@pytest.mark.parametrize(
    ("gpu", "built_with", "driver", "runs"),
    [
        ("9.0", "12.8", "12.8", True),
        ("9.0", "12.8", "13.0", True),
        ("9.0", "12.8", "12.7", False),
        ("12.0", "12.8", "12.8", True),
        ("8.9", "12.8", "13.0", False),
        ("9.0", "12.8", None, False),
        ("9.0", None, None, True),
    ],
)
def test_ptx_runs_from_its_capability_on_with_a_driver_of_its_toolkit(gpu, built_with, driver, runs):
    """Both ends are included; without a word on the toolkit nothing speaks against it."""
    assert ptx_runs(cc("9.0"), cc(gpu), built_with=built_with, driver_cuda=driver) is runs


def test_the_best_code_is_native_and_the_nearest():
    """The highest native code that runs; only where tthis machine has none, the highest PTX; else nothing."""
    names = Arch(sass=(cc("8.0"), cc("8.6"), cc("9.0")), ptx=(cc("5.0"), cc("9.0"), cc("12.0"))).names
    assert code_named(names, cc("8.9"), rule=RULE) == "sm_86"
    assert code_named(names, cc("10.0"), rule=RULE, built_with="12.8", driver_cuda="12.8") == "compute_90"
    assert code_named(names, cc("10.0"), rule=RULE, built_with="12.8", driver_cuda="12.4") is None
    assert code_named(names, cc("10.0"), rule=RULE, built_with="12.8") is None
    assert code_named(names, cc("3.5"), rule=RULE) is None


@pytest.mark.parametrize(
    ("name", "supported"),
    [
        ("Intel(R) Arc(TM) A770 Graphics", True),
        ("intel arc b580", True),
        ("Intel(R) Data Center GPU Max 1550", True),
        ("Intel(R) Iris(R) Xe Graphics", False),
        ("Intel(R) UHD Graphics 770 (Alder Lake, not Arc)", False),
        ("Matrox G200", False),
        (None, False),
    ],
)
def test_xpu_support_goes_by_the_name(name, supported):
    """Trade marks and case do not count; a name of the unsupported list wins over one of the supported."""
    assert xpu_supports(Gpu(vendor=Vendor.INTEL, name=name), CATALOG) is supported


def test_what_the_driver_says_of_xpu_wins_over_the_name():
    """A measured answer is not overruled by a table of names, either way."""
    assert xpu_supports(Gpu(vendor=Vendor.INTEL, name="UHD", xpu=True), CATALOG)
    assert not xpu_supports(Gpu(vendor=Vendor.INTEL, name="Arc A770", xpu=False), CATALOG)


def test_trade_marks_inside_a_name_do_not_hide_it():
    """`Data Center(TM) GPU Max` is Data Center GPU Max, `HD(R) Graphics` is HD Graphics."""
    assert xpu_supports(Gpu(vendor=Vendor.INTEL, name="Intel(R) Data Center(TM) GPU Max 1100"), CATALOG)
    assert not xpu_supports(Gpu(vendor=Vendor.INTEL, name="HD(R) Graphics of an Arc"), CATALOG)


def test_a_build_has_code_only_for_gpus_of_its_vendor():
    """CUDA code is nothing to an Intel GPU, XPU code nothing to NVIDIA's, whatever else fits."""
    arch = Arch(sass=(cc("8.6"),))
    assert code_of(row(arch=arch), nvidia("RTX 3060", "8.6")) == "sm_86"
    assert code_of(row(arch=arch), intel("Arc A770")) is None
    assert code_of(row("xpu"), intel("Arc A770")) == "xpu"
    assert code_of(row("xpu"), intel("UHD Graphics 770")) is None
    assert code_of(row("xpu"), nvidia("RTX 3060", "8.6")) is None
    assert code_of(row("cpu"), nvidia("RTX 3060", "8.6")) is None


def test_where_nobody_can_tell_the_code_is_unknown():
    """A row known only from an index page, and a card whose capability nobody knows, are not refused."""
    assert code_of(row(arch_known=False), nvidia("RTX 3060", "8.6")) == "unknown"
    assert code_of(row(arch_known=False), intel("Arc A770")) is None
    assert code_of(row(arch=Arch(sass=(cc("8.6"),))), nvidia("Some card", None)) == "unknown"
    assert code_of(row(arch=None), nvidia("RTX 3060", "8.6")) is None


def test_an_amd_gpu_needs_its_own_target():
    """AMD code runs on the target that it names and on no other."""
    gpu = Gpu(vendor=Vendor.AMD, name="RX 7900 XTX", gfx="gfx1100")
    assert code_of(row("rocm7.2", arch=Arch(gfx=("gfx1030", "gfx1100"))), gpu) == "gfx1100"
    assert code_of(row("rocm7.2", arch=Arch(gfx=("gfx1030",))), gpu) is None
    assert code_of(row("rocm7.2"), gpu) is None


def test_ptx_of_a_build_is_judged_with_the_driver_there_is():
    """PTX of CUDA 12.8 needs a driver that serves 12.8; without any driver the card is judged as if it had one."""
    build = row("cu128", arch=Arch(ptx=(cc("9.0"),)), driver=msgspec.structs.replace(CUDA_12, cuda="12.8"))
    card = nvidia("RTX 5090", "12.0")
    assert code_of(build, card, driver="570.86.10") == "compute_90"
    assert code_of(build, card, driver="550.54.15") is None
    assert code_of(build, card, driver=None) == "compute_90"
    assert code_of(row("cu128", arch=Arch(ptx=(cc("9.0"),))), card, driver=None) == "compute_90"


# ---------------------------------------------------------------- driver


@pytest.mark.parametrize(
    ("floor", "version", "windows", "cuda", "serves"),
    [
        (CUDA_12, "525.60.13", False, None, True),
        (CUDA_12, "525.60.12", False, None, False),
        (CUDA_12, "525.60.13", True, None, False),
        (CUDA_12, "528.33", True, None, True),
        (CUDA_12, None, False, None, False),
        (CUDA_12, "470.82", False, "12.0", True),
        (CUDA_12, "470.82", False, "12.6", True),
        (CUDA_12, "470.82", False, "13.0", True),
        (CUDA_12, "470.82", False, "11.8", False),
        (CUDA_12, None, False, "12.2", True),
        (CUDA_10, "430.50", False, "10.1", False),
        (CUDA_10, "430.50", False, "10.2", True),
        (msgspec.structs.replace(CUDA_12, cuda="11.8"), "430.50", False, "11.0", True),
    ],
)
def test_a_driver_serves_its_major_from_cuda_11_on(floor, version, windows, cuda, serves):
    """The floor is included, each system has its own, and minor-version compatibility starts with CUDA 11."""
    assert driver_serves(floor, version, windows=windows, cuda=cuda) is serves


@pytest.mark.parametrize(
    ("version", "windows", "code"),
    [
        ("384.81", False, None),
        ("384.10", False, None),
        ("383.99", False, "plan.reject.driver-before-gpu"),
        ("385.99", True, "plan.reject.driver-before-gpu"),
        ("386.10", True, None),
        ("580.95.05", False, None),
        ("589.99", True, None),
        ("590.10", False, "plan.reject.driver-after-gpu"),
        ("", False, None),
        (None, False, None),
    ],
)
def test_a_card_needs_a_driver_of_its_time(version, windows, code):
    """Not before the branch that introduced it, not after the last that serves it; whole branches count."""
    found = driver_fits_gpu(VOLTA, version, windows=windows)
    assert (found and found.code) == code


def test_a_card_of_no_known_family_is_not_judged():
    """What the table does not know is no reason against a driver; nor is a family without a first or last branch."""
    assert driver_fits_gpu(None, "100.1", windows=False) is None
    family = Family(name="New", capabilities=(cc("15.0"),), first_toolkit="14.0")
    assert driver_fits_gpu(family, "100.1", windows=False) is None
    assert driver_fits_gpu(family, "999.1", windows=True) is None


def test_what_is_said_of_a_driver_out_of_its_time():
    """The sentence names the driver, the family and the branch to go to."""
    before = driver_fits_gpu(VOLTA, "340.108", windows=False)
    assert (
        said(before)
        == "plan.reject.driver-before-gpu: driver 340.108 is older than the GPU: Volta GPUs need branch 384 or newer"
    )
    after = driver_fits_gpu(VOLTA, "610.43", windows=False)
    assert (
        said(after) == "plan.reject.driver-after-gpu: driver 610.43 no longer supports Volta GPUs; "
        "branch 580 is the last that supports them"
    )


def against(build, target):
    """What is said against a build because of the driver."""
    return said(driver_against(build, target))


def target_with(**facts):
    """A Linux target with an RTX 3060 and one NVIDIA driver of these facts."""
    bare = machine("linux", nvidia("RTX 3060", "8.6"))
    return make_target(msgspec.structs.replace(bare, drivers=(Driver(vendor=Vendor.NVIDIA, **facts),)), CATALOG)


def test_a_build_without_a_floor_needs_no_driver():
    """CPU builds run on any machine."""
    assert driver_against(row("cpu"), make_target(machine("linux"), CATALOG)) is None


def test_what_is_said_of_a_driver_that_is_missing_or_too_old():
    """The sentence names the CUDA and the floor of this system; a driver at the floor is silence."""
    build = row(driver=CUDA_12)
    assert against(build, target_with(version="525.60.13")) is None
    assert (
        against(build, target_with(version="470.82.01"))
        == "plan.reject.driver: driver 470.82.01 is older than 525.60.13, which CUDA 12.6 needs"
    )
    none = "plan.reject.no-driver: no NVIDIA driver is loaded; CUDA 12.6 needs driver 525.60.13 or newer"
    assert against(build, make_target(machine("linux", nvidia("RTX 3060", "8.6")), CATALOG)) == none
    assert against(build, target_with(version=None)) == none
    windows = make_target(machine("windows", nvidia("RTX 3060", "8.6"), driver="527.41"), CATALOG)
    assert against(build, windows) == "plan.reject.driver: driver 527.41 is older than 528.33, which CUDA 12.6 needs"


def test_a_driver_known_only_by_its_cuda_is_judged_by_it():
    """A container that shows no version shows the CUDA that is served, and that decides."""
    build = row(driver=CUDA_12)
    assert against(build, target_with(version=None, cuda_api="12.2")) is None
    assert against(build, target_with(version=None, cuda_api="11.8")) == (
        "plan.reject.driver-cuda: the driver supports CUDA 11.8; CUDA 12.6 needs driver 525.60.13 or newer"
    )


def test_what_a_driver_claims_beyond_its_version_counts_only_where_it_may():
    """A newer libcuda over an old driver (forward compatibility) is for data-centre cards and Jetson."""
    build, facts = row(driver=CUDA_12), {"version": "470.82.01", "cuda_api": "12.6"}
    assert (
        against(build, target_with(**facts))
        == "plan.reject.driver: driver 470.82.01 is older than 525.60.13, which CUDA 12.6 needs"
    )
    driver = (Driver(vendor=Vendor.NVIDIA, **facts),)
    card = machine("linux", nvidia("Tesla V100-SXM2-32GB", "7.0"))
    assert against(build, make_target(msgspec.structs.replace(card, drivers=driver), CATALOG)) is None
    jetson = msgspec.structs.replace(machine("linux", nvidia("Orin", "8.7")), jetson="35.4.1")
    facts = {"version": "470.82.01", "cuda_api": "11.4"}
    jetson = msgspec.structs.replace(jetson, drivers=(Driver(vendor=Vendor.NVIDIA, **facts),))
    eleven = row(driver=msgspec.structs.replace(CUDA_12, cuda="11.8"))
    assert against(eleven, make_target(jetson, CATALOG)) is None
    assert against(eleven, target_with(**facts)) is not None


# ---------------------------------------------------------------- system


@pytest.mark.parametrize("judge", [glibc_against, macos_against])
@pytest.mark.parametrize(
    ("floor", "here", "fine"),
    [
        ("2.28", "2.28", True), ("2.28", "2.31", True), ("2.28", "2.9", False), ("2.28", "2.27", False),
        (None, "2.9", True), ("2.28", None, True), ("", "2.9", True), ("2.28", "", True),
    ],
)  # fmt: skip
def test_a_floor_is_met_by_itself_and_what_is_newer(judge, floor, here, fine):
    """Versions are compared as numbers; where either is not known, nothing is said."""
    assert (judge(floor, here) is None) is fine


def test_what_is_said_of_a_system_that_is_too_old():
    """Each sentence names what is needed and what is here."""
    assert said(glibc_against("2.28", "2.17")) == "plan.reject.glibc: needs glibc 2.28 or newer; this machine has 2.17"
    assert said(macos_against("14.0", "13.6")) == "plan.reject.macos: needs macOS 14.0 or newer; this machine has 13.6"
    build = row("cpu", mps="14.0")
    assert (
        said(mps_against(build, "13.6"))
        == "plan.reject.mps: can be installed, but needs macOS 14.0 or newer to use the Apple GPU; "
        "this machine has 13.6"
    )


def test_the_apple_gpu_is_not_judged_without_a_floor_or_a_version():
    """A floor met, no floor, and a system of unknown version are all no objection."""
    build = row("cpu", mps="14.0")
    assert mps_against(build, "14.0") is None
    assert mps_against(build, "14.1") is None
    assert mps_against(build, None) is None
    assert mps_against(build, "") is None
    assert mps_against(row("cpu"), "10.15") is None


@pytest.mark.parametrize(
    ("pythons", "newest"),
    [
        (["3.9", "3.13", "3.10"], "3.13"),
        (["3.13t", "3.12"], "3.12"),
        (["3.13t", "3.14t"], "3.14t"),
        (["3.9t", "3.10t"], "3.10t"),
        (["3.14", "3.14t"], "3.14"),
        ([], None),
    ],
)
def test_the_newest_python_is_a_plain_one(pythons, newest):
    """Numbers, not letters, decide; a free-threaded build is taken only where tthis machine has no other."""
    assert newest_python(pythons) == newest


@pytest.mark.parametrize(
    ("capability", "driver", "fits"),
    [
        ("12.0", "570.26", True),
        ("12.0", "560.35.05", False),
        ("12.1", "570.26", False),
        ("12.1", "575.51.03", True),
        ("10.3", "570.26", False),
        ("10.7", "610.43.02", False),
        ("10.7", "615.10", True),
        ("6.1", "580.95.05", True),
        ("6.1", "590.44.01", False),
    ],
)
def test_members_of_an_architecture_need_the_branch_of_their_own_toolkit(capability, driver, fits):
    """CUDA 12.8 knows B200, 12.9 B300 and GB10; Rubin's toolkit shipped no driver, so its branch counts."""
    gpu = ComputeCapability.parse(capability)
    assert gpu is not None
    assert (driver_fits_gpu(load_catalog().family(gpu), driver, windows=False) is None) is fits
