"""Statistics of repeated measurements. Pure and exact: same samples, same numbers, no random generator.

The bootstrap here is the ideal one: the distribution of the median over *all* resamples with replacement, which has a
closed form in order statistics (B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 10.3;
J. S. Maritz and R. G. Jarrett, JASA 73, 1978). So an interval never changes from one run of torchup to the next.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, comb, floor
from typing import TYPE_CHECKING

import msgspec

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Result

LEVEL = 0.95
NOISY_SPREAD = 0.05  # interquartile range over median; torch.utils.benchmark warns at 0.1, which hides 10 % effects
DRIFT = 0.03  # the second half slower than the first by this share is a trend worth naming
FEW = 5  # fewer repeats give no verdict: at three, one comparison in ten is called different where nothing is
MODIFIED_Z = 3.5  # B. Iglewicz and D. C. Hoaglin, How to Detect and Handle Outliers, 1993
TUKEY = 1.5  # fences of J. W. Tukey, Exploratory Data Analysis, 1977
FEW_FOR_OUTLIERS = 5
FEW_FOR_DRIFT = 6
MINUTE = 60.0  # seconds before a laptop's power budget for short bursts is spent...
STEP_CURVE = "seconds by step"  # what the worker calls it
LATER = 30.0  # ...and how much must follow for a rate that says something
_POINTS = 600  # of a distribution that enters a ratio: 600 x 600 products stay under a second

Distribution = tuple[tuple[float, float], ...]  # (value, probability), by value


class Summary(Value, frozen=True, kw_only=True):
    """What the samples of one measurement say together."""

    count: int
    median: float
    minimum: float
    maximum: float
    ci95: tuple[float, float] | None  # of the median; None for one sample
    outliers: tuple[int, ...]  # positions, flagged and kept
    spread: float | None  # interquartile range / median
    drift: float | None  # median of the second half / of the first, minus 1; None for fewer than six
    stable: bool | None  # None: too few to say


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise samples in the order they were taken (seconds, or anything positive); raises ValueError on none."""
    spread, drift = relative_spread(samples), trend(samples)
    stable = None
    if spread is not None:
        stable = spread <= NOISY_SPREAD and abs(drift or 0.0) <= DRIFT
    return Summary(
        count=len(samples),
        median=median(samples),
        minimum=min(samples),
        maximum=max(samples),
        ci95=median_interval(samples),
        outliers=outliers(samples),
        spread=spread,
        drift=drift,
        stable=stable,
    )


def with_statistics(result: Result) -> Result:
    """The result with ``median``, ``ci95``, ``outliers`` and ``stable`` computed from its raw ``repeats``."""
    summary = summarise(result.repeats or (result.seconds,))
    first, later = sustained_rates(result)
    return msgspec.structs.replace(
        result,
        median=summary.median,
        ci95=summary.ci95,
        outliers=summary.outliers,
        stable=summary.stable,
        first_minute_rate=first,
        sustained_rate=later,
    )


def sustained_rates(result: Result) -> tuple[float | None, float | None]:
    """Samples a second in the first minute and after it, from the times of epochs or steps; laptops slow down when hot.

    Both ``None`` for a run of less than a minute and a half, or one that does not tell its epochs' or steps' times.
    """
    times = unit_seconds(result)
    if not times or result.samples_per_second is None:
        return None, None
    if sum(times) < MINUTE + LATER:
        return None, None
    samples = result.samples_per_second * result.seconds / len(times)  # of an epoch
    ends = [sum(times[: n + 1]) for n in range(len(times))]
    inside = [t for t, end in zip(times, ends, strict=True) if end <= MINUTE] or [times[0]]
    after = times[len(inside) :]
    return samples * len(inside) / sum(inside), samples * len(after) / sum(after) if after else None


def unit_seconds(result: Result) -> tuple[float, ...]:
    """Seconds of every epoch of a run, else of every step; empty where it tells neither."""
    epochs = result.parameters.get("epoch_seconds")
    if isinstance(epochs, list | tuple):
        return tuple(float(seconds) for seconds in epochs)
    return tuple(seconds for _, seconds in result.curves.get(STEP_CURVE, ()))


def median(samples: Sequence[float]) -> float:
    """The middle value; the mean of the middle two for an even count. Raises ValueError for no sample."""
    return quantile(samples, 0.5)


def quantile(samples: Sequence[float], share: float) -> float:
    """Quantile by linear interpolation between order statistics (Hyndman and Fan's type 7, numpy's default)."""
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def relative_spread(samples: Sequence[float]) -> float | None:
    """Interquartile range over median; ``None`` for fewer than `FEW` samples."""
    middle = median(samples)
    if len(samples) < FEW or middle == 0:
        return None
    return (quantile(samples, 0.75) - quantile(samples, 0.25)) / abs(middle)


def trend(samples: Sequence[float]) -> float | None:
    """How much slower the second half is than the first (0.05 = 5 %); ``None`` for fewer than `FEW_FOR_DRIFT`."""
    if len(samples) < FEW_FOR_DRIFT:
        return None
    half = len(samples) // 2
    first = median(samples[:half])
    return median(samples[-half:]) / first - 1.0 if first else None


def outliers(samples: Sequence[float]) -> tuple[int, ...]:
    """Positions of samples that both Tukey's fences and the modified z-score (from the MAD) call outlying."""
    if len(samples) < FEW_FOR_OUTLIERS:
        return ()
    low, high = quantile(samples, 0.25), quantile(samples, 0.75)
    reach = TUKEY * (high - low)
    scale = _mad_scale(samples)
    if scale == 0:
        return ()
    middle = median(samples)
    return tuple(
        position
        for position, value in enumerate(samples)
        if not low - reach <= value <= high + reach and abs(value - middle) / scale > MODIFIED_Z
    )


def _mad_scale(samples: Sequence[float]) -> float:
    """Standard deviation estimated from absolute deviations: median's, or their mean where half the samples agree."""
    middle = median(samples)
    deviations = [abs(value - middle) for value in samples]
    return 1.4826 * median(deviations) or 1.2533 * sum(deviations) / len(deviations)


# ---------------------------------------------------------------- bootstrap


def median_interval(samples: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the median; ``None`` for a single sample."""
    return _percentiles(median_distribution(samples), level) if len(samples) > 1 else None


def ratio_interval(
    numerator: Sequence[float], denominator: Sequence[float], level: float = LEVEL
) -> tuple[float, float] | None:
    """Bootstrap interval of median(numerator) / median(denominator); ``None`` where either has one sample."""
    if min(len(numerator), len(denominator)) < 2:  # noqa: PLR2004  # one sample has no distribution
        return None
    above, below = (_thin(median_distribution(samples)) for samples in (numerator, denominator))
    ratios = sorted((a / b, p * q) for a, p in above for b, q in below if b)
    return _percentiles(tuple(ratios), level) if ratios else None


def relative_error(samples: Sequence[float]) -> float | None:
    """Half the width of the median's interval over the median; ``None`` for fewer than `FEW` samples."""
    bounds = median_interval(samples) if len(samples) >= FEW else None
    middle = median(samples)
    return (bounds[1] - bounds[0]) / 2 / abs(middle) if bounds is not None and middle else None


def percentage(share: float, places: int | None = 1) -> str:
    """A share as every text writes it: ``62.0 %``. ``places``: digits after the point; ``None``: as many as it has.

    What would round to 0.0 keeps two digits.
    """
    percent = 100 * share
    if places is None:
        return f"{percent:g} %"
    if 0 < abs(share) < 10 ** -(places + 2):
        return f"{percent:.2g} %"
    return f"{percent:.{places}f} %"


def interval_level(count: int, level: float = LEVEL) -> float | None:
    """Chance that the interval of `median_interval` holds the true median, for ``count`` independent samples.

    Exact where its ends are samples (an odd count), a lower bound where they lie between two: the bootstrap promises
    ``level``, and few samples cannot keep it.
    """
    ends = median_interval([float(place) for place in range(count)], level) if count else None
    if ends is None:
        return None
    low, high = ceil(ends[0]) + 1, floor(ends[1]) + 1
    return float(sum(comb(count, k) for k in range(low, high)) / 2**count)


def median_distribution(samples: Sequence[float]) -> Distribution:
    """Exact distribution of the median of a resample with replacement."""
    ordered, count = sorted(samples), len(samples)
    middle = (count + 1) // 2
    at_most = [_at_least(count, k / count, middle) for k in range(count + 1)]  # P(middle-th smallest <= k-th value)
    single = [high - low for low, high in pairwise(at_most)]
    if count % 2:
        return tuple(zip(ordered, single, strict=True))
    return _even_distribution(ordered, single)


def _even_distribution(ordered: list[float], single: list[float]) -> Distribution:
    """For an even count: the mean of order statistics m and m + 1, from their joint distribution."""
    count = len(ordered)
    half = count // 2
    power = [(k / count) ** half for k in range(count + 1)]
    entries: list[tuple[float, float]] = []
    for i in range(count):
        below = power[i + 1] - power[i]  # half of the draws at most value i, one of them exactly
        rest = single[i]
        for j in range(i + 1, count):
            joint = comb(count, half) * below * (power[count - j] - power[count - j - 1])
            rest -= joint
            entries.append(((ordered[i] + ordered[j]) / 2, joint))
        entries.append((ordered[i], max(rest, 0.0)))
    return tuple(sorted(entries))


def _at_least(count: int, share: float, needed: int) -> float:
    """P(Binomial(count, share) >= needed)."""
    return sum(comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(needed, count + 1))


def _percentiles(distribution: Distribution, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    total = sum(probability for _, probability in distribution)
    return _at(distribution, tail * total), _at(distribution, (1 - tail) * total)


def _at(distribution: Distribution, mass: float) -> float:
    passed = 0.0
    for value, probability in distribution:
        passed += probability
        if passed >= mass:
            return value
    return distribution[-1][0]


def _thin(distribution: Distribution) -> Distribution:
    """At most `_POINTS` points of equal mass where there are more."""
    if len(distribution) <= _POINTS:
        return distribution
    share = 1 / _POINTS
    return tuple((_at(distribution, (k + 0.5) * share), share) for k in range(_POINTS))
