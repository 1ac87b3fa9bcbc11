"""A budget over all children: whatever is measured, and however they start, the whole ends within 1.3 of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bench import WorkerHost
from torchup.bench.request import BenchRequest
from torchup.bench.runner import run_benchmark
from torchup.bench.workloads import REGISTRY
from torchup.errors import BenchError, UsageError

DEVICES = ("cpu", "cuda:0")


class Clocked(WorkerHost):
    """Time passes only while a child runs: its start-up, then what its budget leaves, at least a part of it."""

    def __init__(self, start_up, program=None):
        super().__init__(self.child)
        self.clock, self.started, self.start_up, self.program = 0.0, 0.0, start_up, program

    def monotonic(self):
        """Seconds."""
        return self.clock

    def child(self, _, request):
        """One child from its start to its end."""
        if request.get("action"):
            known = {"torch": "2", "python": "3", "devices": [{"device": name} for name in DEVICES]}
            return [json.dumps({"devices": known})], 0, ""
        took = max(request["budget"] - self.start_up, 0.3 * request["budget"])
        took = took if self.program is None else min(self.program, request["budget"])
        self.started += self.start_up
        self.clock += self.start_up + took
        final = {"result": {"seconds": took or 1e-9, "torch": "2", "python": "3", "parameters": {}}}
        if self.program is not None and took < self.program:
            final = {"error": {"code": "SaidError", "said": {"code": "program-outran", "values": {"seconds": took}}}}
        return [json.dumps(final)], 0, ""


@given(
    name=st.sampled_from(sorted(REGISTRY)), budget=st.floats(1, 600), repeats=st.integers(1, 6),
    start_up=st.floats(0, 20), every=st.booleans(), threads=st.integers(1, 3), until=st.sampled_from([None, 0.01]),
)  # fmt: skip
def test_all_children_together_keep_the_budget(name, budget, repeats, start_up, every, threads, until):
    """Any workload, all recipes on all devices, repeats, a sweep, until it is steady."""
    workload = REGISTRY[name]
    sweep = {workload.settings[0]: tuple(range(1, 1 + threads))}
    host = Clocked(start_up, program=7.0 if workload.indivisible else None)
    request = BenchRequest(
        workload=name, recipes=("all",) if every else (), devices=("all",), repeats=repeats, budget=budget, sweep=sweep,
        until=until,
    )  # fmt: skip
    try:
        run_benchmark(host, "python", request)
    except BenchError:
        assert workload.indivisible
    assert host.clock - host.started <= 1.3 * budget + 1e-6


def test_a_program_is_repeated_as_often_as_there_is_time_and_never_cut():
    """Ten seconds a run, a budget of thirty-five, five repeats asked for: three, and it is said."""
    host = Clocked(0.0, program=10.0)
    request = BenchRequest(workload="run", program=("true",), budget=35.0, repeats=5)
    (result,) = run_benchmark(host, "python", request).results
    assert result.repeats == (10.0, 10.0, 10.0)
    assert [(note.code, note.values) for note in result.notes] == [("repeats-cut", {"done": 3, "asked": 5})]


@pytest.mark.parametrize(("workload", "options"), [
    ("launch", {"batch": 4}), ("mnist", {"size": 32}), ("gpt", {"epochs": 2}), ("conv", {"workers": 1}),
    ("cifar-resnet", {"images": 100}), ("matmul", {"model": "resnet18"}),
])  # fmt: skip
def test_an_option_that_a_workload_does_not_have_is_said_and_not_ignored(workload, options):
    """Exit 2 with what it has; nothing is measured as if the option had not been there."""
    with pytest.raises(UsageError) as caught:
        run_benchmark(Clocked(0.0), "python", BenchRequest(workload=workload, **options))
    assert next(iter(options)) in str(caught.value.text)
    assert "threads" in str(caught.value.hint)
