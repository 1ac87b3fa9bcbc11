"""Which GPUs count: usable by some published build, or discrete and so not to be left unused in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.compat.laws import code_on_gpu
from torchup.model import Gpu, Os, Value, Vendor

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Row
    from torchup.compat.target import Target


class Graphics(Value, frozen=True, kw_only=True):
    """The GPUs of a target, sorted by what they mean for a plan (indexes into ``machine.gpus``)."""

    usable: tuple[int, ...]  # some published build has code for it
    lost: tuple[int, ...]  # a discrete GPU, or any of NVIDIA's, that no published build can use
    ignored: tuple[int, ...]  # graphics inside a processor that torch never uses, GPUs of Intel Macs

    @property
    def wanted(self) -> tuple[int, ...]:
        """Those that must not be left unused in silence."""
        return self.usable or self.lost


def sort_gpus(target: Target, rows: tuple[Row, ...], catalog: Catalog) -> Graphics:
    """Sort a target's GPUs by whether any of ``rows`` has code for them."""
    usable: list[int] = []
    lost: list[int] = []
    ignored: list[int] = []
    for index in target.gpus:
        gpu = target.machine.gpus[index]
        if target.machine.os == Os.MACOS:
            (usable if gpu.vendor == Vendor.APPLE and target.platform == "macos_arm64" else ignored).append(index)
        elif any(code_on_gpu(row, index, target, catalog) for row in rows):
            usable.append(index)
        elif is_integrated(gpu, catalog) and gpu.vendor != Vendor.NVIDIA:
            ignored.append(index)
        else:
            lost.append(index)  # NVIDIA's are there to compute, on the board of a Jetson too
    return Graphics(usable=tuple(usable), lost=tuple(lost), ignored=tuple(ignored))


def is_integrated(gpu: Gpu, catalog: Catalog) -> bool:
    """Whether a GPU is part of a processor, by the detected fact or its name."""
    if gpu.integrated is not None:
        return gpu.integrated
    name = (gpu.name or "").lower()
    if gpu.vendor == Vendor.INTEL:
        return any(word.lower() in name for word in catalog.xpu.unsupported)
    if gpu.vendor == Vendor.AMD:
        return gpu.gfx in catalog.amd_integrated or "radeon graphics" in name
    return gpu.vendor == Vendor.APPLE


def weight(gpu: Gpu, catalog: Catalog) -> int:
    """How much a GPU counts when not all can be used: its memory in bytes; a processor's own counts 1."""
    return 1 if is_integrated(gpu, catalog) else (gpu.memory_bytes or 2)
