"""Which findings torchup may repair: those whose remedy lies inside the environment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import minor
from torchup.compat.questions import load_compat
from torchup.model import Request, Severity

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding

# The build itself is wrong for the machine: let the planner choose anew.
CHOOSE_ANEW = frozenset(
    {
        "cpu-build-installed", "driver-too-old", "arch-not-in-build-too-new", "arch-not-in-build-too-old",
        "rocm-wheel-not-installed", "xpu-wheel-not-installed", "aarch64-wheel-is-cpu", "torch-not-installed",
        "python-version-unsupported", "wrong-arch-python", "x86-python-under-rosetta", "mps-not-built",
        "gfx-not-in-build", "triton-newer-than-driver",
    }
)  # fmt: skip
# The build is right, what lies around it is not: put the same torch in again, cleanly.
SAME_AGAIN = frozenset({"companion-mismatch", "mixed-install", "numpy-abi"})
# The interpreter is at fault, so it is not kept.
OTHER_PYTHON = frozenset({"python-version-unsupported", "wrong-arch-python", "x86-python-under-rosetta"})


def repairable(diagnosis: Diagnosis) -> Finding | None:
    """The finding that a rebuilt environment cures, the main cause first; ``None``: the cause lies outside of it."""
    for finding in diagnosis.findings:
        if finding.rule == diagnosis.primary and finding.rule in CHOOSE_ANEW | SAME_AGAIN:
            return finding
    if diagnosis.primary is not None:
        return None
    return next((f for f in diagnosis.findings if f.severity is Severity.ERROR and f.rule in SAME_AGAIN), None)


def request_for(slug: str, facts: Facts) -> Request:
    """What to plan: the same Python, and the same torch where torch is not at fault."""
    python = minor(facts.python.version) if facts.python.version and slug not in OTHER_PYTHON else None
    if slug not in SAME_AGAIN:
        return Request(python=python)
    return Request(python=python, torch=facts.torch.version, variant=facts.torch.variant, packages=_extra(slug, facts))


def _extra(slug: str, facts: Facts) -> tuple[str, ...]:
    """A limit of NumPy that goes with a torch which was built against an older one."""
    torch = facts.torch.version
    needs = load_compat().needs(torch) if torch and slug == "numpy-abi" else ()
    return tuple(need for need in needs if need.startswith("numpy<"))
