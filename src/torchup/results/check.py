"""Validate an imported run. Pure: reading checks the schema; here its numbers are compared with each other.

A result file is a claim. What can be checked is checked: statistics against raw samples, rates against times, times
against what the device could do at best, and the code that measured against the code this torchup brings. Nothing in a
file is ever executed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torchup.bench.limits import TOLERANCE
from torchup.bench.stats import median as middle
from torchup.bench.stats import median_interval
from torchup.model import Message, Notice, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.peaks import Peaks
    from torchup.model import Result
    from torchup.results.run import Run

ROUNDING = 1e-6
# The fastest single accelerator of peaks.toml does 2.5e15 dense FLOP/s in the precisions that torchup measures.
FASTEST_KNOWN = 5e15
# One hardware thread: 64 FLOP a cycle (two AVX-512 multiply-add units) at 6 GHz; no CPU does more in float32.
CPU_FASTEST = 64 * 6e9
MOST_THREADS = 1024
MNIST_FLOPS_PER_SAMPLE = 1.517e6  # forward and backward of the article's network, 2 x 758,520 multiply-adds
MNIST_SAMPLES = 60_000


def problems(run: Run, *, version: str, code_hash: str | None, peaks: Peaks) -> tuple[Notice, ...]:
    """The findings against a run: it fails validation on an error; warnings are reported and kept.

    Args:
        run: what was read.
        version: of this torchup.
        code_hash: sha256 of this torchup's worker.
        peaks: what devices can do at most.
    """
    found: list[Notice] = []
    for number, result in enumerate(run.results):
        place = f"{number + 1} ({result.workload} {result.recipe})"
        found += [_error(text) for text in _contradictions(result, place)]
        found += [_error(text) for text in _above_roof(result, place, peaks)]
        found += _code(result, place, written_by=run.torchup, version=version, known=code_hash)
        if not result.measured:
            text = message("check.not-measured", "result {place} states that torchup did not measure it", place=place)
            found.append(Notice(code=text.code, level="warning", text=text))
    if not run.results:
        found.append(_error(message("check.empty", "the run has no results")))
    return tuple(found)


def _error(text: Message) -> Notice:
    return Notice(code=text.code, level="error", text=text)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=ROUNDING)


def _contradictions(result: Result, place: str) -> Iterator[Message]:
    if not result.repeats:
        return
    if result.median is not None and not _close(result.median, middle(result.repeats)):
        yield message("check.median", "result {place}: its median does not match its repeats", place=place)
    own = median_interval(result.repeats)
    if result.ci95 is not None and (
        own is None or not all(_close(a, b) for a, b in zip(result.ci95, own, strict=True))
    ):
        yield message("check.interval", "result {place}: its interval does not match its repeats", place=place)
    if not min(result.repeats) * (1 - ROUNDING) <= result.seconds <= max(result.repeats) * (1 + ROUNDING):
        yield message("check.seconds", "result {place}: its time lies outside the range of its repeats", place=place)


def _above_roof(result: Result, place: str, peaks: Peaks) -> Iterator[Message]:
    """Faster than the device can be. What torchup knows of device and work goes before what the file says of them."""
    fastest = min(result.repeats, default=result.seconds)
    limit = result.limit
    flops = known_flops(result) or (limit.flops if limit is not None else None)
    if flops is not None and flops / fastest > TOLERANCE * peak_flops(result, peaks):
        yield message("check.roof", "result {place} claims more work per second than the device can do", place=place)
    elif limit is not None and limit.seconds is not None and limit.seconds > fastest * TOLERANCE:
        yield message("check.limit", "result {place} is faster than the device limit stated in the result", place=place)


def peak_flops(result: Result, peaks: Peaks) -> float:
    """The most FLOP a second that can be believed of the result's devices together."""
    bounds = [FASTEST_KNOWN]
    if result.limit is not None and result.limit.peak_flops:
        bounds.append(result.limit.peak_flops)
    if result.device == "cpu":
        bounds.append(CPU_FASTEST * _threads(result))
    else:
        row = peaks.find(result.device_name)
        known = row.flops(result.precision) if row is not None else None
        bounds += [known] if known else []
    return min(bounds) * (result.world_size if result.device != "cpu" else 1)


def _threads(result: Result) -> int:
    cpu = result.machine.get("cpu")
    threads = cpu.get("threads") if isinstance(cpu, dict) else None
    return threads if isinstance(threads, int) and threads > 0 else MOST_THREADS


def known_flops(result: Result) -> float | None:
    """FLOPs of a run whose work is fixed by its name."""
    epochs = result.parameters.get("epochs")
    if result.workload != "mnist" or not isinstance(epochs, int) or result.kind not in {"replica", "same-math"}:
        return None
    return MNIST_FLOPS_PER_SAMPLE * MNIST_SAMPLES * epochs


def _code(result: Result, place: str, *, written_by: str | None, version: str, known: str | None) -> Iterator[Notice]:
    if result.code_hash is None:
        text = message("check.no-hash", "result {place} does not say which code measured it", place=place)
        yield Notice(code=text.code, level="warning", text=text)
    elif result.code_hash == known:
        return
    elif written_by == version:
        yield _error(
            message(
                "check.hash",
                "result {place} was measured by code that differs from that of torchup {version}",
                place=place,
                version=version,
            )
        )
    else:
        text = _other_version(place, written_by)
        yield Notice(code="check.other-version", level="warning", text=text)


def _other_version(place: str, version: str | None) -> Message:
    """That the code that measured is not here; ``None``: the run does not say whose it was."""
    if version is None:
        return message(
            "check.unknown-version",
            "result {place} was measured by an unknown version of torchup, so its code cannot be compared",
            place=place,
        )
    return message(
        "check.other-version",
        "result {place} was measured by torchup {version}, whose code is not available here for comparison",
        place=place,
        version=version,
    )
