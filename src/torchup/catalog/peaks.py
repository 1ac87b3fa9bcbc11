"""What a device can do at most: dense peaks a GPU, rates a CPU instruction set. Rows and sources: ``data/peaks.toml``.

An unknown device has no peak. It never gets another one's.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from torchup.model import Value

DATA = Path(__file__).parent / "data" / "peaks.toml"
TERA, GIGA = 1e12, 1e9
# What the labels of `Result.precision` may run on. fp32-default: convolutions round to TF32 where there is TF32.
_RATES = {
    "fp32-strict": ("fp32",),
    "fp32-default": ("tf32", "fp32"),
    "tf32": ("tf32", "fp32"),
    "bf16": ("bf16", "fp16"),
    "fp16": ("fp16",),
}


class GpuPeak(Value, frozen=True, kw_only=True):
    """One GPU's dense theoretical peaks; ``tflops`` by number format, ``mem_gbs`` in 1e9 bytes a second."""

    name: str
    match: str
    vendor: str
    tflops: dict[str, float] = {}
    mem_gbs: float
    confidence: str
    source: str
    cores: int | None = None  # GPU cores, where one name means several products (Apple)
    measured_bf16_matmul_tflops: float | None = None
    note: str | None = None

    def flops(self, precision: str) -> float | None:
        """FLOP a second for a precision label; ``None`` where the row does not say."""
        rates = [self.tflops[name] for name in _RATES.get(precision, ()) if name in self.tflops]
        return max(rates) * TERA if rates else None

    @property
    def bandwidth(self) -> float:
        """Device memory, bytes a second."""
        return self.mem_gbs * GIGA


class CpuIsa(Value, frozen=True, kw_only=True):
    """FLOP a cycle and core of one instruction set."""

    id: str
    desc: str
    fp32_flop_per_cycle_per_core: int
    bf16_flop_per_cycle_per_core: int
    source: str


class Peaks(Value, frozen=True, kw_only=True):
    """The whole table."""

    gpu: tuple[GpuPeak, ...]
    cpu_isa: tuple[CpuIsa, ...]

    def find(self, name: str | None, cores: int | None = None) -> GpuPeak | None:
        """The row of a product name as torch or the system says it; ``cores`` tells namesakes apart.

        Several rows of one name without a core count to choose by: ``None``, because either may be wrong.
        """
        rows = [row for row in self.gpu if name and re.search(row.match, name)]
        if len(rows) > 1:
            rows = [row for row in rows if row.cores == cores] if cores else []
        return rows[0] if rows else None


@cache
def load_peaks() -> Peaks:
    """Read and validate the table."""
    return msgspec.convert(tomllib.loads(DATA.read_text("utf-8")), Peaks)
