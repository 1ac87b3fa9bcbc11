"""Comparison: verdicts, pairing, refusals, and the regression that a pipeline waits for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result
from torchup.bench.compare import Labelled, Verdict, compare, compare_sets, judge
from torchup.results.baselines import load_baseline


def labelled(*results, run="a"):
    """Results under the name of one run."""
    return [Labelled(run=run, result=item) for item in results]


def repeats(seconds, noise=0.01):
    """Five samples around a time."""
    return tuple(seconds * (1 + noise * step) for step in (-1, -0.5, 0, 0.5, 1))


@pytest.mark.parametrize(
    ("after", "verdict"), [(50.0, "faster"), (200.0, "slower"), (100.0, "same"), (102.0, "unclear")]
)
def test_verdicts(after, verdict):
    """A clear difference is one, no difference is one too, and what the noise may hide is unclear."""
    before = result(repeats=repeats(100.0, noise=0.005))
    candidate = result(seconds=after, repeats=repeats(after, noise=0.03 if verdict == "unclear" else 0.005))
    assert compare(labelled(before)[0], labelled(candidate)[0]).verdict == verdict


def test_single_runs_are_believed_only_when_far_apart():
    """Without repeats a tenth is unclear and a half is not."""
    base = labelled(result(seconds=100.0, repeats=(100.0,)))[0]
    near, far = (labelled(result(seconds=s, repeats=(s,)))[0] for s in (90.0, 50.0))
    assert compare(base, near).verdict is Verdict.UNCLEAR
    assert compare(base, far).verdict is Verdict.FASTER
    assert "compare.few-repeats" in {caveat.code for caveat in compare(base, far).caveats}


@given(st.floats(0.1, 10), st.floats(0.001, 0.5))
def test_turning_the_sides_round_turns_the_verdict_round(ratio, noise):
    """Faster one way is slower the other way, and same stays same."""
    low, high = ratio * (1 - noise), ratio * (1 + noise)
    opposite = {Verdict.FASTER: Verdict.SLOWER, Verdict.SLOWER: Verdict.FASTER}
    there = judge(ratio, (low, high), fewest=5)
    back = judge(1 / ratio, (1 / high, 1 / low), fewest=5)
    if there in opposite and 1 / ratio < 0.98:  # the noise band is 2 % on either side, not its reciprocal
        assert back is opposite[there]
    assert not (there is Verdict.FASTER and back is Verdict.FASTER)


def test_a_regression_needs_certainty_and_size():
    """Slower past the threshold is a regression; slower within it, or unclear, is not."""
    base = labelled(result(repeats=repeats(100.0)))
    slower = labelled(result(seconds=110.0, repeats=repeats(110.0)), run="b")
    assert compare_sets(base, slower, threshold=0.05).regressed
    assert not compare_sets(base, slower, threshold=0.15).regressed
    assert not compare_sets(base, slower).regressed
    noisy = labelled(result(seconds=110.0, repeats=repeats(110.0, noise=0.3)), run="b")
    assert not compare_sets(base, noisy, threshold=0.05).regressed


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"precision": "bf16"}, "precision"),
        ({"kind": "speedrun"}, "kind"),
        ({"parameters": {"epochs": 10, "batch": 512}}, "parameters.batch"),
    ],
)
def test_other_work_is_refused_and_named(change, key):
    """Another precision, another training or another batch is not set against the base, unless asked for."""
    base, candidate = labelled(result()), labelled(result(**change), run="b")
    report = compare_sets(base, candidate)
    assert not report.comparisons
    assert [d.key for d in report.refused[0].differences] == [key]
    assert compare_sets(base, candidate, across=frozenset({key.split(".")[0]})).comparisons


def test_another_machine_is_compared_and_named():
    """Comparing machines is the point, so they are compared, and every difference is listed."""
    other = result(machine={"os": "linux", "arch": "x86_64", "cpu": {"model": "Other CPU", "cores": 8, "threads": 16}})
    comparison = compare_sets(labelled(result()), labelled(other, run="b")).comparisons[0]
    keys = {difference.key for difference in comparison.differences}
    assert {"machine.cpu.model", "machine.cpu.cores"} <= keys


def test_fewer_epochs_are_compared_per_epoch():
    """A run that its budget cut short is measured by the epoch, and the caveat says so."""
    short = result(seconds=30.0, repeats=(30.0,), parameters={"epochs": 3, "batch": 64})
    comparison = compare_sets(labelled(result(repeats=(100.0,))), labelled(short, run="b")).comparisons[0]
    assert comparison.unit == "epoch"
    assert comparison.ratio == pytest.approx(1.0)
    assert "compare.epochs" in {caveat.code for caveat in comparison.caveats}


def test_same_devices_are_paired_first():
    """With a CPU and a GPU on both sides each meets its like."""
    gpu = {"device": "cuda:0", "device_name": "Example GPU"}
    base = labelled(result(), result(seconds=40.0, **gpu))
    candidate = labelled(result(seconds=90.0), result(seconds=30.0, **gpu), run="b")
    pairs = [(c.base.device, c.candidate.device) for c in compare_sets(base, candidate).comparisons]
    assert pairs == [("cpu", "cpu"), ("cuda:0", "cuda:0")]


def test_lower_accuracy_is_a_caveat():
    """A faster run that learns less is not praised without a word."""
    worse = result(seconds=10.0, quality={"test_accuracy": 0.9})
    comparison = compare_sets(labelled(result()), labelled(worse, run="b")).comparisons[0]
    assert "compare.accuracy" in {caveat.code for caveat in comparison.caveats}


def test_the_article_is_set_beside_every_device_and_marked():
    """All four published times meet this machine's script recipe, each marked as not measured here."""
    article = load_baseline("article")
    report = compare_sets(
        [Labelled(run="article", result=item) for item in article.results], labelled(result(seconds=108.0))
    )
    assert [round(c.ratio, 3) for c in report.comparisons] == [0.417, 0.7, 0.47, 1.015]
    assert all("compare.not-measured" in {caveat.code for caveat in c.caveats} for c in report.comparisons)
    assert {c.base.measured for c in report.comparisons} == {False}


def test_runs_of_different_length_are_compared_for_the_same_number_of_epochs():
    """Times of ten and of two epochs become times of ten; a run that does not count is taken as it is."""
    two = result(seconds=30.0, repeats=(30.0,), parameters={"epochs": 2})
    one = compare(labelled(result(repeats=(100.0,)))[0], labelled(two)[0])
    assert (one.unit, one.amount, one.candidate.median, one.candidate.measured_amount) == ("epoch", 10, 150.0, 2)
    silent = compare(labelled(result(repeats=(100.0,)))[0], labelled(result(seconds=30.0, parameters={}))[0])
    assert (silent.unit, silent.candidate.median) == ("run", 30.0)
