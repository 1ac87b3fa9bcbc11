"""Which findings torchup may repair, and the build that does it: the one that the finding's remedy names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.types import kind_of
from torchup.doctor.cause import RemedyKind, load_cause, order
from torchup.doctor.remedy import WISHES, choose
from torchup.model import Request, Severity

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding, Plan

_SAME = (RemedyKind.KEEP_TORCH, RemedyKind.COMPANIONS)  # the build is right, what lies around it is not


def repairable(diagnosis: Diagnosis) -> Finding | None:
    """The finding that a rebuilt environment cures, the main cause first; ``None``: the cause lies outside of it."""
    for finding in diagnosis.findings:
        if finding.rule == diagnosis.primary and kind_of_remedy(finding.rule) in WISHES:
            return finding
    if diagnosis.primary is not None:
        return None
    return next(
        (f for f in diagnosis.findings if f.severity is Severity.ERROR and kind_of_remedy(f.rule) in _SAME), None
    )


def kind_of_remedy(slug: str) -> RemedyKind:
    """Where the remedy of a cause comes from; that of another package's rule is its own."""
    return load_cause(slug).remedy if slug in order() else RemedyKind.RULE


def planned(slug: str, facts: Facts, catalog: Catalog) -> Plan:
    """What the remedy of a repairable finding installs, as wheels: torchup rebuilds no environment of conda's.

    Raises:
        TorchupError: what the planner says where nothing fits.
    """
    if facts.replaced is not None:
        facts = replace(facts, requested=(f"torch=={facts.replaced.before}",))
    return choose(facts, catalog, replace(WISHES[kind_of_remedy(slug)], conda=False)).plan


def keeps_torch(slug: str) -> bool:
    """Whether a cause leaves torch itself as it is."""
    return kind_of_remedy(slug) in _SAME


def request_for(plan: Plan) -> Request:
    """A remedy's build as a request, to be asked again of the sources that answer here."""
    build = plan.build
    return Request(
        torch=build.torch,
        variant=build.variant,
        python=plan.python,
        cpu=kind_of(build.variant) == "cpu",
    )
