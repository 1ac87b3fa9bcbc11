"""Numbers as people read them: three significant digits, SI units, a point as decimal sign in every language."""

from __future__ import annotations

import math

from torchup.bench.stats import interval_level, percentage
from torchup.i18n import text

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SI = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_IEC = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
NONE = "-"


def digits(value: float, count: int = 3) -> str:
    """A plain number of ``count`` significant digits (more before the point where it is large)."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else NONE
    places = count - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:.{max(0, count - 1 - math.floor(math.log10(abs(rounded))))}f}"


def seconds(value: float | None) -> str:
    """A time in the unit that fits: ``108 s``, ``4.8 ms``."""
    if value is None:
        return NONE
    scale, unit = next(((s, u) for s, u in _SECONDS if abs(value) >= s), _SECONDS[-1])
    return f"{digits(value / scale)} {unit}"


def plain_seconds(value: float) -> str:
    """A time in seconds with the digits that were measured: ``45.02``, ``0.183``."""
    return f"{value:.2f}" if value >= 10 else f"{value:.3g}"  # noqa: PLR2004  # four digits are what a clock is good for


def amount(value: float | None, unit: str) -> str:
    """A quantity with an SI prefix: ``1.25 TFLOP/s``."""
    if value is None:
        return NONE
    scale, prefix = next(((s, p) for s, p in _SI if abs(value) >= s), (1.0, ""))
    return f"{digits(value / scale)} {prefix}{unit}"


def tick(value: float) -> str:
    """A label of an axis: ``500``, ``1k``, ``2.5M``; as short as it can be."""
    scale, prefix = next(((s, p) for s, p in _SI if abs(value) >= s), (1.0, ""))
    return f"{value / scale:.4g}{prefix}"


def tick_seconds(value: float) -> str:
    """The same for a time: ``2 s``, ``50 ms``."""
    scale, unit = next(((s, u) for s, u in _SECONDS if abs(value) >= s), _SECONDS[-1])
    return f"{value / scale:.4g} {unit}"


def size(value: float | None) -> str:
    """Bytes in binary units: ``173 MiB``."""
    if value is None:
        return NONE
    scale, unit = next(((s, u) for s, u in _IEC if abs(value) >= s), (1, "B"))
    return f"{digits(value / scale)} {unit}"


def percent(share: float | None, places: int = 1) -> str:
    """A share in a cell, as `percentage` writes it."""
    return NONE if share is None else percentage(share, places)


def ratio(value: float | None) -> str:
    """How many times as fast: ``2.41x``; what is slower is said as such: ``10.9x slower``."""
    if value is None or value <= 0:
        return NONE
    return f"{digits(value)}x" if value >= 1 else text("ratio.slower", "{times}x slower", times=digits(1 / value))


def times_as_fast(value: float) -> str:
    """The same in a sentence: ``2.41 times as fast``, ``10.9 times slower``."""
    if value >= 1:
        return text("ratio.sentence.faster", "{times} times as fast", times=digits(value))
    return text("ratio.sentence.slower", "{times} times slower", times=digits(1 / value))


def count(value: float) -> str:
    """A number of epochs or steps: ``10``, ``0.31``."""
    return str(int(value)) if value == int(value) else digits(value, 2)


def interval(bounds: tuple[float, float] | None, samples: int | None = None) -> str:
    """Both ends in the unit of the upper one: ``1.02 - 1.10 s``; with the level that so many samples can keep."""
    if bounds is None:
        return NONE
    level = interval_level(samples) if samples else None
    return _ends(bounds) + (f" ({percentage(level, 0)})" if level is not None else "")


def _ends(bounds: tuple[float, float]) -> str:
    scale, unit = next(((s, u) for s, u in _SECONDS if abs(bounds[1]) >= s), _SECONDS[-1])
    low, high = bounds[0] / scale, bounds[1] / scale
    places = max(0, 2 - len(str(int(high))) + 1)
    return f"{low:.{places}f} - {high:.{places}f} {unit}"
