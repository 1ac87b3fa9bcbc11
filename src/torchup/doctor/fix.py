"""Which findings torchup may repair: those whose remedy lies inside the environment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import minor
from torchup.compat.questions import load_compat
from torchup.doctor.cause import RemedyKind, load_cause, order
from torchup.model import Request, Severity

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding

_SAME = (RemedyKind.SAME_BUILD,)  # the build is right, what lies around it is not
_INSIDE = (RemedyKind.REBUILD, RemedyKind.OTHER_PYTHON, *_SAME)  # the remedy lies inside the environment


def repairable(diagnosis: Diagnosis) -> Finding | None:
    """The finding that a rebuilt environment cures, the main cause first; ``None``: the cause lies outside of it."""
    for finding in diagnosis.findings:
        if finding.rule == diagnosis.primary and _kind(finding.rule) in _INSIDE:
            return finding
    if diagnosis.primary is not None:
        return None
    return next((f for f in diagnosis.findings if f.severity is Severity.ERROR and _kind(f.rule) in _SAME), None)


def _kind(slug: str) -> RemedyKind:
    """Where the remedy of a cause comes from; that of another package's rule is its own."""
    return load_cause(slug).remedy if slug in order() else RemedyKind.RULE


def request_for(slug: str, facts: Facts) -> Request:
    """What to plan: the same Python, and the same torch where torch is not at fault."""
    python = (
        minor(facts.python.version) if facts.python.version and _kind(slug) is not RemedyKind.OTHER_PYTHON else None
    )
    if _kind(slug) not in _SAME:
        return Request(python=python)
    return Request(python=python, torch=facts.torch.version, variant=facts.torch.variant, packages=_extra(slug, facts))


def _extra(slug: str, facts: Facts) -> tuple[str, ...]:
    """A limit of NumPy that goes with a torch which was built against an older one."""
    torch = facts.torch.version
    needs = load_compat().needs(torch) if torch and slug == "numpy-abi" else ()
    return tuple(need for need in needs if need.startswith("numpy<"))
