"""Where a training run's time went, from differences of runs that change one thing each. Pure.

Measured, all synchronised only at their ends: the run itself; the same loader without a device ("input alone"); copying
one batch as often as the run does ("transfer alone"); the run's own steps on batches that are there ("steps alone");
`resident`; and the same arithmetic with hardly a call around it: the faster of `graph` and `fused`. Then, for a run
that loads:

    compute  = the run with hardly a call
    launch   = steps alone - compute: what PyTorch's calls and kernel launches cost
    transfer = transfer alone
    input    = run - steps alone - transfer: what the run would win if its batches were simply there
    other    = what is left

The sum check adds the parts measured alone and divides by the run: above 1 by as much as loader and device overlap,
below 1 by as much as they take the same processors from each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.model import Breakdown, Value, message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.model import Message, Result

HALF = 0.5
SAME_MATHEMATICS = {"script", "loader", "resident", "graph", "fused", "best"}
MUCH = 0.3


class Alone(Value, frozen=True, kw_only=True):
    """Seconds an epoch of the parts measured by themselves."""

    input: float | None = None
    transfer: float | None = None
    steps: float | None = None


def split(recipe: str, epochs: int, seconds: Mapping[str, float], alone: Alone) -> Breakdown | None:
    """The parts of one result, in seconds of the whole run.

    Args:
        recipe: which of the runs.
        epochs: how many it trained.
        seconds: recipe -> seconds an epoch, of every recipe measured on the device beside it.
        alone: what was measured by itself.
    """
    whole = seconds[recipe]
    if recipe not in SAME_MATHEMATICS:
        return None
    lean = min((seconds[name] for name in ("graph", "fused") if name in seconds), default=None)
    resident = seconds.get("resident")
    if recipe in {"graph", "fused", "best"}:
        return Breakdown(input=0.0, transfer=0.0, launch=0.0, compute=whole * epochs, other=0.0)
    if resident is None:
        return None
    steps = resident if recipe == "resident" or alone.steps is None else alone.steps
    compute = min(whole, steps, lean if lean is not None else steps)
    launch = max(0.0, min(steps, whole) - compute) if lean is not None else None
    if recipe == "resident":
        return Breakdown(input=0.0, transfer=0.0, launch=_times(launch, epochs), compute=compute * epochs, other=0.0)
    transfer = min(alone.transfer or 0.0, max(0.0, whole - steps))
    fed = max(0.0, whole - steps - transfer)
    return Breakdown(
        input=fed * epochs,
        transfer=transfer * epochs if alone.transfer is not None else None,
        launch=_times(launch, epochs),
        compute=compute * epochs,
        other=max(0.0, whole - compute - (launch or 0.0) - transfer - fed) * epochs,
    )


def sum_check(seconds: Mapping[str, float], alone: Alone) -> float | None:
    """(input + transfer + steps, each alone) / script; ``None`` where one was not measured."""
    script = seconds.get("script")
    if script is None or alone.steps is None or alone.input is None:
        return None
    return (alone.input + (alone.transfer or 0.0) + alone.steps) / script


def with_breakdowns(results: tuple[Result, ...], alone: Mapping[str, Alone]) -> tuple[Result, ...]:
    """The results with their breakdown, and the sum check with the script's."""
    return tuple(_explained(result, results, alone.get(result.device, Alone())) for result in results)


def _explained(result: Result, results: tuple[Result, ...], alone: Alone) -> Result:
    beside = {r.recipe: r.seconds / _epochs(r) for r in results if r.device == result.device and _epochs(r)}
    if result.workload not in {"mnist", "fashion-mnist"} or result.recipe not in beside:
        return result
    parameters = dict(result.parameters)
    check = sum_check(beside, alone) if result.recipe == "script" else None
    if check is not None:
        parameters["breakdown_sum_check"] = check
        parameters["alone_seconds_per_epoch"] = msgspec.structs.asdict(alone)
    parts = split(result.recipe, _epochs(result), beside, alone)
    return msgspec.structs.replace(result, breakdown=parts, parameters=parameters)


def _epochs(result: Result) -> int:
    epochs = result.parameters.get("epochs")
    return epochs if isinstance(epochs, int) else 0


def _times(value: float | None, epochs: int) -> float | None:
    return None if value is None else value * epochs


def advise(result: Result, others: Mapping[str, float]) -> Message | None:
    """One sentence on what would make this run faster; ``others``: recipe -> seconds on the same device."""
    parts = result.breakdown
    if parts is None or result.recipe not in {"script", "resident"}:
        return None
    whole = sum(value for value in (parts.input, parts.transfer, parts.launch, parts.compute, parts.other) if value)
    if not whole:
        return None
    device = result.device_name or result.device
    fastest = min(others, key=lambda name: others[name], default=None)
    gain = result.seconds / others[fastest] if fastest is not None else None
    share = (parts.input or 0.0) / whole
    if share > HALF and gain is not None and gain > 1:
        return message(
            "bench.advice.input",
            "{share} of the time {device} waits for the DataLoader: keep the data on the device, or transform whole"
            " batches; `{fastest}` trains the same network {gain}x as fast",
            share=f"{share:.0%}", device=device, fastest=fastest, gain=f"{gain:.1f}",
        )  # fmt: skip
    if (parts.launch or 0.0) / whole > MUCH and gain is not None and gain > 1:
        return message(
            "bench.advice.launch",
            "{share} of the time of `{recipe}` goes into PyTorch's calls around the arithmetic, not into {device}:"
            " steps this small want to be recorded or fused (`{fastest}`, {gain}x as fast)",
            share=f"{(parts.launch or 0.0) / whole:.0%}",
            recipe=result.recipe, device=device, fastest=fastest, gain=f"{gain:.1f}",
        )  # fmt: skip
    return None
