"""Where a training run's time went, from differences of runs that change one thing each. Pure.

Measured, all synchronised only at their ends: the run itself; the same loader without a device ("input alone") and
what starting its workers takes ("start"); copying one batch as often as the run does ("transfer alone"); the run's own
steps on batches that are there ("steps alone"); `resident`; and the same arithmetic with hardly a call around it: the
fastest of `graph`, `fused` and `best`, whose time is the arithmetic's in every recipe. Then, for a run that loads:

    compute  = the fastest run with hardly a call
    launch   = steps alone - compute: what PyTorch's calls and kernel launches cost
    transfer = transfer alone
    start    = starting the loader's workers, once an epoch
    input    = run - steps alone - transfer - start: what the run would win if its batches were simply there
    other    = what is left

The sum check adds the parts measured alone and divides by the run: above 1 by as much as loader and device overlap,
below 1 by as much as they take the same processors from each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.bench.stats import percentage
from torchup.bench.timebase import cut, done, for_request, seconds_for
from torchup.model import Bound, Breakdown, Limit, RecipeKind, Value, message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.model import Message, Result

LEAN = ("graph", "fused", "best")  # the arithmetic with hardly a call around it
LOADED = ("script", "loader")
HALF = 0.5
MUCH = 0.3
PLAUSIBLE = (0.8, 1.25)  # a sum check outside is explained
FEWEST_STEPS = 100  # of a cut epoch
# Kernels of one step that depend on each other; two for the hand-written step.
KERNELS = {"script": 48, "loader": 48, "resident": 48, "graph": 48, "fused": 2}
STEPS_AN_EPOCH = 938


class Alone(Value, frozen=True, kw_only=True):
    """Seconds an epoch of the parts measured by themselves."""

    input: float | None = None
    start: float | None = None  # of the loader's workers
    transfer: float | None = None
    steps: float | None = None
    kernel: float | None = None  # seconds of one dependent kernel of a recorded graph; None where none is recorded


def split(recipe: str, epochs: float, seconds: Mapping[str, float], alone: Alone) -> Breakdown | None:
    """The parts of one result, in seconds of the whole run.

    Args:
        recipe: which of the runs.
        epochs: how many it trained.
        seconds: recipe -> seconds an epoch, of every recipe measured on the device beside it.
        alone: what was measured by itself.
    """
    if recipe in LEAN:
        return _scaled(_lean(seconds[recipe], seconds), epochs)
    if recipe not in {*LOADED, "resident"} or "resident" not in seconds:
        return None
    parts = _resident(seconds) if recipe == "resident" else _loaded(seconds[recipe], seconds, alone)
    return _scaled(parts, epochs)


def _compute(seconds: Mapping[str, float]) -> float | None:
    """The arithmetic's own time: that of the fastest run with hardly a call, the same for every recipe."""
    return min((seconds[name] for name in LEAN if name in seconds), default=None)


def _lean(whole: float, seconds: Mapping[str, float]) -> Breakdown:
    compute = min(whole, _compute(seconds) or whole)
    return Breakdown(input=0.0, start=0.0, transfer=0.0, launch=whole - compute, compute=compute, other=0.0)


def _resident(seconds: Mapping[str, float]) -> Breakdown:
    whole, lean = seconds["resident"], _compute(seconds)
    compute = whole if lean is None else min(whole, lean)
    launch = None if lean is None else whole - compute
    return Breakdown(input=0.0, start=0.0, transfer=0.0, launch=launch, compute=compute, other=0.0)


def _loaded(whole: float, seconds: Mapping[str, float], alone: Alone) -> Breakdown:
    lean = _compute(seconds)
    steps = min(whole, seconds["resident"] if alone.steps is None else alone.steps)
    compute = steps if lean is None else min(steps, lean)
    transfer = min(alone.transfer or 0.0, whole - steps)
    start = min(alone.start or 0.0, whole - steps - transfer)
    return Breakdown(
        input=whole - steps - transfer - start,
        start=start if alone.start is not None else None,
        transfer=transfer if alone.transfer is not None else None,
        launch=None if lean is None else steps - compute,
        compute=compute,
        other=0.0,
    )


def _scaled(parts: Breakdown, epochs: float) -> Breakdown:
    scaled = {name: value * epochs for name, value in msgspec.structs.asdict(parts).items() if value is not None}
    return Breakdown(**scaled)


def sum_check(seconds: Mapping[str, float], alone: Alone) -> float | None:
    """(input + transfer + steps, each alone) / script; ``None`` where one was not measured."""
    script = seconds.get("script")
    if script is None or alone.steps is None or alone.input is None:
        return None
    return (alone.input + (alone.transfer or 0.0) + alone.steps) / script


def with_breakdowns(
    results: tuple[Result, ...], alone: Mapping[str, Alone], *, explained: bool = True
) -> tuple[Result, ...]:
    """The results with their breakdown, and the sum check with the script's.

    ``explained``: whether the workload's time can be taken apart at all.
    """
    if not explained:
        return results
    return tuple(_explained(result, results, alone.get(result.device, Alone())) for result in results)


def _explained(result: Result, results: Sequence[Result], alone: Alone) -> Result:
    alike = [
        r for r in results if (r.device, r.parameters.get("sweep")) == (result.device, result.parameters.get("sweep"))
    ]
    beside = {r.recipe: r.seconds / did.count for r in alike if (did := done(r)) and r.kind is not RecipeKind.SPEEDRUN}
    amount = done(result)
    another = result.kind is RecipeKind.SPEEDRUN  # the parts measured alone are those of the published training
    if result.breakdown is not None or another or result.recipe not in beside or amount is None:
        return result
    parameters = dict(result.parameters)
    check = sum_check(beside, alone) if result.recipe == "script" else None
    if check is not None:
        parameters["breakdown_sum_check"] = check
        parameters["alone_seconds_per_epoch"] = msgspec.structs.asdict(alone)
    parts = split(result.recipe, amount.count, beside, alone)
    bound = _with_launches(result.limit, result, alone, amount.count)
    return msgspec.structs.replace(result, breakdown=parts, parameters=parameters, limit=bound)


def _with_launches(limit: Limit | None, result: Result, alone: Alone, epochs: float) -> Limit | None:
    """The limit with what the dependent kernels of a recorded step take at least, whatever they compute."""
    kernels = KERNELS.get(str(result.parameters.get("chosen", result.recipe)))
    if limit is None or alone.kernel is None or kernels is None:
        return limit
    launches = alone.kernel * kernels * STEPS_AN_EPOCH * epochs
    if limit.seconds is None or launches <= limit.seconds:
        return msgspec.structs.replace(limit, launch_seconds=launches)
    return msgspec.structs.replace(
        limit, launch_seconds=launches, seconds=launches, bound=Bound.LAUNCH, share=launches / result.seconds
    )


def advise(result: Result, beside: Sequence[Result]) -> Message | None:
    """One sentence on what would make this run faster; ``beside``: the other results on the same device."""
    parts = result.breakdown
    if parts is None or result.recipe not in {"script", "resident"}:
        return None
    values = [value for value in msgspec.structs.asdict(parts).values() if value]
    mine = for_request(result)
    others = {other.recipe: seconds_for(other, mine.amount).seconds for other in beside}
    fastest = min(others, key=lambda name: others[name], default=None)
    if not values or fastest is None or others[fastest] >= mine.seconds:
        return None
    shared = {
        "device": result.device_name or result.device,
        "fastest": fastest,
        "gain": f"{mine.seconds / others[fastest]:.1f}",
    }
    share, launches = (parts.input or 0.0) / sum(values), (parts.launch or 0.0) / sum(values)
    if share > HALF:
        return message(
            "bench.advice.input",
            "{device} spends {share} of the time waiting for the DataLoader: keep the data on the device or "
            "transform whole batches (`{fastest}` is {gain}x as fast)",
            share=percentage(share, 0), **shared,
        )  # fmt: skip
    if launches > MUCH:
        return message(
            "bench.advice.launch",
            "`{recipe}` spends {share} of its time launching PyTorch operations instead of computing on "
            "{device}: use recorded or fused steps (`{fastest}` is {gain}x as fast)",
            share=percentage(launches, 0), recipe=result.recipe, **shared,
        )  # fmt: skip
    return None


def explain_sum(result: Result) -> Message | None:
    """Why the parts measured alone do not add up to the run; ``None`` where they do."""
    check = result.parameters.get("breakdown_sum_check")
    if not isinstance(check, float) or PLAUSIBLE[0] <= check <= PLAUSIBLE[1]:
        return None
    part = cut(result)
    if part is not None and part.steps is not None and part.steps < FEWEST_STEPS:
        return None  # the rate of so few steps explains nothing
    if check < PLAUSIBLE[0]:
        return message(
            "bench.sum.below",
            "the loader and the steps, each measured alone, together take only {share} of the run's time: in the "
            "run, they slow each other down, probably because they compete for the CPU cores",
            share=percentage(check, 0),
        )
    return message(
        "bench.sum.above",
        "the loader and the steps, each measured alone, together take {share} of the recipe's time: in the "
        "recipe, they overlap",
        share=percentage(check, 0),
    )
