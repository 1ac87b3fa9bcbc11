"""Builds that would fit but that no source of this machine has, or whose source did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Reason, Rejection, Source, Survey, message
from torchup.plan.candidates import Candidate, candidates
from torchup.plan.judge import Fit, Question, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def unreached(
    question: Question, offered: Iterable[Candidate], survey: Survey, allowed: Callable[[Candidate], bool]
) -> list[Rejection]:
    """Reasons for the catalogue's builds that were not offered here."""
    seen = {(c.row.torch, c.row.variant) for c in offered}
    silent = [source for source in survey.sources if source.reachable is False]
    found = []
    for candidate in candidates(question.target, question.request, question.catalog, Survey()):
        row = candidate.row
        if (row.torch, row.variant) in seen or not allowed(candidate):
            continue
        verdict = judge(candidate, question)
        if isinstance(verdict, Fit):
            verdict = _not_offered(candidate, silent)
        found.append(verdict)
    return found


def _not_offered(candidate: Candidate, silent: list[Source]) -> Rejection:
    row = candidate.row
    names = {place.name for place in row.publications}
    where = [s.name for s in silent if s.variant == row.variant or (s.general and "pypi" in names)]
    if where:
        detail = message("plan.reject.unreachable", "{source} cannot be used", source=", ".join(where))
        return Rejection(torch=row.torch, variant=row.variant, reason=Reason.UNREACHABLE, detail=detail)
    detail = message("plan.reject.not-offered", "no configured source has this build")
    return Rejection(torch=row.torch, variant=row.variant, reason=Reason.MISSING_PAIR, detail=detail)
