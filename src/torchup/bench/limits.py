"""How fast a device could be at most, and whether a measurement can be true. Pure.

The limit of a run is the largest of: model FLOPs over the peak rate, least bytes over the memory bandwidth. No run is
faster than that; one that seems to be was measured wrongly (a clock read before the device had finished is the usual
way), and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.bench.request import DEFAULT_PRECISION
from torchup.model import Bound, Limit, Result, Said, Value, Vendor

if TYPE_CHECKING:
    from torchup.bench.answers import DeviceFacts
    from torchup.catalog.peaks import GpuPeak, Peaks

# Boost clocks of single cards pass the datasheet's by some per cent, and a measured peak has noise of its own.
TOLERANCE = 1.15
SLICE = " MIG "  # in the name that torch gives a part of a card


class Peak(Value, frozen=True, kw_only=True):
    """A device's peak rates; unknown is ``None``."""

    flops: float | None = None  # a second
    bandwidth: float | None = None  # bytes a second
    measured: bool = False  # by a loop and a copy on this machine: there may be more
    source: str | None = None
    note: Said | None = None  # why a measured one may be too low


def peak_of(
    facts: DeviceFacts, precision: str, peaks: Peaks, *, apple_cores: int | None = None, convolutions: float = 1.0
) -> Peak:
    """The peak of a device: the CPU's was measured by the worker, a GPU's is its row of the table.

    ``convolutions`` is their share of the arithmetic: by default PyTorch rounds them to TF32 and products not. A slice
    of a card has no peak: the row is that of the whole one.
    """
    if facts.device == "cpu":
        low = precision in {"bf16", "fp16"}
        return Peak(
            flops=None if low else facts.peak_flops,
            bandwidth=facts.peak_bandwidth,
            measured=True,
            source="measured: multiply-add loop in all threads or torch's own product, copy"
            if facts.peak_flops and not low
            else None,
            note=None if low else facts.peak_note,
        )
    row = peaks.find(facts.name, apple_cores or facts.multiprocessors)
    if row is None or SLICE in f" {facts.name} ":
        return Peak()
    return Peak(
        flops=_flops(row, precision, convolutions),
        bandwidth=row.bandwidth,
        source=f"{row.name} ({row.confidence}: {row.source})",
    )


def _flops(row: GpuPeak, precision: str, convolutions: float) -> float | None:
    """The rate of a mixture of convolutions and products: the time of both together."""
    if precision != DEFAULT_PRECISION:
        return row.flops(precision)
    full = row.flops("fp32-strict")
    rounded = row.flops(precision) if row.vendor == Vendor.NVIDIA else full
    if not full or not rounded:
        return None
    return 1 / (convolutions / rounded + (1 - convolutions) / full)


def limit(peak: Peak, *, flops: float | None, moved: float | None, seconds: float) -> Limit | None:
    """The limit for a run's work; ``None`` where the work is not known. An unknown peak leaves ``seconds`` empty."""
    if flops is None and moved is None:
        return None
    bounds: dict[Bound, float] = {}
    if flops is not None and peak.flops:
        bounds[Bound.FLOPS] = flops / peak.flops
    if moved is not None and peak.bandwidth:
        bounds[Bound.BYTES] = moved / peak.bandwidth
    unknown = flops is not None and not peak.flops  # the bytes' bound alone would pass for the limit
    bound = None if unknown else max(bounds, key=lambda name: bounds[name], default=None)
    if bound is Bound.BYTES and peak.measured and bounds[bound] > seconds:
        # A copy rate measured while the machine was busier is not a bound; this run has just shown more.
        bounds[bound], peak = seconds, msgspec.structs.replace(peak, bandwidth=(moved or 0.0) / seconds)
    floor = bounds[bound] if bound else None
    return Limit(
        flops=flops,
        bytes=moved,
        peak_flops=peak.flops,
        peak_bandwidth=peak.bandwidth,
        seconds=floor,
        bound=bound,
        share=floor / seconds if floor is not None else None,
        source=peak.source,
        peak_measured=peak.measured,
    )


def impossible(result: Result) -> Said | None:
    """Why a result cannot be true: it is faster than its device's published peak. `None` where it can.

    A peak measured on this machine can be exceeded: a run that exceeds it shows that there is more, and is flagged.
    """
    limit = result.limit
    if limit is None or limit.share is None or limit.seconds is None or limit.peak_measured:
        return None
    if limit.share <= TOLERANCE:
        return None
    name = f"{result.workload}/{result.recipe} ({result.device})"
    return Said(code="above-roofline", values={"name": name, "seconds": result.seconds, "floor": limit.seconds})
