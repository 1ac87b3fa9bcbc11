"""The builds of torch that a machine can run: the choice that packages have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.spans import spans
from torchup.catalog.types import UNSURE, is_vendor
from torchup.catalog.versions import variant_key, version_key
from torchup.compat.laws import VENDOR_OF_KIND, code_on_gpu, driver_against, glibc_against, macos_against
from torchup.compat.packages.values import TorchBuild

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Row
    from torchup.compat.packages.values import Wish
    from torchup.compat.target import Target

MAJOR = 4  # characters of a variant that names a CUDA major only: "cu13"


def variant_allowed(wanted: str | None, variant: str) -> bool:
    """``cu130`` allows itself, ``cu13`` every variant of CUDA 13, nothing allows all."""
    if not wanted or wanted == variant:
        return True
    return len(wanted) == MAJOR and wanted.startswith("cu") and variant[:MAJOR] == wanted


def wished(build: TorchBuild, wish: Wish) -> bool:
    """Whether a build is one of the requested ones; raises `ValueError` for an invalid range."""
    return spans(wish.torch or "any", build.torch) and variant_allowed(wish.variant, build.variant)


def builds_for(target: Target, wish: Wish, catalog: Catalog, *, driver: bool = True) -> tuple[TorchBuild, ...]:
    """Every build that this machine runs on its GPU, or on its processor where it has none; newest first.

    A machine without a GPU is planned for by the variant that is wished for, if one is.

    Args:
        target: the machine.
        wish: its variant says what to do without a GPU.
        catalog: published builds.
        driver: whether the driver has to serve the build.
    """
    rows = [row for row in catalog.by_platform.get(target.platform or "", ()) if _runs(row, target, wish, catalog)]
    if driver:
        rows = [row for row in rows if _driven(row, target)]
    return tuple(_build(row) for row in sorted(rows, key=_newest, reverse=True))


def _newest(row: Row) -> tuple[object, ...]:
    return version_key(row.torch), row.kind != "cpu", variant_key(row.variant)


def _runs(row: Row, target: Target, wish: Wish, catalog: Catalog) -> bool:
    machine = target.machine
    if is_vendor(row) or row.certainty == UNSURE or row.jetson:
        return False
    if glibc_against(row.glibc, machine.glibc) or macos_against(row.macos, machine.os_version):
        return False
    if row.kind == "cpu":
        return not _compute_gpus(target) or wish.variant == "cpu"
    if not _compute_gpus(target):
        return bool(wish.variant) or wish.any_gpu
    return any(code_on_gpu(row, index, target, catalog) for index in target.gpus)


def _compute_gpus(target: Target) -> list[int]:
    vendors = set(VENDOR_OF_KIND.values())
    return [index for index in target.gpus if target.machine.gpus[index].vendor in vendors]


def _driven(row: Row, target: Target) -> bool:
    """Whether the driver serves it; where no GPU is known there is no driver to ask."""
    return row.kind != "cuda" or not _compute_gpus(target) or driver_against(row, target) is None


def _build(row: Row) -> TorchBuild:
    return TorchBuild(
        torch=row.torch,
        variant=row.variant,
        pythons=row.pythons,
        companions={name: found.version for name, found in row.companions.items()},
        on_pypi=any(place.name == "pypi" for place in row.publications),
    )
