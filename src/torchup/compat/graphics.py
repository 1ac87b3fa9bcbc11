"""Which chip a GPU is, by what the driver says or by its name as people write it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from torchup.compat.laws import xpu_by_name
from torchup.model import ComputeCapability, Vendor

if TYPE_CHECKING:
    from torchup.catalog.gpus import GpuRow
    from torchup.catalog.types import Catalog
    from torchup.model import Gpu


class Graphics:
    """Questions about GPUs; the table of names is read only when a name has to be looked up."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def capability(self, gpu: Gpu) -> ComputeCapability | None:
        """NVIDIA's compute capability."""
        if gpu.vendor is not Vendor.NVIDIA:
            return None
        row = gpu_row(gpu.name, Vendor.NVIDIA) if gpu.capability is None and gpu.name else None
        return gpu.capability or (ComputeCapability.parse(row.compute_capability or "") if row else None)

    def gfx(self, gpu: Gpu) -> str | None:
        """AMD's target."""
        if gpu.gfx or not gpu.name:
            return gpu.gfx
        row = gpu_row(gpu.name, Vendor.AMD)
        return row.gfx if row else None

    def xpu(self, gpu: Gpu) -> bool | None:
        """Whether torch's XPU build runs on an Intel GPU."""
        if gpu.xpu is not None or not gpu.name:
            return gpu.xpu
        row = gpu_row(gpu.name, Vendor.INTEL)
        return row.xpu if row and row.xpu is not None else xpu_by_name(gpu.name, self.catalog)

    def hsa_override(self, gfx: str) -> str | None:
        """The value of HSA_OVERRIDE_GFX_VERSION that makes a target run a sibling's code; ``None``: no sibling."""
        return self.catalog.amd_siblings.get(gfx)


@cache
def gpu_row(name: str, vendor: Vendor) -> GpuRow | None:
    """The table's row for what people and tools write: ``GRID A100-40C``, ``1 x RTX 2080Ti, 11 GB``."""
    from torchup.catalog.gpus import load_gpu_table, spellings  # noqa: PLC0415  # read only when a GPU must be looked up

    table = load_gpu_table()
    return next((row for words in spellings(name) if (row := table.by_name(words, vendor)) is not None), None)
