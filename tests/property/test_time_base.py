"""One time base: whatever mixture of epochs, repeats and devices is shown, every view gives the same ratios."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result, run
from torchup.bench.assemble import quality_problems, with_request
from torchup.bench.compare import Labelled, compare
from torchup.bench.stats import with_statistics
from torchup.bench.timebase import asked, common, done, for_request, seconds_for
from torchup.bench.workloads import REGISTRY
from torchup.report.bench_text import bench_text
from torchup.report.html import page
from torchup.report.html_entry import entries_of
from torchup.report.results_export import to_csv, to_markdown
from torchup.report.results_text import ladder, list_text
from torchup.report.style import Style
from torchup.results.baselines import load_baseline
from torchup.results.store import Listing

WIDE = Style(width=400, unicode=True)
RECIPES = ("script", "loader", "resident", "graph", "fused", "best")
DEVICES = {"cpu": "Example CPU", "cuda:0": "Example GPU", "mps": "Example M1"}


@st.composite
def measured(draw):
    """Results of different recipes, devices, repeats, epochs trained (also a part of one) and epochs asked for."""
    found = []
    for recipe in draw(st.lists(st.sampled_from(RECIPES), min_size=2, max_size=5, unique=True)):
        device = draw(st.sampled_from(list(DEVICES)))
        epochs = draw(st.one_of(st.integers(1, 20), st.floats(0.05, 0.95)))
        rate = draw(st.floats(0.05, 50))
        wiggles = draw(st.lists(st.floats(0.9, 1.1), min_size=1, max_size=7))
        found.append(
            with_statistics(
                result(
                    recipe, rate * epochs, device=device, device_name=DEVICES[device], ci95=None, median=None,
                    repeats=tuple(rate * epochs * wiggle for wiggle in wiggles), kind="same-math",
                    parameters={"epochs": epochs, "epochs_asked": max(int(epochs) or 1, draw(st.integers(1, 20)))},
                )
            )
        )  # fmt: skip
    return found


def rate_of(one):
    """Seconds an epoch, straight from the samples."""
    return one.median / done(one).count


@given(measured())
def test_every_view_gives_one_set_of_ratios(results):
    """Table, comparison, page, list, export: the ratio of two results is that of their seconds an epoch."""
    base, amount = results[0], common(results)
    shown = entries_of([run(*results), load_baseline("article")])
    entries = {(e.result.recipe, e.result.device): e for e in shown if not e.published}
    rows = list(csv.DictReader(io.StringIO(to_csv(run(*results)))))
    for other, row in zip(results[1:], rows[1:], strict=True):
        true = rate_of(base) / rate_of(other)
        assert seconds_for(base, amount).seconds / seconds_for(other, amount).seconds == pytest.approx(true)
        assert compare(Labelled(run="a", result=base), Labelled(run="b", result=other)).ratio == pytest.approx(true)
        pair = entries[base.recipe, base.device], entries[other.recipe, other.device]
        assert pair[0].seconds / pair[1].seconds == pytest.approx(true)
        for one, line in ((base, rows[0]), (other, row)):
            assert float(line["seconds_for_request"]) == pytest.approx(rate_of(one) * asked(one).count)
            assert (line["extrapolated"] == "true") == (done(one).count < asked(one).count)


@given(measured())
def test_what_is_printed_is_what_was_computed(results):
    """The seconds and speed-ups in the table, in Markdown and on the page are those of the one time base."""
    amount = common(results)
    ordered = sorted(results, key=rate_of, reverse=True)
    slowest, fastest = ordered[0], ordered[-1]
    shown = f"{rate_of(slowest) / rate_of(fastest):.12g}"
    assert ladder(results, WIDE).splitlines()[0].startswith(f"mnist, number of epochs: {_count(amount.count)}")
    speedups = [float(cell) for cell in re.findall(r"([0-9.]+)x", ladder(results, WIDE))]
    assert max(speedups) == pytest.approx(float(shown), rel=0.01)
    markdown = [float(cell) for cell in re.findall(r"([0-9.]+)x", to_markdown(run(*results)))]
    assert max(markdown) == pytest.approx(float(shown), rel=0.01)
    assert f"time of {_count(max(amount.count, 10))} epochs" in page([run(*results)], baseline=load_baseline("article"))
    listed = list_text(Listing(runs=(run(*results),)), WIDE)
    assert any(one.recipe in listed for one in results if rate_of(one) == rate_of(fastest))


def _count(value):
    return str(int(value)) if value == int(value) else None


@given(measured(), st.integers(1, 40))
def test_the_amount_shown_changes_no_ratio(results, epochs):
    """Ten epochs or forty: times grow alike, intervals and samples with them."""
    amount = common(results)
    for one in results:
        few, many = seconds_for(one, amount), seconds_for(one, type(amount)(unit="epoch", count=epochs))
        factor = epochs / amount.count
        assert many.seconds == pytest.approx(few.seconds * factor)
        assert many.samples == pytest.approx([seconds * factor for seconds in few.samples])
        assert few.interval is None or many.interval == pytest.approx([bound * factor for bound in few.interval])


@given(measured(), st.integers(1, 900))
def test_an_accuracy_of_a_cut_training_says_of_how_much_it_is_and_is_never_judged(results, steps):
    """Terminal, Markdown, page, CSV and the answer: no bare accuracy, no judgement, unless all epochs were trained."""
    shown = []
    for one in results:
        parameters = {**one.parameters, "steps": steps}
        low = msgspec.structs.replace(one, parameters=parameters, quality={"test_accuracy": 0.1029}, cut=None)
        shown.append(with_request(low))
    bare = [one for one in shown if done(one).count >= asked(one).count]
    assert [one.cut is None for one in shown] == [one in bare for one in shown]
    workload = msgspec.structs.replace(REGISTRY["mnist"], accuracy_epochs=0)
    assert len(quality_problems(tuple(shown), workload)) == len(bare)
    for one in shown:
        views = [ladder([one], WIDE), to_markdown(run(one)), page([run(one)], baseline=load_baseline("article"))]
        for view in views:
            accuracies = view.count("10.29 %")
            assert accuracies >= 1
            assert one in bare or view.count(f"{steps} of {one.cut.steps_asked} steps") >= accuracies
        row = next(csv.DictReader(io.StringIO(to_csv(run(one)))))
        assert row["cut_steps"] == ("" if one in bare else str(steps))


def test_the_readers_one_line_stands_first_and_says_slower_as_such():
    """One epoch of 49.2 s is about 492 s for ten, beside the article's 45 s: 10.9 times slower."""
    slow = result("script", 49.2, kind="replica", median=49.2, parameters={"epochs": 1, "epochs_asked": 10})
    first = bench_text([slow], WIDE, baseline=load_baseline("article")).splitlines()[0]
    assert first.startswith(
        "The article's program (10 epochs) takes about 492.00 s here and 45.02 s on the RTX 3070 Ti Laptop"
    )
    assert first.endswith("10.9 times slower")
    assert for_request(slow).extrapolated
    assert "10.9x slower" in bench_text([slow], WIDE, baseline=load_baseline("article"))
