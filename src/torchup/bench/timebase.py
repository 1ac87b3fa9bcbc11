"""One time base for every view: a result's time for the epochs that were asked for. Pure.

Runs train different numbers of epochs (a budget, a published table, another `--epochs`), and their times may stand side
by side only after they are times of the same amount of work. Every table, sentence, page, list and comparison gets its
times here, by proportion: so the ratio of two results is the same in all of them, whatever amount a view shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import PartTrained, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.model import Result


class Amount(Value, frozen=True, kw_only=True):
    """How much work: whole or partly trained epochs, or the steps of a scaling run."""

    unit: str  # epoch | step
    count: float


class Timed(Value, frozen=True, kw_only=True):
    """A result's time for an amount of work."""

    seconds: float
    interval: tuple[float, float] | None
    samples: tuple[float, ...]  # every repeat
    factor: float  # what the measured times were multiplied by
    amount: Amount | None  # that the times are times of; None: of the run, whatever it did
    measured: float | None = None  # how much was really done, where that is less than `amount`: then it is extrapolated

    @property
    def extrapolated(self) -> bool:
        """Whether less was done than the time is a time of."""
        return self.measured is not None


def done(result: Result) -> Amount | None:
    """How much a result measured; ``None`` where it does not count in epochs or steps."""
    unit, key = ("step", "steps") if "scaling" in result.parameters else ("epoch", "epochs")
    value = result.parameters.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return Amount(unit=unit, count=value)
    return None


def asked(result: Result) -> Amount | None:
    """How much a result was asked to measure: what was done where nothing else is known."""
    amount, wanted = done(result), result.parameters.get("epochs_asked")
    if amount is None or amount.unit != "epoch" or not isinstance(wanted, int) or wanted <= 0:
        return amount
    return Amount(unit="epoch", count=wanted)


def cut(result: Result) -> PartTrained | None:
    """How much of the training was done, where it was less than asked for; ``None`` for a whole one."""
    did, wanted = done(result), asked(result)
    if did is None or wanted is None or did.count >= wanted.count:
        return None
    found = result.parameters.get("steps")
    steps = found if isinstance(found, int) and found > 0 else None
    return PartTrained(
        epochs=did.count,
        epochs_asked=wanted.count,
        steps=steps,
        steps_asked=round(steps * wanted.count / did.count) if steps is not None else None,
    )


def common(results: Iterable[Result]) -> Amount | None:
    """The amount to show several results for: the most that any was asked for; ``None`` where one does not count."""
    amounts = [asked(result) for result in results]
    known = [amount for amount in amounts if amount is not None]
    if not known or len(known) < len(amounts) or len({amount.unit for amount in known}) > 1:
        return None
    return max(known, key=lambda amount: amount.count)


def seconds_for(result: Result, amount: Amount | None) -> Timed:
    """The result's time for an amount; as it was measured where the two do not count in the same unit."""
    middle = result.median if result.median is not None else result.seconds
    samples = result.repeats or (result.seconds,)
    did = done(result)
    if amount is None or did is None or did.unit != amount.unit:
        return Timed(seconds=middle, interval=result.ci95, samples=samples, factor=1.0, amount=did)
    factor = amount.count / did.count
    return Timed(
        seconds=middle * factor,
        interval=(result.ci95[0] * factor, result.ci95[1] * factor) if result.ci95 else None,
        samples=tuple(seconds * factor for seconds in samples),
        factor=factor,
        amount=amount,
        measured=did.count if did.count < amount.count else None,
    )


def for_request(result: Result) -> Timed:
    """The result's time for what it was asked for itself."""
    return seconds_for(result, asked(result))
