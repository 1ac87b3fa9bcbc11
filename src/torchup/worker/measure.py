"""Timing of short work: warm up, choose how often, take several samples, keep them all."""

import itertools
from typing import Any, Callable, Dict, List, Tuple

import devices
import lines
import precision
import torch

SAMPLES = 7
LEAST = 0.02  # seconds of one sample: a thousand times what reading the clock and synchronising cost
TRIAL = 0.05  # seconds of one trial of a candidate
MOST_CALLS = 100_000


def samples(device: str, work: Callable[[], Any], *, least: float = LEAST, count: int = SAMPLES) -> List[float]:
    """Seconds of one call, several times: each sample is a loop that lasts at least ``least`` seconds."""
    calls = _calls(device, work, least)
    return [samples_of(device, work, calls) for _ in range(count)]


def steady(device: str, work: Callable[[], Any]) -> float:
    """Seconds of one call for a choice between candidates: each trial lasts `TRIAL`, after as long a warm-up.

    The warm-up lets the clock rise; the best of three trials counts, since others only ever make one slower.
    """
    calls = _calls(device, work, TRIAL)
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


def _calls(device: str, work: Callable[[], Any], least: float) -> int:
    """Double the calls until a sample is long enough; that is the warm-up too."""
    for exponent in itertools.count():
        calls = 2**exponent
        with devices.Stopwatch(device) as watch:
            for _ in range(calls):
                work()
        if watch.seconds >= least or calls >= MOST_CALLS:
            return calls
    raise AssertionError


def raw(name: str, seconds: List[float]) -> Tuple[str, List[Tuple[float, float]]]:
    """A curve of every sample, in the order they were taken."""
    return "microseconds %s by sample" % name, [(float(n + 1), 1e6 * s) for n, s in enumerate(seconds)]


def middle(values: List[float]) -> float:
    """The median."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def answer(rows: List[Tuple[str, List[Tuple[float, float]]]], best: Dict[str, float], **further: Any) -> Dict[str, Any]:
    """A micro workload's raw result: curves by name, ``best`` figures as quality, and what else belongs to it."""
    lines.stage("testing")
    return {"curves": dict(rows), "quality": best, **further}


def begin(request: Dict[str, Any]) -> precision.Mixed:
    """Set threads and precision as a request asks; what a training step needs of the precision.

    Raises:
        precision.PrecisionError: the device does not have it.
    """
    device = request["device"]
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    lines.stage("training")
    return precision.Mixed(device, precision.enter(device, request.get("precision") or "fp32-default"))


def no_arithmetic(request: Dict[str, Any]) -> None:
    """For a workload that a precision changes nothing of. Raises `PrecisionError` when one was asked for."""
    asked = request.get("precision") or "fp32-default"
    if asked != "fp32-default":
        raise precision.PrecisionError("no-arithmetic", name=request["workload"], label=asked)
    begin(request)
