"""What a plan says of packages that are bound to torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.packages import load_packages
from torchup.catalog.versions import version_key
from torchup.compat.packages import Status, conflict, match_one
from torchup.compat.packages.against import none_fits
from torchup.compat.packages.values import Axis
from torchup.errors import NoBuildError
from torchup.model import UNKNOWN, Message, Notice, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.packages import Package
    from torchup.compat.packages import Match
    from torchup.compat.packages.choice import Question
    from torchup.model import Plan
    from torchup.plan.judge import Fit


def lowered(packages: Sequence[Package], newest: Fit, plan: Plan) -> Message | None:
    """Why the plan's torch is not the newest that this machine could have."""
    row = newest.candidate.row
    if version_key(row.torch) <= version_key(plan.build.torch):
        return None
    return message(
        "plan.why.packages",
        "{newest} is newer, but {torch} is the newest torch with fitting wheels of {packages} ({how})",
        newest=row.torch,
        packages=", ".join(package.name for package in packages),
        torch=plan.build.torch,
        how=_how_to_keep(packages, row.torch),
    )


def _how_to_keep(packages: Sequence[Package], newest: str) -> Message:
    """How to keep the newest torch: compile the packages that can be compiled, or leave them out."""
    if all(package.can_be_compiled for package in packages):
        return message("plan.why.packages.build", "to get {newest}, use --torch {newest} --build", newest=newest)
    names = ", ".join(package.name for package in packages)
    return message("plan.why.packages.without", "to get {newest}, leave out {packages}", newest=newest, packages=names)


def third_party(match: Match) -> Notice:
    """Whose binary it is, where it is not the project's own."""
    text = message(
        "plan.wheel.third-party",
        "{package} {version} is built by a third party, {publisher}: {url}",
        package=match.package,
        version=match.version,
        publisher=match.publisher,
        url=match.url or match.index or match.find_links or UNKNOWN,
    )
    return Notice(code="plan.wheel.third-party", text=text, level="warning")


def refusal(packages: Sequence[Package], question: Question) -> NoBuildError:
    """Which package stands in the way, why, and what is nearest."""
    culprits = conflict(packages, question)
    if len(culprits) > 1:
        return NoBuildError(
            message(
                "plan.wheel.conflict",
                "no available torch fits {packages} together",
                packages=" and ".join(one.name for one in culprits),
            ),
            hint=message(
                "plan.wheel.conflict.hint",
                "create an environment for each package: `torchup env create NAME --with PACKAGE`",
            ),
        )
    found = match_one(culprits[0] if culprits else packages[0], question)
    return _alone(found)


def _alone(found: Match) -> NoBuildError:
    if found.status == Status.BUILD:
        return NoBuildError(
            message(
                "plan.wheel.source", "{package} has no public wheel, so it must be compiled", package=found.package
            ),
            hint=_build_hint(found),
        )
    return NoBuildError(none_fits(found), hint=_nearest(found) or _without(found) or _build_hint(found))


_OF_THE_MACHINE = {Axis.CAPABILITY, Axis.PLATFORM}


def _without(found: Match) -> Message | None:
    """What is left if the package does not run on this machine at all: compiling it would not change that."""
    if not _OF_THE_MACHINE & {one.axis for one in found.failed}:
        return None
    if not found.alternative:
        return message("plan.wheel.not-here.hint", "leave out {package} on this machine", package=found.package)
    return message(
        "plan.wheel.instead.hint",
        "leave out {package} on this machine; alternative: {what}",
        package=found.package,
        what=found.alternative,
    )


def _nearest(found: Match) -> Message | None:
    if not found.nearest:
        return None
    near = found.nearest[0]
    cuda = f"cu{near.cuda}" if near.cuda.isdigit() else near.cuda
    options = f"--torch {near.torch} --variant {cuda}" + (f" --python {near.python}" if near.python else "")
    return message("plan.wheel.none.hint", "use the nearest combination that has a wheel: {options}", options=options)


def _build_hint(found: Match) -> Message:
    package = load_packages().get(found.package)
    if package is None or package.can_be_compiled:
        return _compile_hint(found)
    if not found.alternative:
        return message(
            "plan.wheel.leave-out.hint", "leave out {package}; torchup cannot compile it", package=found.package
        )
    return message(
        "plan.wheel.no-source.hint",
        "leave out the package, because torchup cannot compile it; alternative: {what}",
        what=found.alternative,
    )


def _compile_hint(found: Match) -> Message:
    if not found.build_needs:
        return message("plan.wheel.build.hint", "use `--build` to compile the package")
    return message(
        "plan.wheel.source.hint",
        "use `--build` to compile the package; requirements for compiling: {what}",
        what=found.build_needs,
    )
