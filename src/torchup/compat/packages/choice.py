"""Sets of builds that packages allow, and their intersection."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from torchup.catalog.spans import spans
from torchup.catalog.versions import version_key
from torchup.compat.packages.builds import builds_for, wished
from torchup.compat.packages.fits import certain, fits, pythons_for
from torchup.compat.packages.values import TorchBuild
from torchup.compat.target import make_target
from torchup.model import Value, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.catalog.packages import Package, Packages
    from torchup.catalog.types import Catalog
    from torchup.catalog.wheel_rows import Wheel
    from torchup.compat.packages.values import Fit, Wish
    from torchup.compat.target import Target
    from torchup.model import Machine


class Question(Value, frozen=True, kw_only=True):
    """What packages are looked up for."""

    target: Target
    wish: Wish
    catalog: Catalog
    tables: Packages

    @property
    def preferred(self) -> str:
        """The newest Python that is taken where none is asked for."""
        return self.catalog.newest_default_python


class Chosen(Value, frozen=True, kw_only=True):
    """The newest build that every package has a wheel for."""

    build: TorchBuild
    python: str | None
    fits: tuple[tuple[Fit, ...], ...]  # a package each, best first; empty: installed as it is


def ask(machine: Machine, wish: Wish, catalog: Catalog, tables: Packages) -> Question:
    """A question about one machine."""
    return Question(target=make_target(machine, catalog), wish=wish, catalog=catalog, tables=tables)


def possible(question: Question, *, driver: bool = True) -> tuple[TorchBuild, ...]:
    """The builds that this machine runs; a torch that is named in full counts although no table has it."""
    builds = builds_for(question.target, question.wish, question.catalog, driver=driver)
    wish = question.wish
    if any(wished(build, wish) for build in builds) or not (wish.torch and wish.variant and wish.torch[0].isdigit()):
        return builds
    if driver and any(
        wished(build, wish) for build in builds_for(question.target, wish, question.catalog, driver=False)
    ):
        return builds
    return (TorchBuild(torch=wish.torch, variant=wish.variant), *builds)


def on_platform(package: Package, question: Question) -> tuple[Wheel, ...]:
    """A package's wheels for this platform and C library; without ``platforms`` any platform will do."""
    return tuple(wheel for wheel in question.tables.wheels_of(package.name) if _installs(wheel, question))


def _installs(wheel: Wheel, question: Question) -> bool:
    machine = question.target.machine
    if wheel.platform not in {"any", question.target.platform}:
        return False
    return not wheel.glibc or not machine.glibc or version_key(machine.glibc) >= version_key(wheel.glibc)


def for_gpu(wheels: Sequence[Wheel], package: Package, question: Question) -> tuple[Wheel, ...]:
    """Those whose kernels run on the GPU; all where there is no GPU, or one that is not known."""
    return tuple(wheel for wheel in wheels if gpu_serves(wheel, package, question.target))


def gpu_serves(wheel: Wheel, package: Package, target: Target) -> bool:
    """Whether any GPU reaches the wheel's lowest compute capability, or is one of its AMD targets."""
    gpus = target.machine.gpus
    if gpus and all(gpu.vendor == Vendor.AMD for gpu in gpus):
        cuda_only = all(label.isdigit() or label == "-" for label in wheel.cuda)
        return any(gpu.gfx in wheel.gfx for gpu in gpus) if wheel.gfx else not cuda_only
    floor = wheel.min_capability or package.min_capability
    known = [capability for capability in target.capabilities if capability is not None]
    return not floor or not known or any(version_key(str(found)) >= version_key(floor) for found in known)


def usable(package: Package, question: Question) -> tuple[Wheel, ...]:
    """The wheels that this machine can use with some torch."""
    return for_gpu(on_platform(package, question), package, question)


def choices(packages: Sequence[Package], question: Question, builds: Sequence[TorchBuild]) -> Iterator[Chosen]:
    """The builds, newest first, that all packages have a wheel for."""
    wheels = [usable(package, question) for package in packages]
    for build in builds:
        for python in pythons_for(build, question.wish, question.preferred):
            found = _all(packages, wheels, build, python, question)
            if found is not None:
                yield Chosen(build=build, python=python, fits=found)
                break


def _all(
    packages: Sequence[Package],
    wheels: Sequence[Sequence[Wheel]],
    build: TorchBuild,
    python: str | None,
    question: Question,
) -> tuple[tuple[Fit, ...], ...] | None:
    found: list[tuple[Fit, ...]] = []
    for package, group in zip(packages, wheels, strict=True):
        of_package = fits(group, build, python, question.wish, question.tables)
        if not of_package and not (accepts(package, build) and not question.tables.wheels_of(package.name)):
            return None
        found.append(of_package)
    return tuple(found)


def accepts(package: Package, build: TorchBuild) -> bool:
    """Whether a package that no row is needed for goes with a build: installed as it is, within its own bounds."""
    as_it_is = package.kind in {"pure", "ctypes", "beside"} and package.pypi in {"wheel", "sdist"}
    return as_it_is and spans(package.torch, build.torch)


def choose(packages: Sequence[Package], question: Question) -> Chosen | None:
    """The newest wished build that all packages have a wheel for; of one release the best fit, then the newest CUDA."""
    builds = [build for build in possible(question) if wished(build, question.wish)]
    first: list[Chosen] = []
    for chosen in choices(packages, question, builds):
        if first and chosen.build.torch != first[0].build.torch:
            break
        first.append(chosen)
    return max(first, key=lambda chosen: quality(chosen, question), default=None)


def quality(chosen: Chosen, question: Question) -> tuple[object, ...]:
    """Of the builds of one release: seen files, newest packages, whole labels, what PyPI builds with, newest CUDA."""
    best = [found[0].wheel for found in chosen.fits if found]
    seen = all(certain(wheel, question.wish) for wheel in best)
    versions = tuple(version_key(wheel.version.split("..")[-1]) for wheel in best)
    whole = sum(f"cu{found[0].label}" == chosen.build.variant for found in chosen.fits if found)
    tested = chosen.build.on_pypi and any(wheel.grammar.id == "pypi" for wheel in best)
    served = version_key(question.target.cuda or "99")
    key = version_key(".".join((chosen.build.variant[2:4], chosen.build.variant[4:] or "0")))
    serves = key <= served
    return seen, versions, whole, tested, serves, key if serves else tuple(-number for number in key)


def conflict(packages: Sequence[Package], question: Question) -> tuple[Package, ...]:
    """The smallest set of packages that no build serves together: one, a pair, else all; nothing where all go."""
    for size in (1, 2):
        for group in combinations(packages, size):
            if choose(group, question) is None:
                return group
    return tuple(packages) if choose(packages, question) is None else ()
