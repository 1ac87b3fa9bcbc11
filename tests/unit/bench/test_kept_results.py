"""Nothing measured is lost: results reach the store as they come, whatever ends torchup, and a run can be continued."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bench import WorkerHost
from support.results import result, run
from torchup.bench.journal import Journal
from torchup.bench.request import BenchRequest
from torchup.bench.runner import Listener, go_on, run_benchmark
from torchup.cli import main
from torchup.cli.session import Session
from torchup.encoding import from_json, to_json
from torchup.host import RealHost
from torchup.results import store
from torchup.results.fit import CURVE_LIMIT, thinned
from torchup.results.schema import parse_run, to_text

TESTS = Path(__file__).parents[2]
RECIPES = ("script", "resident", "fused")
TASKS = 2 * len(RECIPES)  # two repeats
DEVICES = {"torch": "2.13.0", "python": "3.12.1", "devices": [{"device": "cpu"}], "workloads": ["mnist"]}


def final(request):
    """A worker's last line."""
    if request.get("action"):
        return {"devices": DEVICES}
    if request.get("probe"):
        alone = {"input": 0.3, "start": 0.01, "transfer": 0.0, "steps": 0.5}
        return {"result": {"seconds": 1.0, "torch": "2", "python": "3", "parameters": {"alone": alone}}}
    measured = {
        "seconds": 10.0, "samples": 600_000, "epoch_seconds": [1.0] * 10, "quality": {"test_accuracy": 0.981},
        "torch": "2.13.0", "python": "3.12.1", "parameters": {"epochs": 10, "epochs_asked": 10},
    }  # fmt: skip
    return {"result": measured}


def host(answer=final):
    """A machine whose worker answers so."""
    return WorkerHost(lambda _, request: ([json.dumps(answer(request))], 0, ""))


def measure(machine, keeper):
    """Three recipes twice, each result kept as it comes."""
    listener = Listener(keep=lambda journal, found: keeper.keep(found, to_json(journal)))
    request = BenchRequest(recipes=RECIPES, devices=("cpu",), repeats=2)
    return run_benchmark(machine, "/env/bin/python", request, listener=listener)


def measurements(machine):
    """How many runs a machine was asked for, parts measured alone aside."""
    return sum("recipe" in request and "probe" not in request for request, _ in machine.requests)


KILLED = """
    import os, signal, sys
    sys.path[:0] = [{tests!r}, {here!r}]
    import test_kept_results as kept
    from torchup.host import RealHost
    from torchup.results import store
    left = {after} + 1  # the look at the environment is a request too
    def answer(request):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return kept.final(request)
    kept.measure(kept.host(answer), store.Keeper(RealHost(), print))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("after", range(1, TASKS + 1))
def test_a_kill_after_each_result_loses_none_and_the_run_goes_on(after):
    """SIGKILL at any moment: the file holds what was measured, and going on measures only the rest."""
    code = textwrap.dedent(KILLED).format(tests=str(TESTS), here=str(Path(__file__).parent), after=after)
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    (stored,) = store.list_runs(RealHost()).runs
    assert sum(len(one.repeats) for one in stored.results) == after
    name, content = store.unfinished(RealHost())
    assert name == stored.id
    machine, keeper = host(), store.Keeper(RealHost(), print, stored)
    outcome = go_on(machine, from_json(content, Journal), listener=Listener())
    assert measurements(machine) == TASKS - after
    assert {one.recipe: len(one.repeats) for one in outcome.results} == dict.fromkeys(RECIPES, 2)
    assert keeper.finish(outcome.results).endswith(f"{stored.id}.json")
    assert store.unfinished(RealHost()) is None


def test_ctrl_c_keeps_what_is_there_and_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    """Exit 130, the run's name, the command; `--resume` then measures the rest and leaves no journal."""
    machine = host()
    calls = iter(range(100))

    def answer(_, request):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return [json.dumps(final(request))], 0, ""

    machine.answer = answer
    monkeypatch.setattr("torchup.cli.run.Session", lambda: Session(host=machine))
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setattr("torchup.cli.bench.detect_machine", lambda _: None)
    command = ["bench", "--python", str(python), "--recipe", ",".join(RECIPES), "--device", "cpu"]
    assert main(command) == 130
    said = capsys.readouterr().err
    (stored,) = store.list_runs(RealHost()).runs
    assert len(stored.results) == 2
    assert stored.id in said
    assert "bench --resume" in said
    machine.answer = lambda _, request: ([json.dumps(final(request))], 0, "")
    assert main(["bench", "gpt", "--epochs", "7", "--resume", "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)["data"]) == 3
    (ignored,) = [one["text"] for one in json.loads(said.out)["messages"] if one["code"] == "bench.resume.ignored"]
    assert ignored.endswith("ignored: WORKLOAD, --epochs")  # not --resume, nor what shows the answer
    assert [one.id for one in store.list_runs(RealHost()).runs] == [stored.id]
    assert main(["bench", "--resume"]) == 2


def test_ctrl_c_before_the_first_result_goes_on_inside_the_training(monkeypatch, capsys, tmp_path):
    """The journal is there from the start; the same task finds its checkpoint again; nothing is left at the end."""
    machine, asked = host(), []

    def answer(_, request):
        if request.get("recipe"):
            asked.append(request["checkpoint"])
            if len(asked) == 1:
                assert Path(asked[0]).parent.is_dir()
                raise KeyboardInterrupt
        return [json.dumps(final(request))], 0, ""

    machine.answer = answer
    monkeypatch.setattr("torchup.cli.run.Session", lambda: Session(host=machine))
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setattr("torchup.cli.bench.detect_machine", lambda _: None)
    command = ["bench", "images", "--python", str(python), "--recipe", "loader,cached", "--device", "cpu"]
    assert main(command) == 130
    assert "bench --resume" in capsys.readouterr().err
    assert store.list_runs(RealHost()).runs == ()
    assert main(["bench", "--resume", "--json"]) == 0
    assert asked[0] in asked[1:]
    assert len(set(asked)) == 2
    assert not Path(asked[0]).parent.exists()
    assert [len(one.results) for one in store.list_runs(RealHost()).runs] == [2]
    assert main(["bench", "--resume"]) == 2


def test_a_failure_late_in_the_run_ends_in_exit_6_with_every_result(monkeypatch, capsys, tmp_path):
    """A recipe or a part measured alone that fails is a message of the answer, beside its results."""

    def answer(request):
        if request.get("recipe") == "fused" or request.get("probe"):
            said = {"code": "no-compiler", "values": {}}
            return {"error": {"code": "CompilerError", "said": said}}
        return final(request)

    monkeypatch.setattr("torchup.cli.run.Session", lambda: Session(host=host(answer)))
    monkeypatch.setattr("torchup.cli.bench.detect_machine", lambda _: None)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    code = main(["bench", "--python", str(python), "--recipe", ",".join(RECIPES), "--device", "cpu", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["exit_code"], document["status"]) == (6, 6, "error")
    assert [one["recipe"] for one in document["data"]] == ["script", "resident"]
    problems = [one["text"] for one in document["messages"] if one["level"] == "error"]
    assert len(problems) == 2
    assert all("cannot use a C++ compiler" in text for text in problems)


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
JSON = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=20), st.none(), st.booleans(), st.integers(-10, 10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=20,
)


@given(
    points=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), times=st.integers(1, 900), curves=st.integers(1, 4),
    quality=st.dictionaries(st.text(max_size=8), NUMBERS, max_size=4),
    parameters=st.dictionaries(st.text(max_size=5), JSON),
    words=st.integers(0, 5000),
)  # fmt: skip
def test_any_run_that_is_written_can_be_read(points, times, curves, quality, parameters, words):
    """Curves of any length, numbers that are none, long texts, deep parameters: the file is readable."""
    quality.pop("test_accuracy", None)
    parameters = {
        name: value for name, value in parameters.items() if name not in {"epochs", "epochs_asked", "scaling"}
    }
    long = {f"curve {number}": tuple(points * times) for number in range(curves)}
    raw = {name: tuple(x for x, _ in curve) for name, curve in long.items()}
    one = result(curves=long, raw=raw, quality=quality, parameters=parameters, environment={"x": "y" * words})
    read = parse_run(to_text(run(one)), name="x.json")
    assert all(len(curve) <= CURVE_LIMIT for curve in read.results[0].curves.values())
    assert all(len(taken) <= CURVE_LIMIT for taken in read.results[0].raw.values())


def test_two_gpus_with_twenty_thousand_steps_give_a_file_that_can_be_read():
    """The case of the review: a time for each step of four runs; the first and the last stay."""
    steps = tuple((float(n + 1), 0.001) for n in range(20_000))
    results = [result(f"r{n}", curves={"seconds by step": steps, "loss by step": steps}) for n in range(4)]
    read = parse_run(to_text(run(*results)), name="x.json")
    curve = read.results[0].curves["seconds by step"]
    assert (len(curve), curve[0], curve[-1]) == (CURVE_LIMIT, steps[0], steps[-1])


@given(st.lists(st.integers(), max_size=500), st.integers(2, 60))
def test_thinning_keeps_order_and_ends(points, most):
    """Never more than asked for, never another order, first and last kept."""
    few = thinned(tuple(enumerate(points)), most)
    assert len(few) <= most or len(few) == len(points)
    assert list(few) == sorted(few)
    assert not points or (few[0], few[-1]) == ((0, points[0]), (len(points) - 1, points[-1]))
