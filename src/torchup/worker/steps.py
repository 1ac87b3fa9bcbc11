"""Training steps timed one by one: what `cifar-resnet` and `gpt` measure."""

from typing import Any, Callable, Dict, List, NamedTuple

import budget
import devices
import lines
import torch
from said import Said, said

STEPS = 40
FEWEST = 3  # steps without a budget, however long they take
MOST_STEPS = 20_000  # a result file has to hold the time of each
WARM_STEPS = 3


class Taken(NamedTuple):
    """Seconds and loss of each step."""

    seconds: List[float]
    losses: List[float]
    notes: List[Said]


def timed(device: str, step: Callable[[int], torch.Tensor], time_left: budget.Budget, usual: float) -> Taken:
    """Warm-up outside the clock, then 40 steps or what fits into ``usual`` seconds, at least 3.

    A budget is used up instead: a long one shows whether the machine keeps its speed, a short one ends after the first
    step that passes its end, which may be the warm-up itself.
    """
    limited = time_left.end is not None
    if limited:  # the first step may be all that there is time for
        lines.stage("training")
    warm = Taken([], [], [])
    for number in range(1 if devices.kind(device) == "cpu" else WARM_STEPS):
        _take(device, step, number, warm)
        if limited and time_left.over(warm.seconds[-1]):
            lines.stage("testing")
            return warm._replace(notes=[said("one-step")])
    if not limited:
        lines.stage("training")
    taken = Taken([], [], [])
    end = time_left if limited else budget.Budget(devices.now(device) + usual)
    fewest, most = (1, MOST_STEPS) if limited else (FEWEST, STEPS)
    while len(taken.seconds) < most and (len(taken.seconds) < fewest or not end.over(taken.seconds[-1])):
        _take(device, step, len(taken.seconds), taken)
    lines.stage("testing")
    return taken


def answer(taken: Taken, best: Dict[str, float], **further: Any) -> Dict[str, Any]:
    """The raw result: the time of every step as a curve, ``best`` figures as quality, what else belongs to it."""
    curve = [(float(number + 1), seconds) for number, seconds in enumerate(taken.seconds)]
    notes = [*further.pop("notes", []), *taken.notes]
    return {"curves": {"seconds by step": curve}, "quality": best, "notes": notes, **further}


def _take(device: str, step: Callable[[int], Any], number: int, taken: Taken) -> None:
    with devices.Stopwatch(device) as watch:
        loss = step(number)
    taken.seconds.append(watch.seconds)
    taken.losses.append(float(loss))
