"""Rows of old releases that users still report; a plan never chooses one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog import schema
from torchup.catalog.expand import cuda_arches
from torchup.catalog.load import built_in, read_table
from torchup.catalog.types import Arch, Companion, Publication, Row, kind_of
from torchup.catalog.versions import in_range

if TYPE_CHECKING:
    from collections.abc import Iterator

PLATFORMS = ("linux_x86_64", "linux_aarch64", "windows_x86_64", "macos_arm64", "macos_x86_64")
Arches = dict[tuple[str, str], list[tuple[str, Arch]]]


@cache
def old_rows() -> tuple[Row, ...]:
    """Every (torch, variant, platform) before the first release of the catalogue, newest torch first."""
    table = read_table("old", schema.OldReleases)
    arches = cuda_arches(table.cuda)
    rows = (row for release in reversed(table.release) for row in _rows(release, arches))
    return tuple(msgspec.structs.replace(row, needs=table.needs) for row in rows)


def _rows(release: schema.OldRelease, arches: Arches) -> Iterator[Row]:
    for platform in PLATFORMS:
        for variant in getattr(release, platform).split():
            yield _row(release, platform, variant, arches)


def _row(release: schema.OldRelease, platform: str, variant: str, arches: Arches) -> Row:
    base = built_in()
    found = arches.get((variant, platform), ())
    arch = next((arch for span, arch in found if in_range(release.torch, span)), None)
    named = {"torchvision": release.torchvision, "torchaudio": release.torchaudio}
    places = [Publication(name="pytorch-index", url=base.channels.index(variant), local=True)]
    if release.pypi.get(platform) == variant:
        places.append(Publication(name="pypi", url=base.channels.pypi))
    return Row(
        torch=release.torch,
        variant=variant,
        platform=platform,
        pythons=tuple(release.python[platform].split()),
        arch=arch,
        arch_known=arch is not None or kind_of(variant) == "cpu",
        driver=base.floors.get(variant),
        companions={name: Companion(version=version) for name, version in named.items() if version},
        publications=tuple(places),
        source=release.source,
    )
