"""The clock, the devices and the small workloads inside a real environment."""

from __future__ import annotations

import json

import pytest

from support.bench import ask, inside, torch_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch."""
    return torch_python()


def test_the_clock_waits_for_a_slow_kernel_on_every_device(python):
    """Work that a device takes long for is inside the time, although the call that queued it returned at once.

    The device here is a pretended accelerator: its "kernel" runs in a thread and only synchronising waits for it. Real
    accelerators present on the machine are timed too, against the time that reading the result back takes.
    """
    code = """
import threading, time, types, torch, devices
pending = []
fake = types.SimpleNamespace(synchronize=lambda *_: [thread.join() for thread in pending])
out = {}
for kind in ("cuda", "xpu", "mps"):
    original = getattr(torch, kind, None)
    setattr(torch, kind, fake)
    with devices.Stopwatch(kind) as watch:
        pending[:] = [threading.Thread(target=time.sleep, args=(0.2,))]
        pending[0].start()
    out[kind] = watch.seconds
    setattr(torch, kind, original)
with devices.Stopwatch("cpu") as watch:
    time.sleep(0.2)
out["cpu"] = watch.seconds
for device in devices.available():
    big = torch.randn(512, 512, device=device)
    def slow():
        value = big
        for _ in range(20):
            value = value @ big
        return value
    float(slow().sum())
    with devices.Stopwatch(device) as timed:
        slow()
    start = time.perf_counter(); float(slow().sum()); whole = time.perf_counter() - start
    out[device] = 0.2 if timed.seconds > 0.02 * whole else 0.0
import json; print(json.dumps(out))
"""
    for device, seconds in json.loads(inside(python, code).splitlines()[-1]).items():
        assert seconds >= 0.19, device


def test_the_survey_names_devices_and_measures_the_peak_of_the_cpu(python):
    """What the roofline is drawn from: FLOP and bytes a second that this CPU really reaches."""
    known = ask(python, "bench.py", {"action": "devices"})[-1]["devices"]
    cpu = next(facts for facts in known["devices"] if facts["device"] == "cpu")
    assert cpu["peak_bandwidth"] > 1e7
    if known["recipes"]["cpu"]["fused"] is None:  # there is a compiler
        assert 1e8 < cpu["peak_flops"] < 1e15
    assert "mnist" in known["workloads"]


def test_a_whole_epoch_in_reduced_precision_learns_at_every_step(python):
    """Steps inside one autocast context see the weights of the step before, not a cast kept from the first step."""
    code = """
import torch, precision, lenet
net = lenet.fresh_net(3)
update = torch.optim.SGD(net.parameters(), lr=0.05)
images, labels = torch.rand(8, 1, 28, 28), torch.arange(8)
with precision.cast("cpu", "bf16"):
    print(*[float(lenet.train_step(net, update, images, labels)) for _ in range(4)])
"""
    losses = [float(word) for word in inside(python, code).split()]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 4


def test_a_device_without_a_known_way_to_wait_is_refused(python):
    """A time that cannot be synchronised is not taken."""
    code = """
import devices
try:
    devices.synchronize("meta")
except ValueError as error:
    print("refused", error)
"""
    assert inside(python, code).startswith("refused")


def test_launch_measures_queued_and_waited_calls(python):
    """The smallest workload gives its figures and a curve of raw samples."""
    result = ask(python, "bench.py", {"workload": "launch", "device": "cpu"})[-1]["result"]
    assert result["quality"]["queued_us"] > 0
    assert result["quality"]["waited_us"] > 0
    assert len(result["raw"]["queued"]) == 7
    assert result["quality"]["cold_us"] > 0
    assert 1 <= len(result["raw"]["waited, cold"]) <= 5


def test_unknown_workloads_and_missing_data_are_answers_not_crashes(python):
    """The worker says what is wrong in its last line."""
    final = ask(python, "bench.py", {"workload": "nothing", "device": "cpu"})[-1]
    assert final["error"]["said"]["values"]["name"] == "nothing"
    final = ask(python, "bench.py", {"workload": "fashion-mnist", "device": "cpu"})[-1]
    assert final["error"]["code"] == "DataError"


def test_cifar_files_are_read_and_damaged_ones_named(python, tmp_path):
    """Records of 3,073 bytes become images and labels; a torn file is an error that names it."""
    (tmp_path / "data_batch_1.bin").write_bytes(bytes([7]) + bytes(range(256)) * 12 + bytes([2]) + bytes(3072))
    code = f"""
import cifar, idx
split = cifar.load({str(tmp_path)!r})
print(split.labels.tolist(), tuple(split.images.shape), int(split.images[0, 0, 0, 5]))
open({str(tmp_path / "data_batch_1.bin")!r}, "ab").write(b"x")
try:
    cifar.load({str(tmp_path)!r})
except idx.DataError as error:
    print(error)
"""
    lines = inside(python, code).splitlines()
    assert lines[0] == "[7, 2] (2, 3, 32, 32) 5"
    assert "data_batch_1.bin" in lines[1]


def test_a_plugin_is_found_by_its_entry_point(python, tmp_path):
    """A package in the environment that declares `torchup.workloads` adds a workload."""
    (tmp_path / "theirs.py").write_text("def run(request):\n    return {'seconds': 1.5}\n")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[torchup.workloads]\ntheirs = theirs\n")
    code = f"""
sys.path.append({str(tmp_path)!r})
import workloads
print("theirs" in workloads.names(), workloads.load("theirs").run({{}})["seconds"])
"""
    assert inside(python, code).split() == ["True", "1.5"]


def test_the_graphs_of_an_epoch_take_every_step_once(python):
    """Also where whole graphs fill the data set and a shorter batch is left: it is never replayed as a full one."""
    code = """
from recipes.fused_triton import graphs_of
for full in (1, 938, 1023, 1024, 2048, 2500):
    for tail in (0, 7, 32):
        sizes = [64] * full + ([tail] if tail else [])
        replayed = [size for steps, times in graphs_of(sizes) for _ in range(times) for size in steps]
        assert replayed == sizes, (full, tail)
        assert sum(len(steps) for steps, _ in graphs_of(sizes)) <= 2 * 1025
print("same")
"""
    assert inside(python, code).strip() == "same"


def test_a_candidate_that_takes_its_process_down_is_a_reason_and_not_the_end(python, tmp_path):
    """Its own error, or how its process ended, comes back; the parent lives on. A signal is not called an exit code."""
    killed = tmp_path / "killed"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    code = f"""
import sys, trial
from said import SaidError
request = {{"recipe": "fused", "device": "meta", "precision": "fp32-default"}}
for program in (sys.executable, "/bin/false", {str(killed)!r}):
    sys.executable = program
    try:
        trial.in_child(request)
    except SaidError as error:
        print(error.said["code"], error.said["values"].get("number"), error.said["values"].get("why", {{}}).get("code"))
"""
    assert inside(python, code).splitlines() == ["raised None None", "trial-ended 1 silent", "trial-signal 9 silent"]


def test_a_trial_of_one_way_is_the_recipes_own(python):
    """A recipe that can be run in several ways is asked for the one of the request, which came as JSON."""
    code = """
import json, recipes, trial
class Recipe:
    def __init__(self, task):
        self.task = task
    def trial(self, way):
        return way[1] / 2 if way[0] == "graph" and self.task.precision == "fp32-strict" else None
recipes.load = lambda name: Recipe if name == "fused" else None
asked = {"device": "cpu", "precision": "fp32-strict", "recipe": "fused", "way": ("graph", 4)}
print(trial.run(json.loads(json.dumps(asked))))
"""
    assert inside(python, code).split() == ["2.0"]


def test_best_names_what_it_tried_and_the_fastest_is_chosen(python):
    """On a CPU the candidates take turns in one process; the winner trains, and its trial was the shortest."""
    code = """
import json, torch, idx, recipes
from recipes.base import Task
torch.set_num_threads(1)
train, test = idx.load()
small = idx.Split(train.images[:672], train.labels[:672])
it = recipes.load("best")(Task("cpu", "fp32-default", 7, small, test, 1))
it.prepare(); it.rehearse(); it.start(); it.load()
losses = it.epoch()
print(len(losses), it.facts["chosen"] == min(it.facts["trial_seconds"], key=it.facts["trial_seconds"].get))
"""
    assert inside(python, code).split() == ["11", "True"]


def test_a_fused_kernel_that_computes_something_else_is_refused(python):
    """The check before the timing catches a wrong learning rate."""
    code = """
import lenet
from recipes import check
def wrong(net, images, labels, passes, label):
    update = lenet.optimiser(net)
    for group in update.param_groups:
        group["lr"] = 0.0015
    import torch
    inputs = lenet.normalised(images)
    pairs = list(zip(inputs.split(64), labels.split(64))) * passes
    return torch.stack([lenet.train_step(net, update, a, b) for a, b in pairs])
try:
    check.agrees("cpu", "fp32-default", wrong)
except check.MismatchError as error:
    print("refused:", error)
"""
    assert inside(python, code).startswith("refused:")
