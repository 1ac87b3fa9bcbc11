"""Plans for several machines that are to share one file: one torch where that goes, and as few builds as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.types import kind_of
from torchup.catalog.versions import variant_key, version_key
from torchup.compat.target import platform_of
from torchup.errors import TorchupError
from torchup.model import Survey
from torchup.plan import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Plan, Request


def together(
    machines: Sequence[Machine], requests: Sequence[Request], catalog: Catalog, surveys: Sequence[Survey] = ()
) -> tuple[Plan, ...]:
    """One plan for each machine.

    First every machine by itself. Then the newest of these versions of torch that all of them can have; then, on each
    platform, one build of a kind (CUDA, ROCm) for all the machines that it serves. Nothing that a machine's own GPU
    would lose is given up for that.

    Raises:
        NoBuildError, NetworkError, UsageError: of the first machine that gets no build at all.
    """
    surveys = surveys or [Survey()] * len(machines)
    asked = list(zip(machines, requests, surveys, strict=True))
    plans = [resolve(machine, request, catalog, survey) for machine, request, survey in asked]
    for version in sorted({plan.build.torch for plan in plans}, key=version_key, reverse=True):
        same = [_again(one, plan, catalog, torch=version) for one, plan in zip(asked, plans, strict=True)]
        if all(same):
            plans = [plan for plan in same if plan is not None]
            break
    return tuple(_fewer_builds(asked, plans, catalog))


def _again(
    asked: tuple[Machine, Request, Survey], plan: Plan, catalog: Catalog, *, torch: str, variant: str | None = None
) -> Plan | None:
    """The plan with another version or variant; ``None`` where that serves the machine worse."""
    if plan.build.torch == torch and variant in {None, plan.build.variant}:
        return plan
    machine, request, survey = asked
    try:
        found = resolve(machine, replace(request, torch=torch, variant=variant or request.variant), catalog, survey)
    except TorchupError:
        return None
    as_good = found.uses_gpu == plan.uses_gpu and set(plan.covered_gpus) <= set(found.covered_gpus)
    return found if as_good else None


def _fewer_builds(asked: Sequence[tuple[Machine, Request, Survey]], plans: list[Plan], catalog: Catalog) -> list[Plan]:
    groups: dict[tuple[str | None, str], list[int]] = {}
    for position, plan in enumerate(plans):
        key = (platform_of(asked[position][0]), kind_of(plan.build.variant))
        groups.setdefault(key, []).append(position)
    for members in groups.values():
        variants = sorted({plans[i].build.variant for i in members}, key=variant_key, reverse=True)
        for variant in variants if len(variants) > 1 else ():
            same = [_again(asked[i], plans[i], catalog, torch=plans[i].build.torch, variant=variant) for i in members]
            if all(same):
                for position, chosen in zip(members, same, strict=True):
                    plans[position] = chosen if chosen is not None else plans[position]
                break
    return plans
