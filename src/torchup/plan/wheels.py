"""Packages that are bound to torch in a plan: the torch is the newest that all of them have a wheel for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.packages import load_packages
from torchup.compat.packages import Wish, ask
from torchup.compat.packages.choice import Chosen, choices, quality
from torchup.compat.packages.match import of_fits
from torchup.compat.packages.values import TorchBuild
from torchup.errors import UsageError
from torchup.model import Notice, PackageWheel, message
from torchup.patterns import lazy_pattern
from torchup.plan.compiling import compile_notices, compiled_wheel
from torchup.plan.planner import consider, make_plan, spelled
from torchup.plan.ranking import rank
from torchup.plan.wheel_words import lowered, refusal, third_party

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.packages import Package, Packages
    from torchup.catalog.types import Catalog
    from torchup.compat.packages import Match
    from torchup.compat.packages.choice import Question
    from torchup.model import Machine, Plan, Request, Survey
    from torchup.plan.judge import Fit

# The words for a build that was asked for; here it was chosen.
_ASKED = frozenset({"plan.why.asked", "plan.why.variant", "plan.why.cpu-asked"})
_REQUIREMENT = lazy_pattern(r"([A-Za-z0-9][A-Za-z0-9._-]{0,100})\s*((?:[<>]=?|==)\s*\d[\d.,<>=\s]{0,60})?")


def make_plan_with(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> Plan:
    """The plan of a request that names packages; without one that is bound to torch, `make_plan`'s.

    Raises:
        NoBuildError: no build has a wheel of every package; the smallest conflicting set and the nearest are named.
        UsageError: an unknown purpose.
    """
    tables = load_packages()
    request = with_purpose(request, tables)
    bound = bound_packages(request, tables)
    if request.build:
        return _with_compiled(machine, request, catalog, survey)
    plain = replace(request, packages=tuple(text for text in request.packages if _package(text, tables) not in bound))
    fits = _fits(machine, plain, catalog, survey) if bound else []
    if not fits:
        return make_plan(machine, request if not bound else plain, catalog, survey)
    question = ask(machine, _wish(request, survey, tables), catalog, tables)
    chosen = _choose(bound, fits, question)
    if chosen is None:
        raise refusal(bound, question)
    exact = replace(plain, torch=chosen.build.torch, variant=chosen.build.variant, python=chosen.python)
    return _with_wheels(make_plan(machine, exact, catalog, survey), bound, chosen, question, fits[0])


def _with_compiled(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> Plan:
    """Torch leads: of the packages that can be compiled those are that have no wheel for the planned torch."""
    tables = load_packages()
    able = {text: found for text in request.packages if (found := _compilable(text, tables)) is not None}
    others = tuple(text for text in request.packages if text not in able)
    plan = make_plan_with(machine, replace(request, packages=others, build=False), catalog, survey)
    exact = replace(request, torch=plan.build.torch, variant=plan.build.variant, python=plan.python)
    question = ask(machine, _wish(exact, survey, tables), catalog, tables)
    build = TorchBuild(torch=plan.build.torch, variant=plan.build.variant, pythons=(plan.python,))
    for text, package in able.items():
        chosen = next(choices((package,), question, (build,)), None)
        if chosen is not None and chosen.fits[0]:
            match = of_fits(package, chosen.fits[0], question)
            wheels, notices = _wheels(match, tables), _notices([match])
        else:
            wheel = compiled_wheel(package, _span(text), machine, plan, tables)
            wheels, notices = (wheel,), compile_notices(wheel, package, machine, tables)
        plan = replace(plan, wheels=(*plan.wheels, *wheels), advice=(*plan.advice, *notices))
    return plan


def _compilable(text: str, tables: Packages) -> Package | None:
    match = _REQUIREMENT.fullmatch(text.strip())
    package = tables.get(match[1]) if match is not None else None
    return package if package is not None and package.can_be_compiled else None


def _span(text: str) -> str | None:
    match = _REQUIREMENT.fullmatch(text.strip())
    return match[2].replace(" ", "") if match is not None and match[2] else None


def with_purpose(request: Request, tables: Packages) -> Request:
    """``--for vllm`` as the packages that it stands for."""
    if request.purpose is None:
        return request
    found = tables.purposes.get(request.purpose) or ((request.purpose,) if tables.get(request.purpose) else None)
    if found is None:
        raise UsageError(
            message("plan.purpose.unknown", "unknown purpose `--for {name}`", name=request.purpose),
            hint=message(
                "plan.purpose.unknown.hint",
                "choose one of: {names}; or list packages with --with",
                names=", ".join(sorted(tables.purposes)),
            ),
        )
    return replace(request, packages=tuple(dict.fromkeys((*found, *request.packages))), purpose=None)


def bound_packages(request: Request, tables: Packages) -> tuple[Package, ...]:
    """The packages of a request that have a say about torch."""
    found = [package for text in request.packages if (package := _package(text, tables)) is not None]
    return tuple(found)


def _package(text: str, tables: Packages) -> Package | None:
    match = _REQUIREMENT.fullmatch(text.strip())
    package = tables.get(match[1]) if match is not None else None
    if package is None:
        return None
    has_rows = bool(tables.wheels_of(package.name))
    return package if has_rows or package.kind in {"source", "ended"} or package.torch != "any" else None


def _wish(request: Request, survey: Survey, tables: Packages) -> Wish:
    spans = {}
    for text in request.packages:
        package, span = _package(text, tables), _span(text)
        if package is not None and span is not None:
            spans[package.name] = span
    silent = tuple(source.url for source in survey.sources if source.reachable is False)
    return Wish(
        torch=request.torch,
        variant=request.variant,
        python=request.python,
        versions=spans,
        checked=survey.checked,
        silent=silent,
    )


def _fits(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> list[Fit]:
    question, found, _ = consider(machine, spelled(request, machine), catalog, survey)
    return rank(found, question)


def _choose(packages: Sequence[Package], fits: Sequence[Fit], question: Question) -> Chosen | None:
    """The newest torch that can be had and that every package has a wheel for; the plan's Python first."""
    found: list[Chosen] = []
    for fit in fits:
        row = fit.candidate.row
        build = TorchBuild(torch=row.torch, variant=row.variant, pythons=row.pythons, on_pypi=_plain(fit))
        if found and found[0].build.torch != row.torch:
            break
        mine = replace(question, wish=replace(question.wish, python=fit.python))
        first = next(choices(packages, mine, (build,)), None) or next(choices(packages, question, (build,)), None)
        found += [first] if first is not None else []
    return max(found, key=lambda chosen: quality(chosen, question), default=None)


def _plain(fit: Fit) -> bool:
    return any(place.name == "pypi" for place in fit.candidate.row.publications)


def _with_wheels(plan: Plan, packages: Sequence[Package], chosen: Chosen, question: Question, newest: Fit) -> Plan:
    matches = [of_fits(package, fits, question) for package, fits in zip(packages, chosen.fits, strict=True) if fits]
    wheels = tuple(wheel for match in matches for wheel in _wheels(match, question.tables))
    plain = tuple(package.name for package, fits in zip(packages, chosen.fits, strict=True) if not fits)
    why = lowered(packages, newest, plan)
    asked = question.wish.torch or question.wish.variant
    others = tuple(text for text in plan.why if text.code not in _ASKED or asked)
    return replace(
        plan,
        wheels=wheels,
        packages=(*plan.packages, *plain),
        why=(*((why,) if why is not None else ()), *others),
        advice=(*plan.advice, *_notices(matches)),
    )


def _wheels(match: Match, tables: Packages) -> tuple[PackageWheel, ...]:
    """A match and what it needs beside it, as the installers take it."""
    package = tables.get(match.package)
    own = PackageWheel(
        package=match.package,
        version=match.version,
        requirement=match.requirement or match.package,
        url=match.url,
        index=match.index,
        find_links=match.find_links,
        publisher=match.publisher,
        evidence=match.evidence or "",
        status=match.status.value,
        requires=tuple(package.requires.split()) if package else (),
        alone=not (package and package.own_environment),
        environment=match.environment,
    )
    return (own, *(wheel for need in match.needs if need.found for wheel in _wheels(need, tables)))


def _notices(matches: Sequence[Match]) -> tuple[Notice, ...]:
    found = [third_party(match) for match in matches if match.publisher]
    for match in matches:
        for name, value in match.environment.items():
            text = message(
                "plan.wheel.environment",
                "set {name}={value} before you import {package}",
                package=match.package,
                name=name,
                value=value,
            )
            found.append(Notice(code="plan.wheel.environment", text=text))
    return tuple(found)
