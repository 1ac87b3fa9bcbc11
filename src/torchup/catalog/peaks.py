"""What a device can do at most: dense peaks a GPU, rates a CPU instruction set. Rows and sources: ``data/peaks.toml``.

An unknown device has no peak. It never gets another one's.
"""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path

import msgspec

from torchup.catalog.gpus import words
from torchup.data_files import read_data
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
    names: tuple[str, ...]  # as torch or the system says them
    vendor: str
    tflops: dict[str, float] = {}
    mem_gbs: float
    confidence: str
    source: str
    units: int | None = None  # SMs, compute units, Xe cores or (Apple) GPU cores
    clock_ghz: float | None = None
    tensor_spec_ghz: float | None = None  # where a datasheet takes another clock for its tensor cores
    flop_per_clk: dict[str, int] = {}  # a unit
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


class Part(Value, frozen=True, kw_only=True):
    """A row in short: its peaks follow from its units, its clock and the rates of its architecture."""

    name: str
    names: tuple[str, ...]
    vendor: str
    arch: str
    units: int
    clock_ghz: float | None = None  # no source names it: its rates are unknown, its bandwidth is not
    mem_gbs: float
    source: str

    def peak(self, rates: dict[str, int]) -> GpuPeak:
        """The row in full; a TFLOPS is 1e12 multiply-adds and additions a second."""
        clock = self.clock_ghz
        return GpuPeak(
            name=self.name,
            names=self.names,
            vendor=self.vendor,
            tflops={kind: self.units * clock * rate / 1000 for kind, rate in rates.items()} if clock else {},
            mem_gbs=self.mem_gbs,
            confidence="derived",
            source=self.source,
            units=self.units,
            clock_ghz=self.clock_ghz,
            flop_per_clk=rates,
        )


class Peaks(Value, frozen=True, kw_only=True, dict=True):
    """The whole table."""

    gpu: tuple[GpuPeak, ...]
    part: tuple[Part, ...]
    rate: dict[str, dict[str, int]]  # architecture -> FLOP a clock and unit by number format
    cpu_isa: tuple[CpuIsa, ...]

    @cached_property
    def rows(self) -> tuple[GpuPeak, ...]:
        """Every GPU, those in short worked out."""
        return (*self.gpu, *(part.peak(self.rate[part.arch]) for part in self.part))

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], list[GpuPeak]]:
        table: dict[tuple[str, ...], list[GpuPeak]] = {}
        for row in self.rows:
            for said in dict.fromkeys(words(name) for name in row.names):
                table.setdefault(said, []).append(row)
        return table

    def find(self, name: str | None, units: int | None = None) -> GpuPeak | None:
        """The row of a product name as torch or the system says it; ``units`` (SMs, GPU cores) tells namesakes apart.

        ``None`` where no row has exactly these words, where several do and ``units`` is not known, or where an NVIDIA
        GPU has other units than its row (a MIG slice, another variant). Apple chips are scaled to the cores they have.
        """
        rows = self._by_words.get(words(name), []) if name else []
        if units and rows and rows[0].vendor == "apple":
            return _apple(rows, units)
        if units and rows and rows[0].vendor == "nvidia":
            rows = [row for row in rows if row.units == units]
        return rows[0] if len(rows) == 1 else None


def _apple(rows: list[GpuPeak], cores: int) -> GpuPeak | None:
    """The row with these cores; else the only row of a chip, scaled down to them."""
    exact = [row for row in rows if row.units == cores]
    if exact or len(rows) > 1:
        return exact[0] if exact else None
    full = rows[0]
    if full.units is None or cores > full.units:
        return None
    rates = {kind: rate * cores / full.units for kind, rate in full.tflops.items()}
    return msgspec.structs.replace(full, tflops=rates, units=cores)


@cache
def load_peaks() -> Peaks:
    """Read and validate the table."""
    return read_data(DATA, Peaks)
