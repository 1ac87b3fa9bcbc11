"""Sweeps of a setting, and repeating until the interval is narrow enough."""

from __future__ import annotations

import json

import pytest

from support.bench import WorkerHost
from torchup.bench.request import BenchRequest
from torchup.bench.runner import run_benchmark
from torchup.bench.stats import relative_error
from torchup.cli import main
from torchup.errors import UsageError
from torchup.model import RecipeKind
from torchup.report.results_text import recipe_text

DEVICES = {"torch": "2.13.0", "python": "3.12.1", "devices": [{"device": "cpu"}], "workloads": ["gpt", "launch"]}


def worker(seconds):
    """A machine whose runs take ``seconds(request, number)``."""
    count = iter(range(1000))

    def answer(_, request):
        if request.get("action"):
            return [json.dumps({"devices": DEVICES})], 0, ""
        result = {"seconds": seconds(request, next(count)), "torch": "2", "python": "3", "parameters": {}}
        return [json.dumps({"result": result})], 0, ""

    return WorkerHost(answer)


def measure(machine, **options):
    """Results of a request."""
    return run_benchmark(machine, "python", BenchRequest(devices=("cpu",), **options)).results


def test_every_combination_is_measured_and_named():
    """Two batches and two numbers of threads are four results, each with its own setting and repeats."""
    machine = worker(lambda request, _: request["batch"] / request["threads"])
    results = measure(machine, workload="gpt", sweep={"batch": (4, 8), "threads": (1, 2)}, repeats=2)
    found = {(one.parameters["sweep"]["batch"], one.parameters["sweep"]["threads"]): one for one in results}
    assert {key: one.repeats for key, one in found.items()} == {
        (4, 1): (4.0, 4.0), (4, 2): (2.0, 2.0), (8, 1): (8.0, 8.0), (8, 2): (4.0, 4.0),
    }  # fmt: skip
    assert recipe_text(found[8, 2]) == "default batch=8 threads=2"


def test_a_setting_that_a_workload_lacks_is_a_usage_error():
    """`launch` has no batch; the hint names what it has."""
    with pytest.raises(UsageError) as caught:
        measure(worker(lambda *_: 1.0), workload="launch", sweep={"batch": (4,)})
    assert "threads" in str(caught.value.hint)


@pytest.mark.parametrize("value", ["batch", "batch=", "batch=a", "batch=0", "colour=3", "batch=-4"])
def test_a_sweep_that_cannot_be_read_is_exit_2(value, capsys):
    """The sentence says how one is written."""
    assert main(["bench", "gpt", "--sweep", value]) == 2
    assert "NAME=NUMBER" in capsys.readouterr().err


def test_runs_are_repeated_until_their_interval_is_narrow():
    """Noise in the first repeats asks for more of them; a steady machine is done after five."""
    steady = measure(worker(lambda *_: 1.0), workload="launch", until=0.01)
    assert len(steady[0].repeats) == 5
    noisy = measure(worker(lambda _, n: 2.0 if n in {1, 3} else 1.0), workload="launch", until=0.01)
    assert len(noisy[0].repeats) > 5
    assert relative_error(noisy[0].repeats) <= 0.01


def test_a_machine_that_never_calms_down_ends_at_the_most():
    """A hundred repeats are all that is tried."""
    wild = measure(worker(lambda _, n: 1.0 + n % 2), workload="launch", until=0.0001)
    assert len(wild[0].repeats) == 100


def test_another_batch_is_another_training():
    """Recipes written for 64 sit it out; it is outside the ladder, held against its own kind, and not judged."""

    def answer(_, request):
        if request.get("action"):
            return [json.dumps({"devices": DEVICES})], 0, ""
        batch = request.get("batch", 64)
        found = {
            "seconds": 10.0, "torch": "2", "python": "3", "epoch_seconds": [1.0] * 10,
            "quality": {"test_accuracy": 0.98 if batch == 64 else 0.5}, "losses": [2.3 * batch, 2.2],
            "parameters": {"epochs": 10, "epochs_asked": 10, "batch": batch},
        }  # fmt: skip
        return [json.dumps({"result": found})], 0, ""

    request = BenchRequest(devices=("cpu",), recipes=("script", "resident", "fused"), sweep={"batch": (64, 256)})
    outcome = run_benchmark(WorkerHost(answer), "python", request)
    found = {(one.recipe, one.parameters["batch"]): one for one in outcome.results}
    assert set(found) == {("script", 64), ("resident", 64), ("fused", 64), ("script", 256), ("resident", 256)}
    assert {key: one.kind for key, one in found.items() if key[1] == 256} == dict.fromkeys(
        [("script", 256), ("resident", 256)], RecipeKind.SPEEDRUN
    )
    assert found["script", 64].kind is RecipeKind.REPLICA
    assert not outcome.problems
    assert all(one.parameters["loss_difference"] == 0 for one in outcome.results)
    with pytest.raises(UsageError):
        run_benchmark(WorkerHost(answer), "python", BenchRequest(devices=("cpu",), recipes=("fused",), batch=256))
