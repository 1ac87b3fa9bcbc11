"""`match`: one package, one machine, one wish -> which wheel, or why none and what is nearest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.spans import minor_of, spans
from torchup.compat.packages.builds import wished
from torchup.compat.packages.choice import ask, choose, possible
from torchup.compat.packages.fits import place_for, pythons_for, reuse_of
from torchup.compat.packages.nearest import of_machine, why_nothing
from torchup.compat.packages.values import Axis, By, Failed, Match, Nearest, Status, TorchBuild
from torchup.near_names import near_names
from torchup.package_names import normalise

if TYPE_CHECKING:
    from torchup.catalog.packages import Package, Packages
    from torchup.catalog.types import Catalog
    from torchup.compat.packages.choice import Question
    from torchup.compat.packages.values import Fit, Wish
    from torchup.model import Machine

OTHERS = 5  # further wheels that are named


def match(package: Package, machine: Machine, wish: Wish, catalog: Catalog, tables: Packages) -> Match:
    """Choose the wheel of a package and, where the wish leaves it open, the torch for it.

    Raises:
        ValueError: the wish names a torch that is neither a version nor a range.
    """
    return match_one(package, ask(machine, wish, catalog, tables))


def match_one(package: Package, question: Question) -> Match:
    """`match` for a question that has been worked out."""
    if not question.tables.wheels_of(package.name):
        return _without_rows(package, question)
    chosen = choose((package,), question)
    if chosen is not None:
        return of_fits(package, chosen.fits[0], question)
    return _nothing(package, question)


def close_names(name: str, tables: Packages) -> tuple[str, ...]:
    """Packages whose names are like this one, nearest first."""
    found = near_names(normalise(name), tables.by_name, count=3)
    return tuple(dict.fromkeys(tables.by_name[one].name for one in found))


# ---------------------------------------------------------------- found


def of_fits(package: Package, fits: tuple[Fit, ...], question: Question) -> Match:
    """The answer for a package whose wheels for one build are known, best first."""
    best = fits[0]
    place = place_for(best, question.tables)
    platform = question.target.platform or ""
    answer = Match(
        package=package.name,
        kind=package.kind,
        status=status_of(package, best),
        version=best.wheel.version.strip("-") or None,
        torch=best.build.torch,
        variant=best.build.variant,
        cuda=_cuda(best),
        python=best.python,
        platform=platform,
        requirement=place.requirement,
        url=place.url,
        index=place.index,
        find_links=place.find_links,
        file=place.url.rpartition("/")[2].replace("%2B", "+") if place.url else None,
        tag=best.wheel.tag,
        publisher=best.wheel.publisher,
        evidence=best.wheel.evidence,
        checked=question.wish.checked.get(place.url or ""),
        source=best.wheel.source,
        by=best.by,
        built=best.built,
        reuse=reuse_of(best.wheel, best.build.torch, question.tables) if best.by == By.MEASURED_REUSE else None,
        environment=_environment(package, best),
        companions=best.build.companions if package.kind == "pinned" else {},
        needs=_needs(package, best, question),
        others=_others(fits, question),
        as_of=question.tables.as_of,
    )
    return replace(answer, install=install_lines(answer, package), **_facts(package))


def status_of(package: Package, fit: Fit) -> Status:
    """The name of how a wheel fits."""
    if fit.by == By.MEASURED_REUSE:
        return Status.REUSE
    if package.kind == "pinned":
        return Status.PINNED
    if package.kind == "stable" and fit.by == By.NAME and fit.wheel.torch.count(".") > 1:
        return Status.PINNED
    return Status.EXACT if fit.by == By.NAME else Status.COMPATIBLE


def _cuda(fit: Fit) -> str:
    label = fit.label
    if label in {"any", "-"}:
        label = fit.build.variant.removeprefix("cu") if fit.build.variant.startswith("cu") else fit.build.variant
    return label


def _environment(package: Package, fit: Fit) -> dict[str, str]:
    """The variable that makes a package take its library of another CUDA minor."""
    lower = f"cu{fit.label}" != fit.build.variant and fit.build.variant.startswith("cu") and fit.label.isdigit()
    return {package.cuda_variable: fit.label} if package.cuda_variable and lower else {}


def _needs(package: Package, fit: Fit, question: Question) -> tuple[Match, ...]:
    """What else the package wants that follows torch."""
    if not package.needs_on_windows or not (question.target.platform or "").startswith("windows"):
        return ()
    wish = replace(question.wish, torch=fit.build.torch, variant=fit.build.variant, python=fit.python, version=None)
    found = [question.tables.get(name) for name in package.needs_on_windows.split()]
    return tuple(match_one(one, replace(question, wish=wish)) for one in found if one is not None)


def _others(fits: tuple[Fit, ...], question: Question) -> tuple[str, ...]:
    places = [place_for(fit, question.tables) for fit in fits[1:]]
    found = [place.url or f"{place.requirement} ({place.index or place.find_links or 'PyPI'})" for place in places]
    return tuple(dict.fromkeys(found))[:OTHERS]


def install_lines(answer: Match, package: Package) -> tuple[tuple[str, ...], ...]:
    """Commands: the wheel without its dependencies, then what it needs besides torch."""
    places: tuple[str, ...] = ()
    if answer.index:
        places = ("--index-url", answer.index)
    elif answer.find_links:
        places = ("--find-links", answer.find_links)
    target = answer.url or answer.requirement or package.name
    alone = () if package.kind in {"pure", "beside"} or package.own_environment else ("--no-deps",)
    pre = ("--pre",) if package.prerelease else ()
    lines = [("pip", "install", *alone, *pre, *places, target)]
    if package.requires and alone:
        lines.append(("pip", "install", *package.requires.split()))
    lines += [line for need in answer.needs for line in need.install]
    return tuple(lines)


def _facts(package: Package) -> dict[str, str | None]:
    return {
        "alternative": package.alternative,
        "build_needs": package.build,
        "system": package.system,
        "note": package.note,
    }


# ---------------------------------------------------------------- not found, or nothing to find


def _nothing(package: Package, question: Question) -> Match:
    failed, nearest = why_nothing(package, question)
    status = Status.NONE if _is_known(package, failed) else Status.UNKNOWN
    if package.kind == "source":
        status = Status.BUILD
    return _plain(package, question, status=status, failed=failed, nearest=nearest)


def _is_known(package: Package, failed: tuple[Failed, ...]) -> bool:
    """Whether "there is none" is known: by what the machine is, or from a complete listing."""
    machine = {Axis.PLATFORM, Axis.GLIBC, Axis.CAPABILITY, Axis.DRIVER}
    complete = package.complete or package.kind in {"pinned", "ended", "ctypes", "beside"}
    return complete or any(one.axis in machine for one in failed)


def _without_rows(package: Package, question: Question) -> Match:
    """A package that no row is needed for: any torch of its span will do, or it is compiled."""
    failed = of_machine(package, question)
    if failed is not None:
        return _plain(package, question, status=Status.NONE, failed=(failed,))
    builds = [build for build in possible(question) if spans(package.torch, build.torch)]
    mine = [build for build in builds if wished(build, question.wish)]
    if package.kind in {"source", "ended"} or package.pypi in {"none", "other"}:
        return _plain(package, question, status=Status.BUILD if package.kind == "source" else Status.NONE)
    if not mine:
        return _outside(package, builds, question)
    return _compatible(package, mine[0], question)


def _outside(package: Package, builds: list[TorchBuild], question: Question) -> Match:
    """The wish is outside what the package accepts."""
    failed = Failed(axis=Axis.TORCH, want=package.torch, have=question.wish.torch or question.wish.variant or "-")
    near = tuple(
        Nearest(torch=minor_of(b.torch), cuda=b.variant.removeprefix("cu"), changes=(Axis.TORCH,)) for b in builds[:1]
    )
    return _plain(package, question, status=Status.NONE, failed=(failed,), nearest=near)


def _compatible(package: Package, build: TorchBuild, question: Question) -> Match:
    python = next(iter(pythons_for(build, question.wish, question.preferred)), None)
    name = package.cuda_packages.get(build.variant[2:4], package.name)
    pinned = f"{name}=={package.version}" if package.prerelease else name
    answer = _plain(
        package,
        question,
        status=Status.COMPATIBLE,
        version=package.version,
        torch=build.torch,
        variant=build.variant,
        cuda=build.variant.removeprefix("cu") if build.variant.startswith("cu") else build.variant,
        python=python,
        requirement=pinned,
        evidence="metadata",
        by=By.METADATA,
    )
    return replace(answer, install=install_lines(answer, package))


def _plain(package: Package, question: Question, *, status: Status, **parts: object) -> Match:
    common = {
        "package": package.name,
        "kind": package.kind,
        "status": status,
        "platform": question.target.platform,
        "source": package.source,
        "as_of": question.tables.as_of,
    }
    return Match(**(common | _facts(package) | parts))  # type: ignore[arg-type]  # the tables of parts are complete
