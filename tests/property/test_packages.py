"""Laws of the package matcher: what it chooses fits on every axis, and what it calls nearest can be chosen."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.compat.packages import Axis, Status, Wish, ask, choose, conflict, match
from torchup.compat.packages.fits import label_for, python_fits, reason_for
from torchup.model import Driver, Gpu, Machine, Os, Vendor

CATALOG, TABLES = load_catalog(), load_packages()
NAMES = sorted(package.name for package in TABLES.packages)
TORCHES = (None, *sorted({".".join(row.torch.split(".")[:2]) for row in CATALOG.rows}))
CHANGEABLE = {Axis.TORCH, Axis.CUDA, Axis.PYTHON}

gpus = st.sampled_from([(), ("7.5", "580.65.06"), ("8.9", "535.54.03"), ("8.9", "580.65.06"), ("12.0", "610.10")])
machines = st.builds(
    lambda system, gpu, glibc: Machine(
        os=Os(system),
        arch="x86_64",
        glibc=glibc if system == "linux" else None,
        gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability=gpu[0]),) if gpu else (),
        drivers=(Driver(vendor=Vendor.NVIDIA, version=gpu[1]),) if gpu else (),
    ),
    st.sampled_from(["linux", "windows"]),
    gpus,
    st.sampled_from([None, "2.28", "2.35", "2.39"]),
)
wishes = st.builds(
    Wish,
    torch=st.sampled_from(TORCHES),
    variant=st.sampled_from([None, "cu126", "cu130", "cu13", "cpu"]),
    python=st.sampled_from([None, "3.10", "3.12", "3.14"]),
)
packages = st.sampled_from(NAMES)


@given(package=packages, machine=machines, wish=wishes)
@settings(max_examples=100, deadline=None)
def test_what_is_chosen_fits_on_every_axis(package, machine, wish):
    """Platform, C library, CUDA, Python and torch of a chosen wheel are those of the build that it is chosen for."""
    chosen = choose((TABLES.get(package),), ask(machine, wish, CATALOG, TABLES))
    for fit in chosen.fits[0] if chosen else ():
        assert fit.wheel.platform in {"any", "linux_x86_64", "windows_x86_64"}
        assert label_for(fit.wheel, fit.build.variant) == fit.label
        assert python_fits(fit.wheel, fit.python)
        assert reason_for(fit.wheel, fit.build.torch, TABLES) is fit.by
        assert wish.python in {None, fit.python}


@given(package=packages, machine=machines, wish=wishes)
@settings(max_examples=50, deadline=None)
def test_nothing_found_says_why(package, machine, wish):
    """Without a wheel there is an axis, or the package is one that is compiled; and the two never come together."""
    answer = match(TABLES.get(package), machine, wish, CATALOG, TABLES)
    if answer.found:
        assert answer.install
        assert not answer.failed
    elif answer.status in {Status.NONE, Status.UNKNOWN}:
        assert answer.failed or TABLES.get(package).kind == "ended" or TABLES.get(package).pypi in {"none", "other"}
    assert [failed.axis for failed in answer.failed] == sorted(
        (failed.axis for failed in answer.failed), key=list(Axis).index
    )


@given(package=packages, machine=machines, wish=wishes)
@settings(max_examples=50, deadline=None)
def test_the_nearest_can_be_chosen(package, machine, wish):
    """Who takes what is called nearest gets a wheel."""
    answer = match(TABLES.get(package), machine, wish, CATALOG, TABLES)
    for near in answer.nearest[:1]:
        variant = f"cu{near.cuda}" if near.cuda.isdigit() else near.cuda
        wished = Wish(torch=near.torch, variant=variant, python=near.python)
        again = match(TABLES.get(package), machine, wished, CATALOG, TABLES)
        assert again.found
        assert set(near.changes) <= CHANGEABLE


@given(names=st.lists(packages, min_size=2, max_size=3, unique=True), machine=machines, wish=wishes)
@settings(max_examples=40, deadline=None)
def test_several_packages_are_the_intersection(names, machine, wish):
    """A build that several packages share serves each alone, in any order; where there is none, a conflict is named."""
    asked = ask(machine, wish, CATALOG, TABLES)
    names = [TABLES.get(name) for name in names]
    chosen, turned = choose(names, asked), choose(names[::-1], asked)
    assert (chosen is None) == (turned is None)
    if chosen is None:
        culprits = {package.name for package in conflict(names, asked)}
        assert culprits
        assert culprits <= {package.name for package in names}
    else:
        assert chosen.build.torch == turned.build.torch
        assert all(choose((package,), asked) is not None for package in names)
