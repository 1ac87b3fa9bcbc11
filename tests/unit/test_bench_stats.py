"""Statistics of repeats: known values, exactness against simulation, and what may never happen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result, telemetry
from torchup.bench import stats
from torchup.bench.stability import advice
from torchup.model import Spread

times = st.lists(st.floats(min_value=1e-3, max_value=1e3), min_size=1, max_size=12)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 11])
def test_the_exact_bootstrap_agrees_with_simulation(count):
    """The closed form gives the interval that ten thousand random resamples give."""
    source = random.Random(count)  # noqa: S311  # a simulation
    samples = [source.gauss(10, 1) for _ in range(count)]
    drawn = sorted(stats.median(source.choices(samples, k=count)) for _ in range(10_000))
    low, high = stats.median_interval(samples)
    exact = stats.median_distribution(samples)
    for bound in (low, high):
        simulated = sum(value <= bound for value in drawn) / len(drawn)
        assert simulated == pytest.approx(sum(p for value, p in exact if value <= bound), abs=0.02)


@given(times)
def test_a_distribution_has_mass_one_and_stays_inside_the_samples(samples):
    """Probabilities add up to one and no median lies outside what was measured."""
    exact = stats.median_distribution(samples)
    assert sum(p for _, p in exact) == pytest.approx(1)
    assert all(p >= -1e-12 for _, p in exact)
    assert min(samples) <= exact[0][0] <= exact[-1][0] <= max(samples)


@given(times, st.floats(min_value=0.01, max_value=100))
def test_statistics_follow_the_unit(samples, factor):
    """Measuring in another unit scales the interval and changes no verdict."""
    one, other = stats.summarise(samples), stats.summarise([s * factor for s in samples])
    assert other.median == pytest.approx(one.median * factor)
    if one.ci95 is not None:
        assert other.ci95 == pytest.approx([bound * factor for bound in one.ci95])
        assert one.ci95[0] <= one.median <= one.ci95[1]


@given(times, times)
def test_a_ratio_interval_turns_round_with_its_sides(left, right):
    """The interval of b/a is the reciprocal of that of a/b, but for the step of a discrete distribution."""
    there, back = stats.ratio_interval(left, right), stats.ratio_interval(right, left)
    if there is None or back is None:
        assert min(len(left), len(right)) == 1
    else:
        assert there[0] <= 1.0000001 / back[0] * 1.0000001 or there[0] <= there[1]
        assert min(left) / max(right) * 0.999999 <= there[0] <= there[1] <= max(left) / min(right) * 1.000001


def test_a_far_sample_is_flagged_and_kept():
    """An outlier is named by position and still counts in maximum and interval."""
    samples = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 3.0]
    summary = stats.summarise(samples)
    assert summary.outliers == (6,)
    assert summary.maximum == 3.0


def test_equal_samples_have_no_outliers():
    """A clock that repeats itself flags nothing."""
    assert stats.outliers([1.0] * 9) == ()


def test_half_equal_samples_still_flag_a_far_one():
    """Where the MAD is zero the mean deviation takes its place."""
    assert stats.outliers([1.0] * 7 + [1.001, 5.0]) == (8,)


def test_few_repeats_give_no_stability():
    """Two samples say nothing about noise, one has no interval."""
    assert stats.summarise([1.0, 1.0]).stable is None
    assert stats.summarise([1.0]).ci95 is None


@pytest.mark.parametrize(
    ("samples", "stable"),
    [
        ([1.0, 1.01, 0.99, 1.0, 1.0], True),
        ([1.0, 1.3, 0.7, 1.2, 0.8], False),
        ([1.0, 1.0, 1.0, 1.05, 1.05, 1.05], False),
    ],
)
def test_spread_and_drift_decide_stability(samples, stable):
    """A wide middle half or a trend makes a measurement unstable."""
    assert stats.summarise(samples).stable is stable


def test_a_result_gets_its_statistics_from_its_raw_samples():
    """Median, interval, outliers and verdict come from repeats and from nothing else."""
    raw = result(repeats=(2.0, 1.0, 3.0, 1.5, 2.5), median=None, ci95=None, stable=None)
    done = stats.with_statistics(raw)
    assert (done.median, done.ci95, done.stable) == (2.0, (1.0, 3.0), False)
    assert done.repeats == raw.repeats


@pytest.mark.parametrize(("count", "level"), [(2, 0.5), (3, 0.75), (5, 0.9375), (7, 0.875)])
def test_the_level_of_an_interval_is_what_so_few_samples_can_keep(count, level):
    """The bootstrap promises 95 %; order statistics say what an interval of the median really covers."""
    assert stats.interval_level(count) == pytest.approx(level)
    assert stats.interval_level(1) is None


@given(st.integers(2, 60))
def test_a_level_is_a_chance(count):
    """Never above 1, and never a claim below even odds."""
    assert 0.5 <= stats.interval_level(count) <= 1


def test_no_samples_is_an_error():
    """There is no median of nothing."""
    with pytest.raises(ValueError, match="no samples"):
        stats.summarise([])


def codes(value):
    """The codes of a result's advice."""
    return [notice.code.removeprefix("stability.") for notice in advice(value)]


def test_advice_names_each_disturbance():
    """Throttling, battery, heat, strangers on the GPU and a busy host are each said."""
    hot = Spread(minimum=50, median=80, maximum=93, first=50, last=93)
    watched = telemetry(
        throttle=("thermal",), on_battery=True, temperature_celsius=hot, other_processes=2, load_average=3.0,
        governor="powersave", power_limit_watts=80.0, power_limit_default_watts=115.0,
    )  # fmt: skip
    found = codes(result(telemetry=watched))
    wanted = ["throttle", "power-limit", "battery", "hot", "other-processes", "busy-host", "few-repeats", "governor"]
    assert sorted(found) == sorted(wanted)


def test_a_quiet_run_needs_no_advice():
    """Nothing is said where nothing is wrong."""
    assert codes(result(telemetry=telemetry(), repeats=(1.0, 1.01, 0.99, 1.0, 1.0))) == []


def test_advice_names_noise_drift_and_shortness():
    """Few repeats, a wide spread, a trend, an outlier and microseconds are each said."""
    assert codes(result(repeats=(1.0,))) == ["few-repeats"]
    assert "noisy" in codes(result(repeats=(1.0, 1.3, 0.7, 1.3, 0.7)))
    assert "drift" in codes(result(repeats=(1.0, 1.0, 1.0, 1.1, 1.1, 1.1)))
    assert "warming" in codes(result(repeats=(1.1, 1.1, 1.1, 1.0, 1.0, 1.0)))
    assert "outliers" in codes(result(repeats=(1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 3.0)))
    assert "short" in codes(result(repeats=(1e-5, 1e-5, 1e-5)))


def test_a_laptop_that_slows_down_is_told():
    """Six epochs of 10 s and six of 15 s: the rate of the first minute, the rate after it, and the advice."""
    times = [10.0] * 6 + [15.0] * 6
    hot = result(seconds=150.0, samples_per_second=4800.0, repeats=(150.0,), parameters={"epoch_seconds": times})
    done = stats.with_statistics(hot)
    assert done.first_minute_rate == pytest.approx(6000)
    assert done.sustained_rate == pytest.approx(4000)
    assert "sustained" in codes(done)


def test_a_laptop_that_keeps_its_speed_is_told_its_figures_and_a_short_run_how_long_it_should_be():
    """Steps count as epochs do; a battery makes a laptop, and 6 epochs of 2 s become the 50 that take 99 s."""
    steps = result(
        seconds=120.0, samples_per_second=10.0, curves={stats.STEP_CURVE: tuple((n, 1.0) for n in range(120))}
    )
    done = stats.with_statistics(steps)
    assert (done.first_minute_rate, done.sustained_rate) == (pytest.approx(10), pytest.approx(10))
    assert "kept-speed" in codes(done)
    short = result(telemetry=telemetry(on_battery=False), parameters={"epoch_seconds": [2.0] * 6})
    (notice,) = [notice for notice in advice(short) if notice.code == "stability.laptop"]
    assert dict(notice.text.values)["epochs"] == 50
    assert "laptop" not in codes(result(telemetry=telemetry(on_battery=None), parameters={"epoch_seconds": [2.0] * 6}))


@pytest.mark.parametrize("times", [[], [10.0] * 6, "x", [80.0]])
def test_short_runs_have_no_sustained_rate(times):
    """Less than a minute and a half says nothing about heat."""
    assert stats.sustained_rates(result(parameters={"epoch_seconds": times})) == (None, None)


def test_one_long_epoch_has_no_later_rate():
    """A first epoch of two minutes is all there is."""
    first, later = stats.sustained_rates(result(seconds=120.0, parameters={"epoch_seconds": [120.0]}))
    assert first is not None
    assert later is None
