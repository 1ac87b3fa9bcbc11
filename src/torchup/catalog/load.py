"""Read the TOML tables, validate them, and expand them to one `Row` a (torch, variant, platform, Python range)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from torchup.catalog import schema
from torchup.catalog.expand import Expander, conda_rows, learned_rows, vendor_rows
from torchup.catalog.types import (
    Catalog,
    Channels,
    DriverFloor,
    Family,
    HubProxy,
    Overlay,
    RocmSdk,
    Row,
    SassRule,
    Support,
    Toolkit,
    XpuTable,
    is_vendor,
)
from torchup.catalog.versions import variant_key, version_key
from torchup.data_files import read_data
from torchup.encoding import UNREADABLE, decode_problem
from torchup.errors import UsageError
from torchup.model import ComputeCapability, message

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
DATA = Path(__file__).parent / "data"  # importlib.resources costs 10 ms more


def load(overlay: Overlay | str | bytes | None) -> Catalog:
    """`torchup.catalog.load_catalog`."""
    base = built_in()
    if overlay is None:
        return base
    if not isinstance(overlay, Overlay):
        overlay = read_overlay(overlay)
    learned = learned_rows(overlay.learned, base)
    kept = (row for row in base.rows if is_vendor(row) or (row.torch, row.variant, row.platform) not in learned)
    return msgspec.structs.replace(base, rows=sort_rows((*kept, *learned.values())))


def read_overlay(text: str | bytes) -> Overlay:
    """Decode an overlay file."""
    try:
        return msgspec.json.decode(text, type=Overlay)
    except UNREADABLE as error:
        raise UsageError(
            message(
                "catalog.overlay.invalid", "the refreshed catalogue is not valid: {error}", error=decode_problem(error)
            ),
            hint=message(
                "catalog.overlay.invalid.hint",
                "delete the catalog.json that `torchup self paths` lists, then run `torchup catalog refresh --write`",
            ),
        ) from error


def sort_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Newest torch first, then newest runtime, CUDA before the other kinds."""
    return tuple(
        sorted(
            rows,
            key=lambda row: (version_key(row.torch), row.kind == "cuda", variant_key(row.variant), row.variant),
            reverse=True,
        )
    )


@cache
def built_in() -> Catalog:
    """The catalogue of the package, read once."""
    releases = read_table("releases", schema.Releases)
    arches = read_table("architectures", schema.Architectures)
    drivers = read_table("drivers", schema.Drivers)
    platforms = read_table("platforms", schema.Platforms)
    channel_file = read_table("channels", schema.ChannelsFile)
    channels = Channels(
        **msgspec.structs.asdict(channel_file.pytorch),
        pypi=channel_file.pypi.url,
        conda_forge=channel_file.conda_forge.url,
        ended_conda=(channel_file.pytorch_conda.last_torch, channel_file.pytorch_conda.ended),
    )
    floors = driver_floors(drivers)
    expander = Expander(releases=releases, arches=arches, platforms=platforms, floors=floors, channels=channels)
    rows = (*expander.rows(), *vendor_rows(channel_file.vendor, floors))
    return Catalog(
        as_of=releases.as_of.isoformat(),
        rows=sort_rows(rows),
        conda=sort_rows(conda_rows(channel_file, floors)),
        families=tuple(_family(row, drivers.toolkit) for row in arches.family),
        sass_rule=SassRule(
            alone=frozenset(capabilities(arches.sass_rule.alone)),
            not_on=_capability_pairs(arches.sass_rule.not_on),
            renamed=_capability_pairs(arches.sass_rule.renamed),
            source=arches.sass_rule.source,
        ),
        toolkits=tuple(_toolkit(row) for row in drivers.toolkit),
        floors=floors,
        branches={name: Support(**msgspec.structs.asdict(b)) for name, b in drivers.branch.items()},
        forward_compat=drivers.forward_compat.names,
        xpu=XpuTable(**msgspec.structs.asdict(platforms.xpu)),
        rocm_sdk=RocmSdk(
            since=platforms.amd.sdk_since,
            requirement=platforms.amd.one_device,
            extra=platforms.amd.device_extra,
            size_bytes=platforms.amd.one_device_megabytes * 10**6,
        ),
        amd_integrated=frozenset(platforms.amd.integrated.split()),
        amd_siblings=platforms.amd.siblings,
        fetchable_pythons=tuple(platforms.python.fetchable.split()),
        newest_default_python=platforms.python.newest_by_default,
        unfit_pythons=frozenset(platforms.python.unfit.split()),
        placeholder=platforms.placeholder.torch,
        profiles={name: tuple(packages.split()) for name, packages in platforms.profiles.items()},
        bundles={name: tuple(packages.split()) for name, packages in platforms.bundles.items()},
        not_on=platforms.not_on,
        with_language=platforms.with_language,
        not_in_conda=frozenset(platforms.not_in_conda),
        hub=_hub(platforms.hub),
        channels=channels,
        sources={**releases.sources, **arches.sources},
    )


def _hub(row: schema.HubRow) -> HubProxy:
    releases = sorted(((int(node), wanted) for node, wanted in row.releases.items()), reverse=True)
    return HubProxy(name=row.proxy, releases=tuple(releases), node=row.node, registry=row.registry)


def read_table(name: str, kind: type[T]) -> T:
    """One TOML table of the package, validated."""
    return read_data(DATA / f"{name}.toml", kind)


def capabilities(text: str) -> tuple[ComputeCapability, ...]:
    """``5.0 8.6`` -> two values; anything unreadable is a defect of the tables."""
    found = []
    for part in text.split():
        capability = ComputeCapability.parse(part)
        if capability is None:
            raise ValueError(part)
        found.append(capability)
    return tuple(found)


def _capability_pairs(table: dict[str, str]) -> dict[ComputeCapability, ComputeCapability]:
    return {capabilities(one)[0]: capabilities(other)[0] for one, other in table.items()}


def driver_floors(drivers: schema.Drivers) -> dict[str, DriverFloor]:
    """The floor of every CUDA variant: minor-version compatibility where its major has it, else the shipped driver."""
    minor = {row.cuda: row for row in drivers.minor_compat}
    shipped = {row.version: row for row in drivers.toolkit}
    floors = {}
    for variant, toolkit in drivers.runtime.items():
        exact, compat = shipped[toolkit], minor.get(variant_key(variant)[0])
        floors[variant] = DriverFloor(
            cuda=".".join(map(str, variant_key(variant))),
            linux=_lower(compat.linux if compat else None, exact.linux) or str(exact.branch),
            windows=_lower(compat.windows if compat else None, exact.windows) or str(exact.branch),
            linux_exact=exact.linux,
            windows_exact=exact.windows,
            whole_major=compat is not None,
        )
    return floors


def _lower(one: str | None, other: str | None) -> str | None:
    """The older of two drivers: the first toolkit of a major also runs with its own, which is older than the floor."""
    return min(filter(None, (one, other)), key=version_key, default=None)


def _toolkit(row: schema.ToolkitRow) -> Toolkit:
    branch = row.branch or version_key(row.linux or row.windows or "0")[0]
    return Toolkit(version=row.version, branch=branch, linux=row.linux, windows=row.windows)


def _family(row: schema.FamilyRow, toolkits: tuple[schema.ToolkitRow, ...]) -> Family:
    first = next((_toolkit(t) for t in toolkits if t.version == row.first_toolkit), None)
    branch = str(first.branch) if first else None  # where no driver shipped with the toolkit
    return Family(
        name=row.name,
        capabilities=capabilities(row.capabilities),
        first_toolkit=row.first_toolkit,
        compiled_since={capabilities(code)[0]: toolkit for code, toolkit in row.compiled_since.items()},
        first_linux=(first and first.linux) or branch,
        first_windows=(first and first.windows) or branch,
        last_branch=row.last_branch,
        last_cuda=row.last_cuda,
        source=row.source,
    )
