"""The answer to ``--why-not``: what stands against a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.compat.target import variant_name
from torchup.errors import NoBuildError, UsageError
from torchup.model import InstallerName, Machine, Message, Rejection, Request, Survey, Value, message
from torchup.patterns import lazy_pattern
from torchup.plan import resolve
from torchup.plan.failure import change_hint, kinds_here
from torchup.plan.planner import consider, spelled
from torchup.plan.ranking import beaten, rank
from torchup.plan.wanted import version_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Catalog
    from torchup.plan.judge import Question

_VARIANT = lazy_pattern(r"(?:(?P<torch>\d[\d.]*)\+)?(?P<variant>cu\d{2,4}|rocm[\d.]+|xpu|cpu|mps)")
_SHOWN = 5


class WhyNot(Value, frozen=True, kw_only=True):
    """The answer to ``--why-not``: one text, and builds: that of the text first, where it speaks of one not taken."""

    asked: str
    answer: Message
    builds: tuple[Rejection, ...] = ()
    remedy: Message | None = None


def why_not(asked: str, machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> WhyNot:
    """Why one variant (``cu132``), version (``2.15``) or build (``2.15.0+cu132``) is not what the plan takes."""
    torch, variant = parse_build(asked, catalog)
    request = spelled(request, machine)
    free = msgspec.structs.replace(request, torch=None, variant=None, cpu=False)
    question, fits, rejected = consider(machine, free, catalog, survey)
    ranked = rank(fits, question)
    chosen = _chosen(machine, request, catalog, survey)
    lost = [r for r in (beaten(fit, ranked[0], question) for fit in ranked[1:]) if r is not None]
    matching = [
        r
        for r in _told_in_order((*lost, *rejected), kinds_here(question))
        if (torch is None or version_matches(r.torch, torch)) and (variant is None or r.variant == variant)
    ]
    if chosen and (torch is None or version_matches(chosen[0], torch)) and variant in {None, chosen[1]}:
        label = f"{chosen[0]}+{variant_name(chosen[1], machine)}"
        answer = message("plan.why-not.chosen", "{build} is the planned build", build=label)
        return WhyNot(asked=asked, answer=answer, builds=tuple(matching[:_SHOWN]))
    if not matching:
        return WhyNot(asked=asked, answer=_not_published(asked, question))
    first = matching[0]
    answer = message(
        "plan.why-not.answer",
        "{torch}+{variant}: {detail}",
        torch=first.torch,
        variant=variant_name(first.variant, machine),
        detail=first.detail,
    )
    return WhyNot(asked=asked, answer=answer, builds=tuple(matching[:_SHOWN]), remedy=change_hint(question, [first]))


def _not_published(asked: str, question: Question) -> Message:
    platform = question.target.platform
    if question.request.installer == InstallerName.CONDA:
        return message(
            "plan.none.conda",
            "conda-forge has no {wanted} for {platform}, according to the catalogue",
            wanted=asked,
            platform=platform,
        )
    return message(
        "plan.why-not.unknown",
        "{asked} was not published for {platform}, according to the catalogue",
        asked=asked,
        platform=platform,
    )


def _told_in_order(rejected: Iterable[Rejection], kinds: tuple[str, ...]) -> list[Rejection]:
    """Newest first; before all, builds that are for this machine's kind of GPU and surely were published."""

    def last(rejection: Rejection) -> tuple[bool, bool]:
        return rejection.detail.code == "plan.reject.unsure", not rejection.variant.startswith(kinds)

    return sorted(sorted(rejected, key=lambda r: version_key(r.torch), reverse=True), key=last)


def parse_build(asked: str, catalog: Catalog) -> tuple[str | None, str | None]:
    """``cu132`` -> (None, "cu132"); ``2.15`` -> ("2.15", None); ``2.15.0+cu132`` -> both.

    Raises:
        UsageError: the text is empty, or its local part is not a variant.
    """
    match = _VARIANT.fullmatch(asked.strip().lower())
    if match:
        return match["torch"], "cpu" if match["variant"] == "mps" else match["variant"]
    if not asked.strip() or "+" in asked:
        raise UsageError(
            message("plan.why-not.invalid", "`{text}` is neither a variant nor a version", text=asked),
            hint=message(
                "plan.why-not.invalid.hint",
                "write a variant, a version or both, such as {variant}, {torch} or {torch}+{variant}",
                torch=catalog.newest_torch,
                variant=catalog.rows[0].variant,
            ),
        )
    return asked.strip(), None


def _chosen(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> tuple[str, str] | None:
    try:
        build = resolve(machine, request, catalog, survey).build
    except NoBuildError:
        return None
    return build.torch, build.variant
