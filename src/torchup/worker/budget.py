"""The time that a measurement may take: one clock for every workload.

A budget is in seconds of this process, its start-up included; of what start-up has used up a part is given back, so
that there is always something to measure. Work ends at the first step after the end: a step, a copy or a product
cannot be divided, so the first of each is always done.
"""

import time
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, TypeVar

import lines
from said import Said, said

LEAST_SHARE = 0.3  # of a budget that start-up has used up: the least that is still measured
Point = TypeVar("Point")


class Budget:
    """Time until ``end`` (on the clock of `time.perf_counter`); without an end there is always time."""

    def __init__(self, end: Optional[float] = None) -> None:
        self.end = end

    def over(self, expected: float = 0.0) -> bool:
        """Whether the end has passed, or would pass within the next ``expected`` seconds."""
        return self.end is not None and time.perf_counter() + expected > self.end

    def part(self, share: float) -> "Budget":
        """A budget of that share of what is left."""
        if self.end is None:
            return self
        now = time.perf_counter()
        return Budget(now + share * max(0.0, self.end - now))


def of(request: Dict[str, Any]) -> Budget:
    """What is left of a request's budget now; call it where the measured part begins."""
    seconds = request.get("budget")
    if seconds is None:
        return Budget()
    return Budget(max(lines.STARTED + float(seconds), time.perf_counter() + LEAST_SHARE * float(seconds)))


class Points:
    """The points of a measurement, while there is time for one more; the first is always measured."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.done = 0
        self.planned = 0

    def of(self, points: Iterable[Point]) -> Iterator[Point]:
        """The points of one of several sweeps. A caller that breaks off has its own reason: the rest is not missing."""
        listed: List[Point] = list(points)
        self.planned += len(listed)
        for number, point in enumerate(listed):
            if self.done and self.budget.over():
                return
            self.done += 1
            try:
                yield point
            except GeneratorExit:
                self.planned -= len(listed) - number - 1
                raise

    def notes(self) -> List[Said]:
        """That the budget ended the measurement, where it did."""
        return [said("points-cut", done=self.done, total=self.planned)] if self.done < self.planned else []


class Cut(NamedTuple):
    """An epoch that a budget ended."""

    seconds: float  # of the part that was done, by the rate of the steps after the first few
    share: float  # of the epoch
    note: Said


def cut(*, took: float, first: float, warm: int, done: int, steps: int) -> Cut:
    """The part of an epoch that was done, as its share of a whole one.

    Args:
        took: seconds of the steps that were done.
        first: seconds of the first ``warm`` of them, which belong to every epoch once.
        warm: how many steps count as first ones.
        done: steps that were done.
        steps: steps of a whole epoch.
    """
    after = done - warm
    whole = first + (took - first) * (steps - warm) / after if after > 0 else took * steps / done
    share = done / steps
    return Cut(whole * share, share, said("cut", steps=done, total=steps, warm=warm))
