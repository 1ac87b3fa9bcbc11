"""Machine + Request + Catalog + Survey -> Plan. Filter, rank, keep every reason; never end on the CPU in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.compat.target import make_target
from torchup.errors import UsageError
from torchup.model import (
    Build,
    InstallerName,
    Machine,
    Message,
    Os,
    Plan,
    Reason,
    Rejection,
    Request,
    Source,
    Survey,
    message,
)
from torchup.patterns import lazy_pattern
from torchup.plan.advice import advise
from torchup.plan.candidates import Candidate, candidates, is_surveyed
from torchup.plan.failure import no_build, platform_problem
from torchup.plan.gpus import sort_gpus
from torchup.plan.judge import Fit, Question, companion_of, judge
from torchup.plan.packages import check_packages, overrides, refuse_unfit, requirements
from torchup.plan.pythons import pythons_of
from torchup.plan.ranking import beaten, rank
from torchup.plan.reasons import why
from torchup.plan.unreached import unreached
from torchup.plan.wanted import allows, torch_limits, version_matches
from torchup.plan.whatif import with_usual_driver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.specifiers import SpecifierSet

    from torchup.catalog.types import Catalog


def make_plan(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> Plan:
    """`torchup.plan.resolve`."""
    request = spelled(request, machine)
    refuse_unfit(machine, request, catalog)
    question, fits, rejected = consider(machine, request, catalog, survey)
    if not fits:
        raise no_build(question, rejected, survey)
    ranked = rank(fits, question)
    best = ranked[0]
    others = [r for r in (beaten(fit, best, question) for fit in ranked[1:]) if r is not None]
    return _plan(best, order((*others, *rejected), best), question, survey)


def consider(
    machine: Machine, request: Request, catalog: Catalog, survey: Survey
) -> tuple[Question, list[Fit], list[Rejection]]:
    """Judge every candidate: what fits, and the reason against each of the rest."""
    problem = platform_problem(machine)
    if problem is not None:
        raise problem
    question = make_question(machine, request, catalog)
    fits: list[Fit] = []
    rejected: list[Rejection] = []
    offered = [c for c in candidates(question.target, request, catalog, survey) if asked_for(c, request)]
    limits = torch_limits(survey.constraints)
    for candidate in offered:
        verdict = constrained(candidate, limits) or judge(candidate, question)
        if isinstance(verdict, Fit):
            fits.append(verdict)
        else:
            rejected.append(verdict)
    if is_surveyed(survey):
        rejected += unreached(question, offered, survey, lambda c: asked_for(c, request))
    return question, fits, rejected


def make_question(machine: Machine, request: Request, catalog: Catalog) -> Question:
    """Work out once what all candidates are judged against."""
    machine = with_usual_driver(machine, catalog)
    target = make_target(machine, catalog)
    rows = catalog.by_platform.get(target.platform or "", ())
    if request.installer == InstallerName.CONDA:
        rows = tuple(row for row in catalog.conda if row.platform == target.platform)
    graphics = sort_gpus(target, rows, catalog)
    return Question(
        target=target,
        request=request,
        catalog=catalog,
        pythons=pythons_of(machine, request, catalog),
        graphics=graphics,
        accept_cpu=request.cpu or request.variant == "cpu" or not graphics.wanted,
    )


# ---------------------------------------------------------------- the request

_PYTHON = lazy_pattern(r"3\.\d{1,2}(\.\d+)?t?")


def spelled(request: Request, machine: Machine) -> Request:
    """The request as the rest of the planner reads it: ``2.14.1+CU126`` parted, ``mps`` as the macOS build.

    Raises:
        UsageError: wishes that exclude each other, an invalid Python or package.
    """
    torch, _, local = (request.torch or "").strip().partition("+")
    variant = (request.variant or local or "").strip().lower()
    if request.variant and local and local.lower() != variant:
        raise UsageError(
            message(
                "plan.variant.two",
                "--torch asks for {one}, but --variant asks for {other}",
                one=local,
                other=request.variant,
            ),
            hint=message("plan.variant.two.hint", "leave out one of the two options"),
        )
    if request.python and not _PYTHON.fullmatch(request.python.strip()):
        raise UsageError(
            message("plan.python.invalid", "`{text}` is not a Python version", text=request.python),
            hint=message(
                "plan.python.invalid.hint", "write a version such as 3.12, or 3.14t for a free-threaded build"
            ),
        )
    _refuse_torch(check_packages((*request.packages, *request.require)))
    if variant == "mps" and machine.os == Os.MACOS:
        variant = ""  # the one macOS build has it
    _refuse_contradictions(request, variant)
    return msgspec.structs.replace(request, torch=torch or None, variant=variant or None)


def _refuse_contradictions(request: Request, variant: str) -> None:
    if request.cpu and variant not in {"", "cpu"}:
        raise UsageError(
            message("plan.cpu.variant", "--cpu and {variant} cannot be used together", variant=variant),
            hint=message("plan.cpu.variant.hint", "leave out --cpu or the variant"),
        )
    if request.installer == InstallerName.CONDA and request.channel != "stable":
        raise UsageError(
            message(
                "plan.channel.conda", "conda-forge has no {channel} builds, only releases", channel=request.channel
            ),
            hint=message("plan.channel.conda.hint", "leave out --channel, or use --installer uv"),
        )


def _refuse_torch(names: Iterable[str]) -> None:
    """Torch as a further package would be a second pin beside the plan's own."""
    if any(name.lower() == "torch" for name in names):
        raise UsageError(
            message("plan.package.torch", "torch is part of every plan, not an additional package"),
            hint=message("plan.package.torch.hint", "choose torch with --torch and --variant"),
        )


def asked_for(candidate: Candidate, request: Request) -> bool:
    """Whether a candidate is what the request allows: version, variant, CPU."""
    row = candidate.row
    if request.variant and row.variant != request.variant:
        return False
    if request.cpu and row.kind != "cpu":
        return False
    return request.torch is None or version_matches(row.torch, request.torch)


def constrained(candidate: Candidate, limits: tuple[SpecifierSet, ...]) -> Rejection | None:
    """Whether the user's own constraints forbid a version."""
    for limit in limits:
        if candidate.floor is None and not allows(limit, candidate.row.torch):
            detail = message("plan.reject.constraint", "the constraint file allows only torch{limit}", limit=limit)
            return Rejection(
                torch=candidate.row.torch, variant=candidate.row.variant, reason=Reason.MISSING_PAIR, detail=detail
            )
    return None


# ---------------------------------------------------------------- the plan


def order(rejected: Iterable[Rejection], best: Fit) -> tuple[Rejection, ...]:
    """Newest first; one entry a build, and none for the chosen one."""
    chosen = (best.candidate.row.torch, best.candidate.row.variant)
    unique = {(r.torch, r.variant): r for r in reversed(tuple(rejected)) if (r.torch, r.variant) != chosen}
    return tuple(sorted(unique.values(), key=lambda r: (version_key(r.torch), r.variant), reverse=True))


def _plan(best: Fit, rejected: tuple[Rejection, ...], question: Question, survey: Survey) -> Plan:
    candidate, row = best.candidate, best.candidate.row
    packages, missing = requirements(best, question)
    replaced = overrides(best, question)
    named = {name: row.companions.get(name) for name in ("torchvision", "torchaudio")}
    build = Build(
        torch=row.torch,
        variant=row.variant,
        index_url=_index_url(candidate.source, survey),
        source=candidate.source.name.removesuffix(f":{row.variant}"),
        companions={
            name: found.version if found and companion_of(candidate, name, best.python) else None
            for name, found in named.items()
        },
        size_bytes=question.catalog.rocm_sdk.size_bytes if replaced else row.size_bytes,
        size_estimated=bool(replaced) or row.size_estimated,
    )
    uncovered = tuple(i for i in question.graphics.wanted if i not in best.covered)
    plan = Plan(
        build=build,
        python=best.python,
        python_path=best.python_path,
        installer=question.request.installer or InstallerName.UV,
        packages=packages,
        constraints=survey.constraints,
        overrides=replaced,
        sources=_sources(candidate, question, survey),
        uses_gpu=best.uses_gpu,
        covered_gpus=best.covered,
        uncovered_gpus=uncovered if best.uses_gpu else (),
        rejected=rejected,
        missing_companions=missing,
    )
    if plan.installer == InstallerName.CONDA:
        from torchup.plan import conda  # noqa: PLC0415  # only for conda

        mirrors = survey.conda_mirrors
        cuda = question.target.cuda
        asked = conda.order(question.target.machine, build, plan.python, packages, mirrors=mirrors, cuda=cuda)
        plan = msgspec.structs.replace(plan, conda=asked)
    return _explain(plan, best, question, survey)


def _index_url(source: Source, survey: Survey) -> str | None:
    """Where the bytes come from: an index, or the mirror that serves a conda channel."""
    if source.kind in {"find-links", "file"}:
        return None
    return survey.conda_mirrors.get(source.url, (source.url,))[0]


def _explain(plan: Plan, best: Fit, question: Question, survey: Survey) -> Plan:
    texts: tuple[Message, ...] = why(plan, best, question)
    return msgspec.structs.replace(plan, why=texts, advice=(*survey.notices, *advise(plan, best, question)))


def _sources(candidate: Candidate, question: Question, survey: Survey) -> tuple[Source, ...]:
    """The chosen source first, then the rest in the order they are tried (PyPI for what the first does not have)."""
    if candidate.source.kind == "conda" and any(source.kind == "conda" for source in survey.sources):
        return survey.sources  # the channel and its mirrors are among them
    rest = [source for source in survey.sources if source != candidate.source]
    found = [candidate.source, *rest]
    has_general = any(source.general for source in found)
    if not has_general and question.request.installer != InstallerName.CONDA:
        found.append(Source(name="pypi", url=question.catalog.channels.pypi, general=True))
    return tuple(found)
