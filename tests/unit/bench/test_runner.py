"""The parent's side of a benchmark: what is run, in which order, with how much time, and what becomes of failures."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from support.bench import WorkerHost
from torchup.bench.answers import Capabilities
from torchup.bench.child import survey_environment
from torchup.bench.request import BenchRequest
from torchup.bench.runner import Listener, run_benchmark
from torchup.bench.schedule import plan
from torchup.bench.workloads import REGISTRY
from torchup.errors import BenchError, TimeLimitError, TorchupError, UsageError
from torchup.i18n.sentences import sentence
from torchup.model import Cpu, Gpu, Machine, Os, PartTrained, Said, Vendor

DEVICES = {
    "torch": "2.13.0+cu126",
    "python": "3.12.1",
    "devices": [{"device": "cuda:0", "name": "NVIDIA H100"}, {"device": "cpu", "name": None}],
    "workloads": ["mnist", "theirs"],
}
PARTS = {"input": 0.3, "start": 0.01, "transfer": 0.0, "steps": 0.5}


def raw(request, **changes):
    """A worker's result for a request: one second an epoch."""
    epochs = changes.pop("epochs", request.get("epochs", 10))
    if request.get("probe"):
        return {"seconds": 1.0, "torch": "2", "python": "3", "parameters": {"alone": PARTS}}
    result = {
        "seconds": 1.0 * epochs,
        "samples": 60_000 * epochs,
        "epoch_seconds": [1.0] * epochs,
        "load_seconds": 0.0,
        "quality": {"test_accuracy": 0.981},
        "losses": [2.3, 2.2, 2.1],
        "torch": "2.13.0+cu126",
        "python": "3.12.1",
        "device_facts": {"device": request["device"], "name": None if request["device"] == "cpu" else "NVIDIA H100"},
        "parameters": {"epochs": epochs, "epochs_asked": request.get("epochs", 10), "batch": 64},
    }
    return {**result, **changes}


def worker(measured=raw):
    """A host whose worker has two devices and answers measurements with ``measured(request)``."""

    def answer(_, request):
        final = {"devices": DEVICES} if request.get("action") else {"result": measured(request)}
        return [json.dumps(final)], 0, ""

    return WorkerHost(answer)


def outcome(host, listener=None, machine=None, **options):
    """Run a benchmark on that host."""
    request = BenchRequest(**{name: tuple(v) if isinstance(v, list) else v for name, v in options.items()})
    return run_benchmark(host, "/env/bin/python", request, machine=machine, listener=listener)


def run(host, **options):
    """The results alone."""
    return outcome(host, **options).results


def runs(host):
    """What was measured, in order."""
    return [(r["device"], r["recipe"]) for r, _ in host.requests if "recipe" in r and "probe" not in r]


def test_every_device_and_default_recipe_is_measured_and_ordered_by_device():
    """Results come in torch's order of devices and the ladder's order of recipes."""
    results = run(worker())
    assert [(r.device, r.recipe) for r in results] == [
        ("cuda:0", "script"),
        ("cuda:0", "resident"),
        ("cpu", "script"),
        ("cpu", "resident"),
    ]
    assert results[0].device_name == "NVIDIA H100"
    assert results[0].samples_per_second == pytest.approx(60_000)
    assert results[0].kind == "replica"


def test_repeats_are_fresh_processes_that_take_turns():
    """A, B, A, B: a slow minute of the machine hits both."""
    host = worker()
    result = run(host, devices=["cpu"], repeats=2)[0]
    assert runs(host) == [("cpu", "resident"), ("cpu", "script")] * 2
    assert len(result.repeats) == 2


def test_a_budget_is_shared_by_weight_and_what_is_left_goes_on():
    """Cheap recipes go first; the script gets what they did not use."""
    host = worker(lambda request: raw(request, seconds=5.0))
    run(host, devices=["cpu"], budget=70.0)
    resident, script, parts = (r["budget"] for r, _ in host.requests if "budget" in r)
    assert parts == pytest.approx(0.15 * 70.0)
    assert resident == pytest.approx((70.0 - parts) * 2 / 7, rel=0.05)
    assert script == pytest.approx(70.0 - parts, rel=0.05)
    assert all(limit >= 4 * r["budget"] for r, limit in host.requests if "budget" in r)


def test_fewer_epochs_are_kept_in_the_result_and_not_judged():
    """A run cut short keeps how many epochs it measured; its accuracy cannot miss a bar for ten."""
    host = worker(lambda request: raw(request, epochs=3, quality={"test_accuracy": 0.91}))
    result = run(host, devices=["cpu"], recipes=["script"], budget=5.0)[0]
    assert result.parameters["epochs"] == 3
    assert result.quality == {"test_accuracy": 0.91}


def test_repeats_of_different_length_are_compared_over_the_epochs_they_share():
    """Seconds of a longer repeat are those of its first epochs."""
    lengths = iter([10, 4])
    host = worker(lambda request: raw(request, epochs=next(lengths)))
    result = run(host, devices=["cpu"], recipes=["script"], repeats=2)[0]
    assert result.repeats == (4.0, 4.0)
    assert result.parameters["epochs"] == 4


def test_an_accuracy_below_the_bar_is_a_problem_beside_the_result():
    """Fast at something else is said, and what was measured is not lost."""
    host = worker(lambda request: raw(request, quality={"test_accuracy": 0.9749}))
    found = outcome(host, devices=["cpu"], recipes=["resident"])
    assert [problem.code for problem in found.problems] == ["bench.quality"]
    assert found.results[0].quality["test_accuracy"] == 0.9749


def two_epochs(request, accuracy):
    """A training of two epochs that was asked for no more."""
    parameters = {"epochs": 2, "epochs_asked": 2}
    return raw(request, epochs=2, quality={"test_accuracy": accuracy}, parameters=parameters)


def test_a_cut_speedrun_is_not_judged():
    """A budget that ends within it leaves an accuracy of some steps, and the answer says of how many."""
    cut = {"epochs": 0.5, "epochs_asked": 2, "steps": 50}
    host = worker(lambda request: raw(request, epochs=1, quality={"test_accuracy": 0.3}, parameters=cut))
    found = outcome(host, devices=["cpu"], recipes=["speedrun"], budget=5.0)
    assert not found.problems
    assert found.results[0].cut == PartTrained(epochs=0.5, epochs_asked=2, steps=50, steps_asked=200)


def test_repeats_cut_at_different_steps_give_the_accuracy_of_the_least_trained():
    """The result counts the epochs that all repeats have, so does its accuracy."""
    lengths = iter([(0.5, 469, 0.9), (0.25, 234, 0.95)])

    def measured(request):
        epochs, steps, accuracy = next(lengths)
        parameters = {"epochs": epochs, "epochs_asked": 1, "steps": steps}
        return raw(request, epochs=1, quality={"test_accuracy": accuracy}, parameters=parameters)

    result = run(worker(measured), devices=["cpu"], recipes=["script"], repeats=2)[0]
    assert (result.quality["test_accuracy"], result.cut.steps, result.cut.steps_asked) == (0.95, 234, 936)


def test_a_speedrun_is_judged_at_any_length_and_is_not_part_of_all():
    """Another training is only as good as its accuracy, and never stands in the ladder unasked."""
    host = worker(lambda request: two_epochs(request, 0.95))
    assert outcome(host, devices=["cpu"], recipes=["speedrun"]).problems
    host = worker()
    run(host, devices=["cpu"], recipes=["all"])
    assert ("cpu", "speedrun") not in runs(host)


def error(code, text):
    """A worker's error line."""
    return {"code": code, "said": {"code": "raised", "values": {"text": text}}}


def failing(*recipes):
    """A host whose worker cannot run some recipes, and does not know so before."""

    def answer(_, request):
        if request.get("action"):
            return [json.dumps({"devices": DEVICES})], 0, ""
        if request.get("recipe") in recipes:
            return [json.dumps({"error": error("RuntimeError", "no such kernel")})], 1, ""
        return [json.dumps({"result": raw(request)})], 0, ""

    return WorkerHost(answer)


def test_of_all_recipes_one_that_fails_is_left_out_and_told_of():
    """The others are measured, each with a note of what failed beside it; the failed one is not tried again."""
    host = failing("fused", "graph")
    found = outcome(host, devices=["cpu"], recipes=["all"], repeats=2)
    told = ["mnist/fused (cpu): no such kernel", "mnist/graph (cpu): no such kernel"]
    assert sorted(str(problem.text) for problem in found.problems) == told
    assert [r.recipe for r in found.results] == ["script", "loader", "resident", "best"]
    for result in found.results:
        assert sorted(str(sentence(note)) for note in result.notes) == [
            text.replace(": ", " failed: ") for text in told
        ]
    assert runs(host).count(("cpu", "fused")) == 1


def test_a_recipe_that_fails_never_takes_the_others_with_it_and_nothing_at_all_is_an_error():
    """What was measured is there with a problem beside it; without any result the first failure is raised."""
    found = outcome(failing("fused"), devices=["cpu"], recipes=["fused", "resident"])
    assert [r.recipe for r in found.results] == ["resident"]
    assert len(found.problems) == 1
    everything = ("script", "loader", "resident", "graph", "fused", "best")
    with pytest.raises(BenchError, match="no such kernel"):
        run(failing(*everything), devices=["cpu"], recipes=["all"])


def test_losses_are_held_against_the_script():
    """The largest difference of the first steps' losses is part of the result."""
    host = worker(lambda r: raw(r, losses=[2.3, 2.2, 2.1 if r["recipe"] == "script" else 2.25]))
    by_recipe = {r.recipe: r for r in run(host, devices=["cpu"])}
    assert by_recipe["resident"].parameters["loss_difference"] == pytest.approx(0.15)
    assert by_recipe["script"].parameters["loss_difference"] == 0


def test_progress_is_passed_on_and_junk_is_not():
    """Progress lines become values; anything else is passed over."""
    told = []
    lines = [
        "hello",
        '{"progress": {"step": 100, "loss": 2.2}}',
        '{"progress": []}',
        '{"progress": {"epoch": 1, "epochs": 10, "seconds": 2.5, "loss": 0.5, "other": 1}}',
    ]

    def answer(_, request):
        if request.get("action"):
            return [json.dumps({"devices": DEVICES})], 0, ""
        return [*lines, json.dumps({"result": raw(request)})], 0, ""

    outcome(WorkerHost(answer), Listener(on_progress=told.append), devices=["cpu"], recipes=["script"])
    assert [(p.epoch, p.step, p.seconds) for p in told] == [(0, None, None), (0, 100, None), (1, None, 2.5)]
    assert (told[-1].run, told[-1].runs) == (1, 1)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"workload": "nothing"}, "nothing"),
        ({"recipes": ["warp"]}, "warp"),
        ({"devices": ["mps"]}, "mps"),
        ({"devices": ["cuda:7"]}, "cuda:7"),
    ],
)
def test_unknown_names_are_usage_errors_that_list_the_known_ones(options, word):
    """A name that is none is exit 2, with what there is in the hint."""
    with pytest.raises(UsageError) as caught:
        run(worker(), **options)
    assert word in str(caught.value)
    assert caught.value.hint is not None


def test_a_plugin_of_the_environment_can_be_measured():
    """A workload that torchup does not know and the environment has is run with one recipe."""
    host = worker(lambda _: {"seconds": 1.0, "torch": "2", "python": "3.12"})
    assert run(host, workload="theirs", devices=["cpu"])[0].recipe == "default"


def test_a_plugins_own_sentences_are_notes_and_its_nonsense_an_error():
    """A note in words is kept as it is; an answer that is no result fails that run and says where."""
    host = worker(lambda _: {"seconds": 1.0, "torch": "2", "python": "3.12", "notes": ["warm", {"code": "cifar"}]})
    (kept,) = run(host, workload="theirs", devices=["cpu"])
    assert str(sentence(kept.notes[0])) == "warm"
    with pytest.raises(BenchError, match="theirs"):
        run(worker(lambda _: {"seconds": "fast"}), workload="theirs", devices=["cpu"])


@pytest.mark.parametrize(
    ("lines", "code", "kind"),
    [
        ([], -9, BenchError),
        (["garbage"], 1, BenchError),
        ([], None, TimeLimitError),
        ([json.dumps({"error": error("RuntimeError", "CUDA error")})], 1, BenchError),
        ([json.dumps({"error": error("OutOfMemoryError", "2 GB")})], 1, BenchError),
        ([json.dumps({"error": error("DataError", "no file")})], 1, UsageError),
    ],
)
def test_a_child_that_fails_is_an_error_that_names_recipe_and_device(lines, code, kind):
    """Crash, silence, a hang and the worker's own errors each end in their documented exit code."""

    def answer(_, request):
        return ([json.dumps({"devices": DEVICES})], 0, "") if request.get("action") else (lines, code, "last words")

    with pytest.raises(kind) as caught:
        run(WorkerHost(answer), devices=["cpu"], recipes=["resident"])
    assert "resident (cpu)" in str(caught.value)


def test_the_machine_travels_without_anything_personal():
    """Results name CPU, GPUs and drivers, and give the CPU's product name to the device."""
    machine = Machine(os=Os.LINUX, arch="x86_64", cpu=Cpu(model="EPYC", cores=2), gpus=(Gpu(vendor=Vendor.NVIDIA),))
    result = run(worker(), devices=["cpu"], recipes=["resident"], machine=machine)[0]
    assert result.device_name == "EPYC"
    assert result.machine["cpu"]["model"] == "EPYC"
    assert set(result.machine) & {"hostname", "user", "python", "pythons"} == set()


@pytest.mark.parametrize(("stderr", "said"), [("", "no output"), ("Killed: 9", "Killed: 9")])
def test_a_process_that_ends_without_an_answer_is_quoted(stderr, said):
    """Its last words are the reason; one that said nothing is said to have said nothing."""
    with pytest.raises(BenchError, match=f"torch: the process exited with code 3: {said}"):
        survey_environment(WorkerHost(lambda *_: ([], 3, stderr)), "python")


def ended(lines, code=1):
    """The error of a measurement whose child says these lines."""

    def answer(_, request):
        return ([json.dumps({"devices": DEVICES})], 0, "") if request.get("action") else (lines, code, "")

    with pytest.raises(TorchupError) as caught:
        run(WorkerHost(answer), devices=["cpu"], recipes=["resident"])
    return caught.value


@pytest.mark.parametrize("code", ["no-model", "long-context", "program-missing", "program-failed", "program-outran"])
def test_what_the_worker_explains_itself_does_not_send_anyone_to_verify(code):
    """A wrong --model, a long --size and a program that fails are no reason to check torch."""
    values = dict.fromkeys(["name", "names", "asked", "most", "why", "number", "seconds"], "1")
    found = ended([json.dumps({"error": {"code": "SaidError", "said": {"code": code, "values": values}}})])
    assert "verify" not in str(found.hint)


@pytest.mark.parametrize(("code", "hint"), [("no-decoder", "pip install pillow"), ("no-folder", "--data")])
def test_a_missing_decoder_is_not_mended_by_other_data(code, hint):
    """The hint is the step that helps: the package that reads images, or a folder of another form."""
    said = {"code": code, "values": {"name": "pictures"}}
    assert hint in str(ended([json.dumps({"error": {"code": "DataError", "said": said}})]).hint)


def test_a_time_limit_is_named():
    """Who waited in vain reads how long."""
    assert re.search(r"time limit \(\d+ s\)", str(ended([], None).text))


def test_a_fixed_batch_is_that_of_the_recipes_that_can_run():
    """A recipe that no device runs is not named, and gives no batch size."""
    refused = {"cpu": {"graph": Said(code="no-graphs", values={"kind": "cpu"})}}
    known = msgspec.structs.replace(msgspec.convert(DEVICES, Capabilities), recipes=refused)
    request = BenchRequest(recipes=("graph", "fused"), devices=("cpu",), batch=128)
    with pytest.raises(UsageError, match=r"^fused can run only with a batch size of 64"):
        plan(request, REGISTRY["mnist"], known)
