"""Which number of CPU threads is fastest for a piece of work: try, do not guess."""

from typing import Callable, Dict, List, Optional

import devices
import torch

LEAST = 0.05  # seconds of one trial


def candidates(most: int) -> List[int]:
    """1, 2, 4, ... up to ``most``, which is always tried."""
    found = [1]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return sorted({*found, max(1, most)})


def fastest(work: Callable[[int], None], most: int, rounds: int = 3) -> Dict[int, float]:
    """Seconds of ``work(threads)`` for each candidate: the best of some rounds, which take turns."""
    counts = candidates(most)
    best: Dict[int, float] = {}
    for _ in range(rounds):
        for count in counts:
            seconds = _once(work, count, LEAST)
            best[count] = min(best.get(count, seconds), seconds)
    return best


def _once(work: Callable[[int], None], threads: int, least: float) -> float:
    """Seconds of one call, by as many as last ``least`` seconds together."""
    calls, total = 0, 0.0
    while total < least:
        with devices.Stopwatch("cpu") as watch:
            work(threads)
        calls, total = calls + 1, total + watch.seconds
    return total / calls


def choose(seconds: Dict[int, float]) -> int:
    """The fastest; fewer threads where the difference is under two per cent."""
    limit = min(seconds.values()) * 1.02
    return min(count for count, value in seconds.items() if value <= limit)


def torch_threads(work: Callable[[], None], asked: Optional[int], facts: Dict[str, object]) -> None:
    """Set torch's threads to what was asked for, or to the fastest for ``work``; the sweep goes into ``facts``."""
    if asked:
        torch.set_num_threads(asked)
        return

    def with_threads(count: int) -> None:
        torch.set_num_threads(count)
        work()

    seconds = fastest(with_threads, torch.get_num_threads())
    torch.set_num_threads(choose(seconds))
    facts["thread_sweep"] = {str(count): value for count, value in seconds.items()}
