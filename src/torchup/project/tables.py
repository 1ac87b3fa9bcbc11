"""The tables of `targets.toml`: names for kinds of machines, and packages that only torch's index has."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from torchup.catalog.types import kind_of
from torchup.catalog.versions import minor, variant_key, version_key
from torchup.model import Os, Value


class TargetRow(Value, frozen=True, kw_only=True):
    """A kind of machine: system, processor, and the card that is planned for; no card: the CPU build."""

    name: str
    os: Os
    arch: str
    gpu: str | None = None


class IndexPackage(Value, frozen=True, kw_only=True):
    """Packages that builds of a kind require from torch's own index."""

    names: tuple[str, ...]
    kind: str
    source: str
    since: str | None = None
    until: str | None = None
    sdk: bool = False


class Tables(Value, frozen=True, kw_only=True):
    """Everything in the file."""

    target: tuple[TargetRow, ...]
    group: dict[str, tuple[str, ...]]
    index_package: tuple[IndexPackage, ...]


@cache
def load_tables() -> Tables:
    """The rows of ``targets.toml``."""
    text = files("torchup.project").joinpath("targets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Tables)


def index_packages(torch: str, variant: str, gfx: tuple[str, ...], sdk_since: str) -> tuple[str, ...]:
    """What a build requires that only its index has. ``gfx``: AMD's targets that are compiled in."""
    sdk = kind_of(variant) == "rocm" and variant_key(variant) >= version_key(sdk_since)
    names: list[str] = []
    for row in load_tables().index_package:
        if row.kind != kind_of(variant) or (row.sdk and not sdk) or not _covers(row, torch):
            continue
        for name in row.names:
            names += [name.format(gfx=target) for target in gfx] if "{gfx}" in name else [name]
    return tuple(names)


def _covers(row: IndexPackage, torch: str) -> bool:
    key = version_key(minor(torch))
    return (row.since is None or key >= version_key(row.since)) and (row.until is None or key <= version_key(row.until))
