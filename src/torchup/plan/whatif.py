"""What another driver or system would give: the planner asked again with one fact changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.compat.target import make_target
from torchup.model import Driver, Gpu, InstallerName, Machine, Os, Request, Survey, Vendor
from torchup.plan.candidates import candidates
from torchup.plan.gpus import sort_gpus
from torchup.plan.judge import Fit, Question, judge
from torchup.plan.pythons import pythons_of
from torchup.plan.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.types import Catalog, Family, Row


def best_row(machine: Machine, request: Request, catalog: Catalog) -> Row | None:
    """The build that another machine would get, by the catalogue alone; ``None`` when it would not use a GPU."""
    target = make_target(machine, catalog)
    plain = msgspec.structs.replace(request, torch=None, variant=None, cpu=False, require=())
    offered = candidates(target, plain, catalog, Survey())
    question = Question(
        target=target,
        request=plain,
        catalog=catalog,
        pythons=pythons_of(machine, plain, catalog),
        graphics=sort_gpus(target, tuple(c.row for c in offered), catalog),
        accept_cpu=False,
    )
    using = []
    for candidate in offered:  # newest first: the first that serves every GPU is what ranking would put first
        verdict = judge(candidate, question)
        if isinstance(verdict, Fit) and verdict.uses_gpu:
            using.append(verdict)
            if set(question.graphics.usable) <= set(verdict.covered):
                return candidate.row
    return rank(using, question)[0].candidate.row if using else None


def with_driver(machine: Machine, branch: int) -> Machine:
    """The machine with an NVIDIA driver of a branch."""
    others = tuple(driver for driver in machine.drivers if driver.vendor != Vendor.NVIDIA)
    return msgspec.structs.replace(
        machine, drivers=(*others, Driver(vendor=Vendor.NVIDIA, version=str(branch), loaded=True))
    )


def with_usual_driver(machine: Machine, catalog: Catalog) -> Machine:
    """An imagined machine with an unknown driver, given a current one: the advised branch of its GPUs."""
    gpus = [gpu for gpu in machine.gpus if gpu.vendor == Vendor.NVIDIA]
    if machine.sources.get("drivers") != "unsaid" or not gpus:
        return machine
    found = [catalog.family(gpu.capability) for gpu in gpus if gpu.capability]
    known = [family for family in found if family is not None]
    return with_driver(machine, usual_branch(known, catalog, windows=machine.os == Os.WINDOWS or machine.wsl))


def rows_of(question: Question) -> Sequence[Row]:
    """The builds of a platform that the request's installer takes, newest first."""
    platform = question.target.platform or ""
    if question.request.installer == InstallerName.CONDA:
        return [row for row in question.catalog.conda if row.platform == platform]
    return question.catalog.by_platform.get(platform, ())


def with_conda(request: Request) -> Request:
    """The request answered by conda-forge."""
    return msgspec.structs.replace(request, installer=InstallerName.CONDA)


def without_conda(request: Request) -> Request:
    """The request answered by wheels, whichever installer fetches them."""
    return msgspec.structs.replace(request, installer=None)


def advised_branch(question: Question) -> int:
    """The driver branch to advise: the newest long-term one, a later one for cards it does not know, none too late."""
    return usual_branch(families(question), question.catalog, windows=question.target.windows_driver)


def usual_branch(known: list[Family], catalog: Catalog, *, windows: bool) -> int:
    """See `advised_branch`; for GPUs of these architectures."""
    starts = [f.first_windows if windows else f.first_linux for f in known]
    ends = [f.last_branch for f in known if f.last_branch]
    newest = max([catalog.long_term_branch(), *(version_key(first)[0] for first in starts if first)])
    return min([newest, *ends])


def families(question: Question) -> list[Family]:
    """The architectures of the NVIDIA GPUs."""
    gpus: list[Gpu] = [gpu for gpu in question.target.machine.gpus if gpu.vendor == Vendor.NVIDIA]
    found = [question.catalog.family(gpu.capability) for gpu in gpus if gpu.capability]
    return [family for family in found if family is not None]


def newer_driver_gives(question: Question) -> tuple[int, Row] | None:
    """(branch, build) that an update to the advised branch would unlock."""
    branch = advised_branch(question)
    driver = question.target.nvidia
    if driver is not None and driver.version and version_key(driver.version)[0] >= branch:
        return None
    row = driver_gives(question, branch)
    return (branch, row) if row is not None else None


def driver_gives(question: Question, branch: int) -> Row | None:
    """The build that a driver of a branch would give; ``None``: none that uses a GPU."""
    return best_row(with_driver(question.target.machine, branch), question.request, question.catalog)
