"""What a project's file is to say: for each platform the planned build, its index and what is tied to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from torchup.catalog.types import kind_of
from torchup.compat.target import platform_of, variant_name
from torchup.errors import UsageError
from torchup.model import Machine, Plan, Value, message
from torchup.plan.exports.common import torch_source
from torchup.project.platforms import PLATFORMS, system_of
from torchup.project.tables import index_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.catalog.types import Catalog, Row

FAMILY = ("torch", "torchvision", "torchaudio")


class Slot(Value, frozen=True, kw_only=True):
    """One build of the file. ``extra``: what users choose it by, where a platform has several builds."""

    kind: str  # cpu, cuda, rocm, xpu
    variant: str
    torch: str
    platforms: frozenset[str]
    index: str | None  # its own index; None: PyPI has it
    pins: dict[str, str]  # package -> what the plan pins: "==2.14.1+cu126", ">=0.29.2"
    extras: dict[str, tuple[str, ...]] = {}  # package -> extras that the build has to be asked with
    tied: tuple[str, ...]  # packages that come from the index
    needs: tuple[str, ...] = ()  # packages that only the index has
    python: str
    extra: str | None = None
    machine: Machine
    plan: Plan
    fits_open: bool = True  # nothing newer in the same place would be taken for an open requirement

    @property
    def label(self) -> str:
        """``2.14.1+cu126``."""
        return f"{self.torch}+{variant_name(self.variant, self.machine)}"


def slots_of(planned: Sequence[tuple[Machine, Plan]], catalog: Catalog) -> tuple[Slot, ...]:
    """The builds of a file for these machines; machines of one platform and one build share a slot.

    Raises:
        UsageError: a machine of a platform that no file can name.
    """
    found: dict[tuple[str, str, str], list[tuple[Machine, Plan]]] = {}
    for machine, plan in planned:
        platform = platform_of(machine)
        if platform not in PLATFORMS:
            raise UsageError(
                message("project.platform", "a project file cannot specify the platform {os} {arch}", os=machine.os,
                        arch=machine.arch),
                hint=message("project.platform.hint",
                    "run `torchup plan --export requirements` on that machine to print the requirements for a "
                    "separate file"),
            )  # fmt: skip
        found.setdefault((platform, plan.build.variant, plan.build.torch), []).append((machine, plan))
    slots = [_slot(platform, *members[0], catalog) for (platform, _, _), members in found.items()]
    return _with_extras(_spread(slots))


def _slot(platform: str, machine: Machine, plan: Plan, catalog: Catalog) -> Slot:
    source = torch_source(plan)
    own = source is not None and source.variant is not None
    found = [r for r in map(Requirement, plan.packages) if r.name in FAMILY]
    pins = {r.name: str(r.specifier) for r in found}
    row = next(
        (r for r in catalog.by_platform.get(platform, ()) if (r.torch, r.variant) == (plan.build.torch,
                                                                                      plan.build.variant)), None,
    )  # fmt: skip
    gfx = row.arch.gfx if row is not None and row.arch is not None else ()
    needs = index_packages(plan.build.torch, plan.build.variant, gfx, catalog.rocm_sdk.since) if own else ()
    return Slot(
        kind=kind_of(plan.build.variant),
        variant=plan.build.variant,
        torch=plan.build.torch,
        platforms=frozenset({platform}),
        index=source.url if own and source is not None else None,
        pins=pins,
        extras={r.name: tuple(sorted(r.extras)) for r in found if r.extras},
        tied=tuple(name for name, pin in pins.items() if pin.startswith("==")) if own else (),
        needs=needs,
        python=plan.python,
        machine=machine,
        plan=plan,
        fits_open=_is_newest(platform, plan, catalog, own=own),
    )


def _is_newest(platform: str, plan: Plan, catalog: Catalog, *, own: bool) -> bool:
    """Whether an open requirement takes the planned torch: nothing newer lies where it is looked for."""
    rows: Iterable[Row] = catalog.by_platform.get(platform, ())
    place = "pytorch-index" if own else "pypi"
    there = [
        row.torch
        for row in rows
        if any(where.name == place for where in row.publications) and (row.variant == plan.build.variant or not own)
    ]
    return not there or there[0] == plan.build.torch


def _spread(slots: list[Slot]) -> list[Slot]:
    """Give each slot the other processors of its system too, unless another slot is for those."""
    taken = {platform for slot in slots for platform in slot.platforms}
    spread = []
    for slot in slots:
        (own,) = slot.platforms
        rest = {name for name in system_of(own) if name not in taken}
        spread.append(replace(slot, platforms=slot.platforms | rest))
    return spread


def _with_extras(slots: list[Slot]) -> tuple[Slot, ...]:
    """Name the slots of a platform that has several; a slot alone on its platform needs no name."""
    crowded = {p for slot in slots for p in slot.platforms if sum(p in other.platforms for other in slots) > 1}
    variants: dict[str, set[str]] = {}
    for slot in slots:
        variants.setdefault(slot.kind, set()).add(slot.variant)
    named = []
    for slot in slots:
        short = len(variants[slot.kind]) == 1
        name = slot.kind if short else canonicalize_name(slot.variant)
        named.append(replace(slot, extra=name) if slot.platforms & crowded else slot)
    return tuple(named)


def by_build(slots: Iterable[Slot]) -> dict[tuple[str | None, str | None, str], list[Slot]]:
    """Slots that are written as one entry: same extra, same index, same torch."""
    groups: dict[tuple[str | None, str | None, str], list[Slot]] = {}
    for slot in slots:
        groups.setdefault((slot.extra, slot.index, slot.torch), []).append(slot)
    return groups


def platforms_of(slots: Iterable[Slot]) -> frozenset[str]:
    """Every platform that slots are for."""
    return frozenset(platform for slot in slots for platform in slot.platforms)
