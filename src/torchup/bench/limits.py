"""How fast a device could be at most, and whether a measurement can be true. Pure.

The limit of a run is the largest of: model FLOPs over the peak rate, least bytes over the memory bandwidth. No run is
faster than that; one that seems to be was measured wrongly (a clock read before the device had finished is the usual
way), and is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.errors import BenchError
from torchup.model import Limit, Result, Value, message

if TYPE_CHECKING:
    from torchup.bench.answers import DeviceFacts
    from torchup.catalog.peaks import Peaks

# Boost clocks of single cards pass the datasheet's by some per cent, and a measured peak has noise of its own.
TOLERANCE = 1.15


class Peak(Value, frozen=True, kw_only=True):
    """A device's peak rates; unknown is ``None``."""

    flops: float | None = None  # a second
    bandwidth: float | None = None  # bytes a second
    bandwidth_was_reached: bool = False  # by a copy on this machine: there may be more
    source: str | None = None


def peak_of(facts: DeviceFacts, precision: str, peaks: Peaks, *, apple_cores: int | None = None) -> Peak:
    """The peak of a device: the CPU's was measured by the worker, a GPU's is its row of the table."""
    if facts.device == "cpu":
        low = precision in {"bf16", "fp16"}
        return Peak(
            flops=None if low else facts.peak_flops,
            bandwidth=facts.peak_bandwidth,
            bandwidth_was_reached=True,
            source="measured: multiply-add loop x threads, copy" if facts.peak_flops and not low else None,
        )
    row = peaks.find(facts.name, apple_cores or facts.multiprocessors)
    if row is None:
        return Peak()
    return Peak(
        flops=row.flops(precision), bandwidth=row.bandwidth, source=f"{row.name} ({row.confidence}: {row.source})"
    )


def limit(peak: Peak, *, flops: float | None, moved: float | None, seconds: float) -> Limit | None:
    """The limit for a run's work; ``None`` where the work is not known. An unknown peak leaves ``seconds`` empty."""
    if flops is None and moved is None:
        return None
    bounds = {}
    if flops is not None and peak.flops:
        bounds["flops"] = flops / peak.flops
    if moved is not None and peak.bandwidth:
        bounds["bytes"] = moved / peak.bandwidth
    unknown = flops is not None and not peak.flops  # the bytes' bound alone would pass for the limit
    bound = None if unknown else max(bounds, key=lambda name: bounds[name], default=None)
    if bound == "bytes" and peak.bandwidth_was_reached and bounds["bytes"] > seconds:
        # What a copy reached while the machine was busier is no bound; this run has just shown more.
        bounds["bytes"], peak = seconds, msgspec.structs.replace(peak, bandwidth=(moved or 0.0) / seconds)
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
    )


def refuse_impossible(result: Result) -> None:
    """Raise `BenchError` for a result that is faster than its device can be."""
    if result.limit is None or result.limit.share is None or result.limit.share <= TOLERANCE:
        return
    raise BenchError(
        message(
            "bench.above-roofline",
            "{workload}/{recipe} on {device} took {seconds} s, but the device needs {floor} s at its peak: the"
            " measurement is wrong and is not kept",
            workload=result.workload,
            recipe=result.recipe,
            device=result.device,
            seconds=f"{result.seconds:.4g}",
            floor=f"{result.limit.seconds:.4g}",
        ),
        hint=message("bench.above-roofline.hint", "please report it: torchup, torch and device versions are in --json"),
    )
