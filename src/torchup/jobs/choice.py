"""What to install on this machine and from where; and where else, when the chosen source fails after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from torchup.catalog.stored import stored_catalog
from torchup.compat.packages.fits import CERTAIN
from torchup.detect import detect_machine
from torchup.errors import TorchupError
from torchup.jobs.wheel import TRIES, is_there
from torchup.model import Machine, Message, Plan, Request, Survey, Value, message
from torchup.plan import resolve
from torchup.plan.index_options import chosen_source
from torchup.sources.surveyor import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.catalog.types import Catalog
    from torchup.host import Host


class Choice(Value, frozen=True, kw_only=True):
    """A plan and all that it was made of."""

    machine: Machine
    request: Request
    plan: Plan
    catalog: Catalog | None = None  # both: not asked, for a plan that was made elsewhere
    survey: Survey = Survey()


def choose(host: Host, request: Request, say: Callable[[Message], None]) -> Choice:
    """Detect this machine, ask its sources, plan; ``say`` hears what is to be known of the user's configuration.

    Raises:
        NoBuildError, NetworkError: nothing fits, or no source answers.
        UsageError: the mirror asked for does not exist.
    """
    machine = detect_machine(host)
    catalog = stored_catalog(host, say)
    found = survey(host, machine, request, catalog)
    try:
        plan = resolve(machine, request, catalog, found)  # whose advice begins with what was found
    except TorchupError:
        for notice in found.notices:
            say(notice.text)
        raise
    found, plan = _looked(host, found, plan, lambda survey_: resolve(machine, request, catalog, survey_))
    return Choice(machine=machine, request=request, catalog=catalog, survey=found, plan=plan)


def _looked(host: Host, found: Survey, plan: Plan, again: Callable[[Survey], Plan]) -> tuple[Survey, Plan]:
    """A plan whose wheels exist: ask for an address that no index listed, and plan around one that is missing."""
    for _ in range(TRIES):
        unseen = [wheel.url for wheel in plan.wheels if wheel.url and wheel.evidence not in CERTAIN]
        answers = {
            url: there for url in unseen if url not in found.checked and (there := is_there(host, url)) is not None
        }
        if not answers:
            return found, plan
        found = structs.replace(found, checked={**found.checked, **answers})
        if all(answers.values()):
            return found, plan
        plan = again(found)
    return found, plan


def next_source(choice: Choice) -> Choice | None:
    """The same build from the next source that has it, or ``None``.

    Another build is never taken instead: that would need the user's consent, and a failure on the way may have
    nothing to do with the source of torch.
    """
    failed = chosen_source(choice.survey.sources, choice.plan.build.variant, choice.plan.build.source)
    if failed is None or choice.catalog is None:
        return None
    why = message("choice.failed", "the source answered, but installing from it failed")
    rest = structs.replace(
        choice.survey,
        sources=tuple(
            structs.replace(source, reachable=False, detail=why) if source is failed else source
            for source in choice.survey.sources
        ),
        offers=tuple(offer for offer in choice.survey.offers if offer.source != failed.name),
    )
    try:
        plan = resolve(choice.machine, choice.request, choice.catalog, rest)
    except TorchupError:
        return None
    return structs.replace(choice, survey=rest, plan=plan) if plan.build.label == choice.plan.build.label else None
