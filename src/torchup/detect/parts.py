"""What a probe hands back: values with their sources, GPUs, drivers, problems; and how parts become a Machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from torchup.model import Driver, Fact, Gpu, Machine, Problem, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T", Gpu, Driver)


class Sourced(Value, Generic[T], frozen=True, kw_only=True):
    """A GPU or driver and the source of each of its fields."""

    value: T
    sources: dict[str, str] = {}


class Part(Value, frozen=True, kw_only=True):
    """What one probe found. ``facts`` are fields of `Machine`."""

    facts: dict[str, Fact[Any]] = {}
    gpus: tuple[Sourced[Gpu], ...] = ()
    drivers: tuple[Sourced[Driver], ...] = ()
    problems: tuple[Problem, ...] = ()


def sourced(value: T, source: str) -> Sourced[T]:
    """A value all of whose known fields come from one source."""
    return Sourced(value=value, sources=dict.fromkeys(_known(value), source))


def fill(value: Sourced[T], other: Sourced[T] | None) -> Sourced[T]:
    """The first value with its unknown fields taken from a lower rung of the ladder."""
    if other is None:
        return value
    missing = [name for name in _known(other.value) if getattr(value.value, name) is None]
    return Sourced(
        value=msgspec.structs.replace(value.value, **{name: getattr(other.value, name) for name in missing}),
        sources=value.sources | {name: other.sources.get(name, "") for name in missing},
    )


def facts(source: str, **values: object) -> dict[str, Fact[Any]]:
    """Facts of one source, the unknown (``None`` or an empty text) left out."""
    return {
        name: Fact(value=value, source=source) for name, value in values.items() if value is not None and value != ""
    }


def string(value: object) -> str | None:
    """A non-empty text out of parsed JSON, stripped; anything else is unknown."""
    return value.strip() or None if isinstance(value, str) else None


def _known(value: Gpu | Driver) -> list[str]:
    return [name for name in value.__struct_fields__ if name != "vendor" and getattr(value, name) is not None]


def assemble(base: Machine, parts: Iterable[Part]) -> Machine:
    """One machine from the parts, in their order; the first part that knows a fact wins."""
    parts = tuple(parts)
    values: dict[str, Any] = {}
    sources = dict(base.sources)
    for part in parts:
        for name, fact in part.facts.items():
            if name not in values:
                values[name] = fact.value
                sources[name] = fact.source
    gpus = [gpu for part in parts for gpu in part.gpus]
    drivers = [driver for part in parts for driver in part.drivers]
    for kind, all_sources in (("gpus", [gpu.sources for gpu in gpus]), ("drivers", [d.sources for d in drivers])):
        for index, of_one in enumerate(all_sources):
            sources |= {f"{kind}.{index}.{name}": source for name, source in of_one.items()}
    return msgspec.structs.replace(
        base,
        **values,
        gpus=tuple(gpu.value for gpu in gpus),
        drivers=tuple(driver.value for driver in drivers),
        problems=tuple(problem for part in parts for problem in part.problems),
        sources=dict(sorted(sources.items())),
    )
