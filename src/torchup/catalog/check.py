"""The laws that the catalogue must hold within itself; `torchup catalog check` and the tests ask them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from torchup.catalog.check_packages import packages_hold
from torchup.catalog.check_wheels import ranges_end, ranges_read, snapshot_known, wheels_agree, wheels_measured
from torchup.catalog.gpus import load_gpu_table
from torchup.catalog.types import is_vendor
from torchup.catalog.versions import python_key, variant_key, version_key
from torchup.model import Message, Notice, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torchup.catalog.types import Catalog, Row


def check(catalog: Catalog) -> tuple[Notice, ...]:
    """Every breach of a law; empty for a sound catalogue."""
    return tuple(Notice(code=text.code, level="error", text=text) for law in LAWS for text in law(catalog))


def _rows(catalog: Catalog) -> Iterable[Row]:
    return (*catalog.rows, *catalog.conda)


def _complete(catalog: Catalog) -> Iterator[Message]:
    """No row without Python, publication or source."""
    for row in _rows(catalog):
        for name in ("pythons", "publications", "source"):
            if not getattr(row, name):
                yield message("catalog.law.complete", "{row} has no {field}", row=_name(row), field=name)


def _arch_lists(catalog: Catalog) -> Iterator[Message]:
    """No GPU variant without an arch list; what PTX is made of is also there as native code."""
    for row in _rows(catalog):
        if not row.arch_known or row.kind in {"cpu", "xpu"}:
            continue
        if row.arch is None or not (row.arch.sass or row.arch.gfx):
            yield message("catalog.law.arch", "{row} has no architecture list", row=_name(row))
        elif not set(row.arch.ptx) <= set(row.arch.sass):
            yield message(
                "catalog.law.ptx", "{row} has PTX but no native code for the same architecture", row=_name(row)
            )


def _driver_floors(catalog: Catalog) -> Iterator[Message]:
    """Every CUDA variant has a floor; floors rise with CUDA; the exact one is not below the minor-compatible one."""
    for row in _rows(catalog):
        if row.kind == "cuda" and row.driver is None:
            yield message("catalog.law.driver", "{row} has no driver floor", row=_name(row))
    ordered = sorted(catalog.floors, key=variant_key)
    for old, new in pairwise(ordered):
        for side in ("linux", "windows"):
            low, high = getattr(catalog.floors[old], side), getattr(catalog.floors[new], side)
            if version_key(high) < version_key(low):
                yield message(
                    "catalog.law.floors-rise",
                    "the driver floor of {new} is lower than that of the older {old}",
                    new=new,
                    old=old,
                )
    for variant, floor in catalog.floors.items():
        for side in ("linux", "windows"):
            exact = getattr(floor, f"{side}_exact")
            if exact and version_key(exact) < version_key(getattr(floor, side)):
                yield message(
                    "catalog.law.exact",
                    "{variant}: the exact driver floor is below the minor-version floor",
                    variant=variant,
                )


def _companions(catalog: Catalog) -> Iterator[Message]:
    """Every wheel of PyTorch's index has its torchvision, and torchvision's version rises with torch's."""
    for platform, rows in catalog.by_platform.items():
        own = [row for row in rows if not is_vendor(row) and row.arch_known and row.publications[0].name != "learned"]
        for row in own:
            if platform != "linux_s390x" and "torchvision" not in row.companions:
                yield message("catalog.law.companion", "{row} has no torchvision", row=_name(row))
        for newer, older in pairwise([row for row in own if row.variant == "cpu" and row.companions]):
            pair = (newer.companions["torchvision"].version, older.companions["torchvision"].version)
            if version_key(pair[0]) <= version_key(pair[1]):
                yield message(
                    "catalog.law.companion-order",
                    "{row}: torchvision is not newer than in the previous release",
                    row=_name(newer),
                )


def _cpu_everywhere(catalog: Catalog) -> Iterator[Message]:
    """Every release has a CPU build on every platform that it is published for."""
    for platform, rows in catalog.by_platform.items():
        own = [row for row in rows if row.publications[0].name == "pytorch-index"]
        for torch in dict.fromkeys(row.torch for row in own):
            if (torch, "cpu", platform) not in catalog.by_key:
                yield message(
                    "catalog.law.cpu", "{torch} has no CPU build for {platform}", torch=torch, platform=platform
                )


def _system_floors(catalog: Catalog) -> Iterator[Message]:
    """Floors of glibc, macOS and MPS do not fall with newer releases, nor does the newest Python; MPS needs no less."""
    for rows in catalog.by_platform.values():
        own = [row for row in rows if row.variant == "cpu" and row.publications[0].name == "pytorch-index"]
        for newer, older in pairwise(own):
            for field in ("glibc", "macos", "mps"):
                low, high = getattr(older, field), getattr(newer, field)
                if low and high and version_key(high) < version_key(low):
                    yield message(
                        "catalog.law.floor-falls",
                        "{row}: {field} is lower than in the previous release",
                        row=_name(newer),
                        field=field,
                    )
            if python_key(newer.pythons[-1]) < python_key(older.pythons[-1]):
                yield message(
                    "catalog.law.python-falls",
                    "{row}: the newest Python is older than that of the previous release",
                    row=_name(newer),
                )
        for row in own:
            if row.mps and row.macos and version_key(row.mps) < version_key(row.macos):
                yield message(
                    "catalog.law.mps", "{row}: MPS needs an older macOS than the wheel itself", row=_name(row)
                )


def _unique(catalog: Catalog) -> Iterator[Message]:
    """One row a (torch, variant, platform, publisher)."""
    seen = set()
    for row in _rows(catalog):
        key = (row.label, row.platform, row.publications[0].name, row.jetson)
        if key in seen:
            yield message("catalog.law.unique", "{row} appears twice", row=_name(row))
        seen.add(key)


def _sources(catalog: Catalog) -> Iterator[Message]:
    """A source that is written as a key is explained in the table of sources."""
    keys = [(_name(row), row.source) for row in catalog.rows if row.publications[0].name == "pytorch-index"]
    keys += [(_name(row), row.arch.source) for row in catalog.rows if row.arch and not is_vendor(row)]
    for name, key in keys:
        if key not in catalog.sources:
            yield message("catalog.law.source", "{row}: the source {key} is not described", row=name, key=key)


def _two_tables_agree(catalog: Catalog) -> Iterator[Message]:
    """The table of GPUs and the architectures here name the same capabilities and the same last driver branch."""
    families: dict[str, set[tuple[str, int | None]]] = {}
    for family in catalog.families:
        here = {(str(capability), family.last_branch) for capability in family.capabilities}
        families.setdefault(family.name, set()).update(here)
    for other in load_gpu_table().architectures:
        branch = re.match(r"R(\d+)", other.last_driver)
        last = int(branch[1]) if branch else None
        if families.pop(other.name, None) != {(capability, last) for capability in other.cc}:
            yield message(
                "catalog.law.family", "the catalogue and the GPU table disagree on {family}", family=other.name
            )
    for name in families:
        yield message("catalog.law.family", "the catalogue and the GPU table disagree on {family}", family=name)


def _name(row: Row) -> str:
    return f"{row.label} {row.platform}"


LAWS: tuple[Callable[[Catalog], Iterator[Message]], ...] = (
    _complete,
    _arch_lists,
    _driver_floors,
    _companions,
    _cpu_everywhere,
    _system_floors,
    _unique,
    _sources,
    _two_tables_agree,
    wheels_agree,
    wheels_measured,
    snapshot_known,
    ranges_end,
    ranges_read,
    packages_hold,
)
