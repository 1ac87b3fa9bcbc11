"""What is shown of many machines: each with its plan, its findings, its environments, and where they drift. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from torchup.compat.target import variant_name
from torchup.i18n import text
from torchup.model import Diagnosis, Environment, Machine, Plan, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Member(Value, frozen=True, kw_only=True):
    """One machine of a fleet. ``failure``: why its file, or a plan for it, is missing."""

    name: str
    machine: Machine | None = None
    plan: Plan | None = None
    failure: str | None = None
    hint: str | None = None
    diagnosis: Diagnosis | None = None
    environments: tuple[Environment, ...] = ()

    @property
    def label(self) -> str | None:
        """``2.14.1+cu126``, the planned build."""
        if self.plan is None or self.machine is None:
            return None
        return f"{self.plan.build.torch}+{variant_name(self.plan.build.variant, self.machine)}"

    @property
    def gpus(self) -> str:
        """``2x NVIDIA A100``; empty without a GPU."""
        names = [gpu.name or gpu.vendor.value for gpu in self.machine.gpus] if self.machine else []
        counted = [(name, len(list(alike))) for name, alike in groupby(names)]
        return ", ".join(f"{count}x {name}" if count > 1 else name for name, count in counted)

    @property
    def drivers(self) -> str:
        """``nvidia 550.54.14``."""
        found = self.machine.drivers if self.machine else ()
        return ", ".join(f"{driver.vendor} {driver.version}" for driver in found if driver.version)


class Drift(Value, frozen=True, kw_only=True):
    """One way in which a machine is not as planned, or not as its like."""

    machine: str
    kind: str  # environment | driver | build
    text: str


def drifts(members: Sequence[Member]) -> tuple[Drift, ...]:
    """Environments that hold another torch than the plan, and machines that differ from others with the same GPUs."""
    return (*_environments(members), *_among_alike(members, "driver", lambda one: one.drivers),
            *_among_alike(members, "build", lambda one: one.label or ""))  # fmt: skip


def _environments(members: Sequence[Member]) -> Iterator[Drift]:
    for one in members:
        for environment in one.environments:
            if one.plan is None or environment.torch is None:
                continue
            there = environment.torch.partition("+")[0], environment.variant or environment.torch.partition("+")[2]
            if there != (one.plan.build.torch, one.plan.build.variant):
                yield Drift(machine=one.name, kind="environment", text=text(
                    "fleet.drift.environment", "the environment `{name}` has torch {there}, but {planned} is planned",
                    name=environment.name, there="+".join(filter(None, there)), planned=one.label,
                ))  # fmt: skip


def _among_alike(members: Sequence[Member], kind: str, value: Callable[[Member], str]) -> Iterator[Drift]:
    """Machines with the same GPUs whose value is another than that of most of them; all of them if there is no most."""
    groups: dict[tuple[str, str], list[Member]] = {}
    for one in members:
        if one.machine is not None and one.gpus and value(one):
            groups.setdefault((one.machine.os.value, one.gpus), []).append(one)
    for (_, gpus), alike in groups.items():
        counted = Counter(map(value, alike))
        usual, count = counted.most_common(1)[0]
        if count == len(alike):
            continue
        if list(counted.values()).count(count) > 1:  # no value is the usual one
            words = _different(kind, tuple(counted), gpus, len(alike))
            yield from (Drift(machine=one.name, kind=kind, text=words) for one in alike)
            continue
        for one in alike:
            if value(one) != usual:
                yield Drift(machine=one.name, kind=kind, text=_unlike(kind, value(one), usual, gpus, count))


def _different(kind: str, values: Sequence[str], gpus: str, count: int) -> str:
    listed = ", ".join(sorted(values))
    if kind == "driver":
        return text(
            "fleet.drift.drivers",
            "the drivers of the {count} machines with the same system and {gpus} differ: {values}",
            count=count, gpus=gpus, values=listed,
        )  # fmt: skip
    return text(
        "fleet.drift.builds",
        "the planned builds for the {count} machines with the same system and {gpus} differ: {values}",
        count=count, gpus=gpus, values=listed,
    )  # fmt: skip


def _unlike(kind: str, own: str, usual: str, gpus: str, count: int) -> str:
    if kind == "driver":
        return text(
            "fleet.drift.driver",
            "the driver is {own}, but {usual} on {count} machines with the same system and {gpus}",
            own=own, usual=usual, gpus=gpus, count=count,
        )  # fmt: skip
    return text(
        "fleet.drift.build",
        "the planned build is {own}, but {usual} for {count} machines with the same system and {gpus}",
        own=own, usual=usual, gpus=gpus, count=count,
    )  # fmt: skip
