"""Why a measurement is not steady, and what to do: pure, from the samples and the telemetry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torchup.bench.stats import DRIFT, FEW, LATER, MINUTE, NOISY_SPREAD, Summary, percentage, summarise, unit_seconds
from torchup.model import Notice, message

if TYPE_CHECKING:
    from torchup.model import Result, Telemetry

TIMER_LIMIT = 1e-3  # seconds; pyperf warns below it: clock and call overhead are no longer small
BUSY_HOST = 0.5  # load average a usable thread
HOT = 87.0  # degrees Celsius; GeForce cards begin to slow down between 83 and 93


def advice(result: Result) -> tuple[Notice, ...]:
    """Everything that makes this result less sure, worst first; empty for a steady one."""
    if not result.measured:
        text = message("stability.not-measured", "a published number, not measured by torchup")
        return (Notice(code=text.code, text=text),)
    summary = summarise(result.repeats or (result.seconds,))
    found = [
        *_from_telemetry(result),
        *_from_samples(summary),
        *_too_short(result, summary),
        *_from_rates(result),
        *_too_short_for_a_laptop(result),
    ]
    return tuple(sorted(found, key=lambda notice: notice.level != "warning"))


def _from_samples(summary: Summary) -> list[Notice]:
    found: list[Notice] = []
    if summary.count < FEW:
        found.append(_few(summary.count))
    if summary.spread is not None and summary.spread > NOISY_SPREAD:
        found.append(_noisy(summary.spread))
    if summary.drift is not None and abs(summary.drift) > DRIFT:
        found.append(_drifting(summary.drift))
    if summary.outliers:
        found.append(_outlying(len(summary.outliers), summary.count))
    return found


def _too_short(result: Result, summary: Summary) -> list[Notice]:
    """A unit that the clock's own cost shows in; a small workload times many calls at once and has no such unit."""
    if summary.median >= TIMER_LIMIT or result.raw:
        return []
    text = message("stability.short", "a typical repeat takes less than 1 ms, so reading the clock affects the result")
    return [Notice(code=text.code, text=text)]


def _from_rates(result: Result) -> list[Notice]:
    first, later = result.first_minute_rate, result.sustained_rate
    if first is None or later is None:
        return []
    if later >= first * (1 - DRIFT):
        text = message(
            "stability.kept-speed",
            "the device kept its speed: {first} samples/s in the first minute, {later} after that",
            first=f"{first:.4g}",
            later=f"{later:.4g}",
        )
        return [Notice(code=text.code, text=text)]
    text = message(
        "stability.sustained",
        "the device was {percent} slower after the first minute ({first} samples/s, then {later}): the machine "
        "cannot keep its speed (heat, power), or other programs ran",
        percent=percentage(1 - later / first, 0),
        first=f"{first:.4g}",
        later=f"{later:.4g}",
    )
    return [Notice(code=text.code, level="warning", text=text)]


def _too_short_for_a_laptop(result: Result) -> list[Notice]:
    """A machine with a battery is a laptop; a short run shows what it can do cold, and says how long is long enough."""
    watched, epochs = result.telemetry, result.parameters.get("epoch_seconds")
    if watched is None or watched.on_battery is None or result.first_minute_rate is not None or not epochs:
        return []
    times = unit_seconds(result)
    text = message(
        "stability.laptop",
        "this run is too short to show whether a laptop keeps its speed: use `--epochs {epochs}` to measure for "
        "a minute and a half",
        epochs=math.ceil((MINUTE + LATER) * 1.1 * len(times) / sum(times)),
    )
    return [Notice(code=text.code, text=text)]


def _few(count: int) -> Notice:
    text = message(
        "stability.few-repeats",
        "too few repeats ({count}) to estimate the noise; use `--repeats 5` or more",
        count=count,
    )
    return Notice(code=text.code, text=text)


def _noisy(spread: float) -> Notice:
    text = message(
        "stability.noisy",
        "the middle half of the repeats spans {percent} of the median: close other programs, let the machine "
        "cool, and raise `--repeats`",
        percent=percentage(spread, 0),
    )
    return Notice(code=text.code, level="warning", text=text)


def _drifting(drift: float) -> Notice:
    if drift < 0:
        text = message(
            "stability.warming",
            "the later repeats are {percent} faster: the machine was still warming up, or other programs ended",
            percent=percentage(-drift, 0),
        )
    else:
        text = message(
            "stability.drift",
            "the later repeats are {percent} slower: the machine heats up or reduces its clocks, or other "
            "programs started; a longer run shows the speed that the machine can keep",
            percent=percentage(drift, 0),
        )
    return Notice(code=text.code, level="warning", text=text)


def _outlying(count: int, total: int) -> Notice:
    text = message(
        "stability.outliers",
        "outliers among the {total} repeats: {count}; torchup flags and keeps them",
        count=count,
        total=total,
    )
    return Notice(code=text.code, text=text)


def _from_telemetry(result: Result) -> list[Notice]:
    watched = result.telemetry
    if watched is None:
        return []
    found = [_throttled(name) for name in watched.throttle]
    found += [*_power(watched), *_surroundings(watched, result)]
    return found


def _throttled(reason: str) -> Notice:
    text = message(
        "stability.throttle",
        "the GPU reduced its clocks during the run ({reason}): check its cooling and power",
        reason=reason,
    )
    return Notice(code=text.code, level="warning", text=text)


def _power(watched: Telemetry) -> list[Notice]:
    found: list[Notice] = []
    limit, usual = watched.power_limit_watts, watched.power_limit_default_watts
    if limit is not None and usual is not None and limit < usual * (1 - DRIFT):
        text = message(
            "stability.power-limit",
            "the GPU's power limit is {limit} W; its default is {usual} W",
            limit=f"{limit:.0f}",
            usual=f"{usual:.0f}",
        )
        found.append(Notice(code=text.code, level="warning", text=text))
    if watched.on_battery:
        text = message(
            "stability.battery",
            "the machine ran on battery, which reduces the clocks of a laptop: plug it in to measure",
        )
        found.append(Notice(code=text.code, level="warning", text=text))
    if watched.temperature_celsius is not None and watched.temperature_celsius.maximum >= HOT:
        text = message(
            "stability.hot",
            "the GPU reached {degrees} degrees Celsius, at which many GPUs reduce their clocks",
            degrees=f"{watched.temperature_celsius.maximum:.0f}",
        )
        found.append(Notice(code=text.code, level="warning", text=text))
    return found


def _surroundings(watched: Telemetry, result: Result) -> list[Notice]:
    found: list[Notice] = []
    if watched.other_processes:
        text = message(
            "stability.other-processes",
            "number of other processes that used the GPU: {count}",
            count=watched.other_processes,
        )
        found.append(Notice(code=text.code, level="warning", text=text))
    threads = _threads(result)
    if watched.load_average is not None and threads and watched.load_average > BUSY_HOST * threads:
        text = message(
            "stability.busy-host",
            "the machine was busy before the run (load {load}; threads: {threads})",
            load=f"{watched.load_average:.1f}",
            threads=threads,
        )
        found.append(Notice(code=text.code, level="warning", text=text))
    if watched.governor == "powersave":
        text = message(
            "stability.governor", "the CPU governor is `powersave`; `performance` gives steadier numbers on a desktop"
        )
        found.append(Notice(code=text.code, text=text))
    return found


def _threads(result: Result) -> int | None:
    cpu = result.machine.get("cpu")
    threads = cpu.get("threads") if isinstance(cpu, dict) else None
    return threads if isinstance(threads, int) else None
