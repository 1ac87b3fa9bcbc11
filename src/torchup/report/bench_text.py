"""A benchmark's answer as text: the ladder, this machine beside the article's, what was cut short. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.breakdown import advise, explain_sum
from torchup.bench.timebase import common, cut, for_request, seconds_for
from torchup.i18n import printable, render, text
from torchup.model import Bound, RecipeKind
from torchup.report import numbers
from torchup.report.results_text import beside_text, epochs, part_text, results_text, short_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Result
    from torchup.report.style import Style
    from torchup.results.run import Run


def bench_text(results: Sequence[Result], style: Style, *, baseline: Run | None = None) -> str:
    """All of it, sections apart by an empty line."""
    parts = [headline(results, baseline) if baseline is not None else "", results_text(results, style)]
    if baseline is not None:
        parts.append(beside_text(results, baseline, style))
    parts += [
        "\n".join(programs(results)),
        "\n".join(limits(results)),
        "\n".join(advice(results)),
        "\n".join(shortened(results)),
    ]
    return "\n\n".join(part for part in parts if part)


def headline(results: Sequence[Result], baseline: Run) -> str:
    """What a reader of the article wants to know first: its program here, and on the nearest of its devices.

    The replica on the fastest device here stands beside the published device of the same kind, else the first one.
    """
    published = baseline.results
    replicas = [r for r in results if r.kind == RecipeKind.REPLICA and any(p.workload == r.workload for p in published)]
    if not replicas or not published:
        return ""
    mine = min(replicas, key=lambda result: for_request(result).seconds)
    other = next((p for p in published if p.device != "cpu"), published[0])
    amount = common((mine, other))
    here, there = seconds_for(mine, amount), seconds_for(other, amount)
    if amount is None:
        return ""
    return text(
        "bench.headline",
        "The article's program ({epochs}) takes {about}{here} s here and {there} s on the {other}: this machine "
        "is {times}",
        epochs=epochs(amount.count),
        about=text("bench.about", "about ") if here.extrapolated else "",
        here=numbers.plain_seconds(here.seconds),
        there=numbers.plain_seconds(there.seconds),
        other=short_device(other).rpartition(" (")[0],
        times=numbers.times_as_fast(there.seconds / here.seconds),
    )


def limits(results: Sequence[Result]) -> list[str]:
    """A line for each device: what its limit is, and how far the fastest run is from it."""
    lines = []
    for device in dict.fromkeys((result.workload, result.device) for result in results):
        alike = [r for r in results if (r.workload, r.device) == device]
        amount = common(alike)
        fastest = min(alike, key=lambda r: seconds_for(r, amount).seconds)
        bound = fastest.limit
        if bound is None:
            continue
        name = fastest.device_name or fastest.device
        if bound.seconds is None or bound.share is None:
            lines.append(
                text(
                    "bench.limit.unknown",
                    "the peak performance of {device} is unknown, so torchup shows no limit",
                    device=name,
                )
            )
            continue
        values = {
            "device": name,
            "limit": numbers.seconds(bound.seconds * seconds_for(fastest, amount).factor),
            "bound": bound_name(bound.bound),
            "recipe": fastest.recipe,
            "share": numbers.percent(bound.share),
        }
        lines.append(_exceeded(values) if bound.share > 1 else _reached(values))
    return lines


def _reached(values: dict[str, str]) -> str:
    return text(
        "bench.limit",
        "{device}: this work takes at least {limit} (limited by {bound}); `{recipe}` reaches {share} of the "
        "speed at that limit",
        **values,
    )


def _exceeded(values: dict[str, str]) -> str:
    """The peak was measured or published too low: a run that is faster shows it."""
    return text(
        "bench.limit.exceeded",
        "{device}: `{recipe}` reaches {share} of the speed that torchup calculated as the limit ({limit}, from the "
        "{bound}), so the device's real limit is higher",
        **values,
    )


def programs(results: Sequence[Result]) -> list[str]:
    """What the user's own program used, and what its profile shows."""
    lines: list[str] = []
    for result in results:
        if "program" not in result.parameters:
            continue
        cores, memory = result.quality.get("cpu_cores"), result.peak_memory_bytes
        if cores is not None and memory is not None:  # Windows counts neither
            lines.append(
                text(
                    "bench.program",
                    "CPU cores used by the program on average: {cores}; peak memory of its largest process: {memory}",
                    cores=numbers.digits(cores),
                    memory=numbers.size(memory),
                )
            )
        busy = result.telemetry.utilisation if result.telemetry is not None else None
        if busy is not None:
            share = numbers.percent(1 - busy.median, 0)
            lines.append(
                text(
                    "bench.program.waits",
                    "The GPU was idle for {share} of the time (median of the readings)",
                    share=share,
                )
            )
        lines += _profile(result.parameters.get("profile"))
    return lines


def _profile(profile: object) -> list[str]:
    """Shares of copies and input, and the operations with most time."""
    if not isinstance(profile, dict) or not isinstance(profile.get("top"), list):
        return []
    key = "device_seconds" if profile.get("on") == "device" else "cpu_seconds"
    copies, waiting = profile.get("copies"), profile.get("input")
    lines = []
    if copies is not None and waiting is not None:
        shares = {"copies": numbers.percent(copies, 0), "input": numbers.percent(waiting, 0)}
        lines.append(_shares_on_device(shares) if key == "device_seconds" else _shares_on_cpu(shares))
    rows = profile["top"][:8]
    return lines + [
        f"  {numbers.seconds(float(r[key])):>9}  {r['count']:>8} x  {printable(str(r['name']))}" for r in rows
    ]


def _shares_on_device(shares: dict[str, str]) -> str:
    return text(
        "bench.profile.device",
        "Copies take {copies} of the device's time; waiting for the DataLoader takes {input} of the CPU time of all "
        "operations",
        **shares,
    )


def _shares_on_cpu(shares: dict[str, str]) -> str:
    return text(
        "bench.profile.cpu",
        "Of the CPU time of all operations, copies take {copies} and waiting for the DataLoader takes {input}",
        **shares,
    )


def bound_name(bound: Bound | None) -> str:
    """What a device's limit is made of, in words."""
    if bound == Bound.BYTES:
        return text("bench.bound.bytes", "memory bandwidth")
    if bound == Bound.LAUNCH:
        return text("bench.bound.launch", "kernel launches")
    return text("bench.bound.flops", "arithmetic")


def advice(results: Sequence[Result]) -> list[str]:
    """A sentence for each run that wastes most of its time."""
    found = []
    for result in results:
        beside = [r for r in results if r.device == result.device and r.recipe != result.recipe]
        sentences = (advise(result, beside), explain_sum(result))
        found += [f"{result.recipe} ({result.device}): {render(one)}" for one in sentences if one is not None]
    return found


def shortened(results: Sequence[Result]) -> list[str]:
    """A line for each result that the budget cut short: it trained less than it was asked for."""
    lines = []
    for result in results:
        part = cut(result)
        if part is None:
            continue
        line = text(
            "bench.shortened",
            "{recipe} ({device}): the time budget allowed only {part}; torchup extrapolated the time and did not "
            "judge the accuracy",
            recipe=result.recipe,
            device=result.device,
            part=part_text(part),
        )
        lines.append(line)
    return lines
