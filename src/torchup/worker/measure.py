"""Timing of short work: warm up, choose how often, take several samples, keep them all."""

import itertools
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

import budget
import devices
import lines
import precision
import torch

SAMPLES = 7
LEAST = 0.02  # seconds of one sample: a thousand times what reading the clock and synchronising cost
TRIAL = 0.05  # seconds of one trial of a candidate
MOST_CALLS = 100_000
COLD = 5  # samples with cold caches: filling them takes longer than most of what is measured
CACHE_BYTES = 256 * 1024**2  # past the last-level cache of a CPU, the largest of GPUs included (MI300X)
Curve = List[Tuple[float, float]]
Point = TypeVar("Point")


def samples(
    device: str,
    work: Callable[[], Any],
    *,
    least: float = LEAST,
    count: int = SAMPLES,
    time_left: Optional[budget.Budget] = None,
) -> List[float]:
    """Seconds of one call, several times: each sample is a loop that lasts at least ``least`` seconds.

    At least one sample is taken, and no further one after the end of ``time_left``.
    """
    calls, first = _calls(device, work, least)
    found: List[float] = []
    while len(found) < count and not (time_left is not None and time_left.over(first * calls)):
        found.append(samples_of(device, work, calls))
    return found or [first]


def cold_samples(device: str, work: Callable[[], Any], time_left: budget.Budget) -> List[float]:
    """Seconds of single calls, each after the caches were filled with something else; empty without time or memory."""
    try:
        other = torch.zeros(CACHE_BYTES, dtype=torch.uint8, device=device)
    except RuntimeError:  # a device that is full with what is measured
        return []
    found: List[float] = []
    while len(found) < COLD and not time_left.over():
        other.add_(1)
        found.append(samples_of(device, work, 1))
    return found


def steady(device: str, work: Callable[[], Any]) -> float:
    """Seconds of one call for a choice between candidates: each trial lasts `TRIAL`, after as long a warm-up.

    The warm-up lets the clock rise; the best of three trials counts, since others only ever make one slower.
    """
    calls, _ = _calls(device, work, TRIAL)
    return min(samples_of(device, work, calls) for _ in range(3))


def samples_of(device: str, work: Callable[[], Any], calls: int) -> float:
    """Seconds of one call, by a loop of so many."""
    with devices.Stopwatch(device) as watch:
        for _ in range(calls):
            work()
    return watch.seconds / calls


def fitting(asked: int, attempt: Callable[[int], Any]) -> int:
    """The batch asked for, halved until ``attempt(batch)`` finds memory for it. Raises what else goes wrong."""
    batch = asked
    while True:
        try:
            attempt(batch)
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            if batch < 2:
                raise
            batch //= 2
        else:
            return batch


def _calls(device: str, work: Callable[[], Any], least: float) -> Tuple[int, float]:
    """(calls of a sample that is long enough, seconds of one), by doubling; that is the warm-up too."""
    for exponent in itertools.count():
        calls = 2**exponent
        with devices.Stopwatch(device) as watch:
            for _ in range(calls):
                work()
        if watch.seconds >= least or calls >= MOST_CALLS:
            return calls, watch.seconds / calls
    raise AssertionError


def middle(values: List[float]) -> float:
    """The median."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


class Timing(NamedTuple):
    """Seconds of one call: again and again on the same data, and with cold caches."""

    hot: List[float]
    cold: List[float]


class Bench:
    """What a small workload measures: its points while there is time, and every sample of each."""

    def __init__(self, request: Dict[str, Any]) -> None:
        self.device: str = request["device"]
        self.budget = budget.of(request)
        self.raw: Dict[str, List[float]] = {}
        self._points = budget.Points(self.budget)
        lines.stage("training")

    def points(self, listed: Iterable[Point]) -> Iterator[Point]:
        """The points of a sweep that there is time for; see `budget.Points.of`."""
        return self._points.of(listed)

    def take(self, name: str, work: Callable[[], Any], *, count: int = COLD, cold: bool = True) -> Timing:
        """Time one point; all its samples are kept under its name."""
        found = Timing(
            samples(self.device, work, count=count, time_left=self.budget),
            cold_samples(self.device, work, self.budget) if cold else [],
        )
        self.raw[name] = found.hot
        if found.cold:
            self.raw["%s, cold" % name] = found.cold
        return found

    def answer(self, curves: Dict[str, Curve], best: Dict[str, float], **further: Any) -> Dict[str, Any]:
        """The raw result: curves by name, ``best`` figures as quality, every sample, what else belongs to it."""
        lines.stage("testing")
        notes = [*further.pop("notes", []), *self._points.notes()]
        shown = {name: curve for name, curve in curves.items() if curve}
        return {"curves": shown, "quality": best, "raw": self.raw, "notes": notes, **further}


def begin(request: Dict[str, Any]) -> precision.Mixed:
    """Set threads and precision as a request asks; what a training step needs of the precision.

    Raises:
        precision.PrecisionError: the device does not have it.
    """
    device = request["device"]
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    return precision.Mixed(device, precision.enter(device, request.get("precision") or "fp32-default"))


def no_arithmetic(request: Dict[str, Any]) -> None:
    """For a workload that a precision changes nothing of. Raises `PrecisionError` when one was asked for."""
    asked = request.get("precision") or "fp32-default"
    if asked != "fp32-default":
        raise precision.PrecisionError("no-arithmetic", name=request["workload"], label=asked)
    begin(request)
