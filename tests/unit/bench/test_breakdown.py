"""Where the time went: parts from differences of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result
from torchup.bench.breakdown import Alone, advise, explain_sum, split, sum_check, with_breakdowns
from torchup.model import Breakdown, Result

TIME = st.floats(0.001, 1000)
PARTS = ("input", "start", "transfer", "launch", "compute", "other")


def total(parts: Breakdown) -> float:
    """Sum of the known parts."""
    return sum(getattr(parts, name) or 0.0 for name in PARTS)


def test_a_script_that_waits_for_its_loader_says_so():
    """4.5 s an epoch, its steps alone 1.2 s, 0.2 s in a graph: 3.2 s of loader, 1 s of launches, 0.1 s of copies."""
    seconds = {"script": 4.5, "resident": 1.0, "graph": 0.2}
    parts = split("script", 10, seconds, Alone(input=3.0, transfer=0.1, steps=1.2))
    assert parts.input == pytest.approx(32.0)
    assert parts.transfer == pytest.approx(1.0)
    assert parts.launch == pytest.approx(10.0)
    assert parts.compute == pytest.approx(2.0)
    assert parts.other == pytest.approx(0.0)


def test_a_loader_on_the_same_processors_costs_more_than_it_takes_alone():
    """On a CPU two workers and the training take turns: all of it is the loader's, none of it unexplained."""
    parts = split("script", 1, {"script": 11.9, "resident": 2.4, "fused": 0.5}, Alone(input=4.2, transfer=0, steps=4.0))
    assert parts.input == pytest.approx(7.9)
    assert parts.launch == pytest.approx(3.5)
    assert parts.other == pytest.approx(0.0)


def test_resident_is_split_by_its_own_steps():
    """The steps of the script, slower than those of `resident`, say nothing of `resident`."""
    parts = split("resident", 1, {"script": 11.9, "resident": 2.4, "fused": 0.5}, Alone(steps=4.0))
    assert parts.launch == pytest.approx(1.9)
    assert total(parts) == pytest.approx(2.4)


def test_without_a_lean_recipe_launch_is_unknown_and_not_zero():
    """What could not be told apart is None."""
    parts = split("script", 1, {"script": 4.0, "resident": 1.0}, Alone(input=3.5, transfer=0.0))
    assert parts.launch is None
    assert parts.compute == pytest.approx(1.0)


def test_without_resident_nothing_is_claimed():
    """A run alone cannot be split by differences."""
    assert split("script", 1, {"script": 4.0}, Alone()) is None


@given(script=TIME, resident=TIME, graph=TIME, alone=st.tuples(TIME, TIME, TIME), epochs=st.integers(1, 20))
def test_parts_are_never_negative_and_never_exceed_the_run_that_holds_them(script, resident, graph, alone, epochs):
    """Whatever noise does to the runs, no part is negative; with an orderly ladder the parts sum to the whole."""
    seconds = {"script": script, "resident": resident, "graph": graph}
    for recipe, one in seconds.items():
        parts = split(recipe, epochs, seconds, Alone(input=alone[0], transfer=alone[1], steps=alone[2]))
        assert all((getattr(parts, name) or 0.0) >= 0 for name in PARTS)
        assert total(parts) <= one * epochs * (1 + 1e-9)
        if script >= resident >= graph:
            assert total(parts) == pytest.approx(one * epochs)


def test_the_sum_check_shows_overlap():
    """Loader and training side by side: the parts alone are more than the whole."""
    assert sum_check({"script": 4.0}, Alone(input=3.0, transfer=0.0, steps=2.0)) == pytest.approx(1.25)
    assert sum_check({"script": 4.0}, Alone(input=3.0)) is None


def made(recipe, seconds, device="cuda:0"):
    """A measured result of ten epochs."""
    return Result(
        workload="mnist", recipe=recipe, device=device, device_name="H100", seconds=seconds, parameters={"epochs": 10}
    )


def test_results_of_one_device_explain_each_other_and_not_those_of_another():
    """The CPU's runs do not enter the GPU's breakdown."""
    results = (made("script", 45.0), made("resident", 5.0), made("script", 100.0, "cpu"))
    explained = with_breakdowns(results, {"cuda:0": Alone(input=4.2, transfer=0.01, steps=0.6)})
    assert explained[0].breakdown.input == pytest.approx(38.9)
    assert explained[0].parameters["breakdown_sum_check"] == pytest.approx((4.2 + 0.01 + 0.6) / 4.5)
    assert explained[2].breakdown is None


def test_advice_names_the_wait_and_what_to_do():
    """Over half of the time in the loader: one sentence with the share and the faster recipe."""
    explained = with_breakdowns((made("script", 45.0), made("resident", 5.0)), {"cuda:0": Alone(input=4.2, transfer=0)})
    sentence = str(advise(explained[0], explained[1:]))
    assert "89 %" in sentence
    assert "H100" in sentence
    assert "`resident`" in sentence
    assert "9.0x" in sentence
    assert advise(explained[1], explained[:1]) is None


def test_the_sum_of_an_epoch_cut_after_a_few_steps_explains_nothing():
    """Twenty steps have no rate to reason from; five hundred do, and so does a whole epoch."""
    for steps, epochs, said in ((20, 0.02, False), (500, 0.53, True), (938, 1, True)):
        parameters = {"epochs": epochs, "epochs_asked": 1, "steps": steps, "breakdown_sum_check": 2.3}
        assert (explain_sum(result("script", 10.0, parameters=parameters)) is not None) == said
