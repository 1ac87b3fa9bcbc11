"""The rate of a place, and whether it has fallen so far that the next place is better. Pure: the time is handed in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchup.fetch.order import Patience

WINDOW = 5.0  # seconds that a rate is taken over


class Meter:
    """Bytes as they come in."""

    def __init__(self, started: float) -> None:
        self._marks: deque[tuple[float, int]] = deque([(started, 0)])
        self._total = 0
        self._best = 0.0
        self._slow_since: float | None = None

    def note(self, now: float, count: int, patience: Patience) -> None:
        """``count`` more bytes (perhaps none) until ``now``."""
        self._total += count
        self._marks.append((now, self._total))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW:  # noqa: PLR2004  # the ends of the window
            self._marks.popleft()
        rate = self.rate
        self._best = max(self._best, rate if now - self._marks[0][0] >= WINDOW else 0.0)
        if rate >= max(self._best * patience.slow_share, patience.floor):
            self._slow_since = None
        elif self._slow_since is None:
            self._slow_since = now

    @property
    def rate(self) -> float:
        """Bytes a second over the last `WINDOW` seconds."""
        (first, before), (last, total) = self._marks[0], self._marks[-1]
        return (total - before) / (last - first) if last > first else 0.0

    def too_slow(self, now: float, patience: Patience) -> bool:
        """Whether it has been below its own best for so long that another place is worth a try."""
        return self._slow_since is not None and now - self._slow_since >= patience.slow_for
