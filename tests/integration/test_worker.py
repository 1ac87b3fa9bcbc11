"""The worker inside a real environment: what it reads, how it trains, that recipes train alike."""

from __future__ import annotations

import json

import pytest

from support.bench import ask, inside, torch_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch."""
    return torch_python()


def test_the_ladder_passes_in_a_working_environment(python):
    """Every rung of a CPU build passes or is skipped, the planned build is recognised."""
    lines = ask(python, "verify.py", {"torch": "2.13.0", "variant": "cpu", "compile": False})
    rungs = {(line["rung"]["name"], line["rung"]["device"]): line["rung"] for line in lines if "rung" in line}
    assert {rung["status"] for rung in rungs.values()} <= {"pass", "skip"}
    assert {("matmul", "cpu"), ("conv", "cpu"), ("optimiser", "cpu"), ("dataloader", None)} <= set(rungs)
    assert lines[-1]["torch"]["variant"] == "cpu"


def test_the_ladder_names_a_build_that_was_not_planned(python):
    """Another version or variant than planned fails the version rung, and the devices are still tried."""
    lines = ask(python, "verify.py", {"torch": "2.12.0", "variant": "cu126", "compile": False})
    rungs = {line["rung"]["name"]: line["rung"] for line in lines if "rung" in line}
    assert rungs["version"]["status"] == "fail"
    assert rungs["version"]["detail"]["values"]["planned"] == "2.12.0"
    assert rungs["matmul"]["status"] == "pass"


def test_the_arch_rung_judges_by_the_parents_table(python):
    """Code runs where the table says so; a name or a GPU that it does not know proves nothing."""
    code = """
import verify
table = {"sm_80": ["8.0", "8.6"], "sm_90a": ["9.0"], "compute_90": ["9.0", "12.0"]}
cases = [("8.6", ["sm_80"], True), ("9.0", ["sm_80"], False), ("12.0", ["sm_80", "compute_90"], True),
         ("12.0", ["sm_90a"], False), ("8.0", [], False), ("9.0", ["sm_80", "sm_999"], None), ("99.0", ["sm_80"], None)]
print([verify.has_code(c, a, table) for c, a, _ in cases] == [e for *_, e in cases])
"""
    assert inside(python, code).strip() == "True"


def test_every_recipe_trains_alike_step_by_step(python):
    """Same weights, order and optimiser: losses of the recipes agree with the script's within 1e-4 for 200 steps."""
    code = """
import json, torch, idx, lenet, recipes
from recipes.base import Task
train, test = idx.load()
small = idx.Split(train.images[:6432], train.labels[:6432])  # 100 full batches and one of 32 an epoch
out = {}
for name in recipes.names():
    recipe = recipes.load(name)
    # graph: torch.compile takes a minute, and that recipe checks itself when it runs; speedrun: another training
    if recipe.refusal("cpu") or name in ("graph", "speedrun"):
        continue
    it = recipe(Task("cpu", "fp32-default", 7, small, test))
    it.prepare(); it.start(); it.load()
    out[name] = torch.cat([it.epoch().float() for _ in range(2)]).tolist()
print(json.dumps(out))
"""
    losses = json.loads(inside(python, code).splitlines()[-1])
    script = losses.pop("script")
    assert len(script) == 202
    assert losses
    for name, other in losses.items():
        assert len(other) == 202, name
        assert max(abs(a - b) for a, b in zip(script, other, strict=True)) < 1e-4, name


def test_the_batch_order_is_the_dataloaders(python):
    """The order that recipes draw is this torch's own DataLoader's, epoch after epoch."""
    assert inside(python, "import lenet; print(lenet.order_is_the_loaders(60_000))").strip() == "True"


def test_the_network_is_the_articles(python):
    """44,426 parameters, and the FLOPs that results are judged by are those that torch counts."""
    code = """
import torch, lenet
from torch.utils.flop_counter import FlopCounterMode
net = lenet.Net()
with FlopCounterMode(display=False) as counter:
    loss = torch.nn.functional.cross_entropy(net(torch.zeros(64, 1, 28, 28)), torch.zeros(64, dtype=torch.long))
    forward = counter.get_total_flops()
    loss.backward()
print(sum(p.numel() for p in net.parameters()) == lenet.PARAMETERS, forward == 2 * 64 * lenet.FORWARD_MACS,
      counter.get_total_flops() == 2 * 64 * lenet.TRAIN_MACS)
"""
    assert inside(python, code).split() == ["True", "True", "True"]


def test_a_budget_cuts_an_epoch_by_steps(python):
    """A budget too small for an epoch measures the rate of some steps, and says how many it was asked for."""
    request = {"workload": "mnist", "recipe": "resident", "device": "cpu", "epochs": 10, "budget": 0.01}
    result = ask(python, "bench.py", request)[-1]["result"]
    parameters = result["parameters"]
    assert parameters["steps"] >= 20
    assert parameters["epochs"] == pytest.approx(parameters["steps"] / 938)
    assert parameters["epochs_asked"] == 10
    assert result["samples"] == pytest.approx(60_000 * parameters["epochs"])
    assert [note["code"] for note in result["notes"]] == ["cut"]
    assert result["peak_memory_bytes"] > 0


SLOW = """
import json, sys, time, torch, budget, idx, lenet, lines, samples
from recipes import script, loader, resident
from recipes.base import Task
from workloads import mnist
train, test = idx.load()
class Slow(samples.Samples):
    def __getitem__(self, position):
        time.sleep(0.0005)
        return super().__getitem__(position)
samples.Samples = Slow
original = lenet.train_step
lenet.train_step = lambda *a: (time.sleep(0.02), original(*a))[1]
lenet.lean_step = lambda p, u, images, labels, m: (time.sleep(0.02), torch.zeros(()))[1]
out = {}
for name, kind in (("script", script), ("loader", loader), ("resident", resident)):
    torch.set_num_threads(1)
    recipe = kind.Recipe(Task("cpu", "fp32-default", 0, train, test, 1))
    if name == "resident":
        recipe.needs_optimiser = True
    recipe.prepare()
    lines.STARTED = begin = time.perf_counter()
    trained = mnist.train(recipe, 10, budget.of({"budget": 4.0}))
    whole = sum(trained.seconds) / trained.epochs
    out[name] = [time.perf_counter() - begin, whole, trained.epochs, len(trained.losses[-1])]
print(json.dumps(out))
"""


def test_a_budget_holds_on_a_machine_that_is_far_too_slow(python):
    """An epoch of half a minute under a budget of four seconds: cut within 1.3 budgets, extrapolated to what it is."""
    for name, (took, epoch, epochs, steps) in json.loads(inside(python, SLOW).splitlines()[-1]).items():
        assert took < 1.3 * 4.0, name
        assert epochs == pytest.approx(steps / 938), name
        assert epoch > 938 * 0.02, name


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not-idx"),
        (b"\x00\x00\x08\x03\x00\x00", "idx-header"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x05abc", "idx-length"),
        (b"\x00\x00\x08\x02\x00\x00\x00\x05\x00\x00\x00\x02abc", "idx-length"),
        (b"\x00\x00\x08\x02\x00\x00\x00\x05\x00\x00\x00\x00", "idx-empty"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "not-idx"),
        (b"\x1f\x8b garbage", "not-idx"),
    ],
)
def test_damaged_data_files_are_named(python, tmp_path, content, word):
    """A data file that is none ends in one sentence that names it."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    final = ask(python, "bench.py", {"workload": "mnist", "recipe": "resident", "device": "cpu", "data": str(tmp_path)})
    assert final[-1]["error"]["code"] == "DataError"
    said = final[-1]["error"]["said"]
    assert said["values"]["file"].startswith("train-images")
    assert said["code"] == word
    assert said["values"].get("shape", "5") in {"5", "5 x 2", "5 x 0"}


def test_gradients_by_hand_are_autograds_to_the_last_bit(python):
    """On a CPU `resident` writes its gradients out: each loss of 40 steps, ties of pooling included, is autograd's."""
    code = """
import torch, by_hand, lenet
from precision import Mixed
layout = torch.channels_last
nets = [lenet.fresh_net(5).to(memory_format=layout) for _ in range(2)]
step, update = by_hand.Step(list(nets[0].parameters())), lenet.optimiser(nets[1], fused=True)
same = []
for seed in range(40):
    images = torch.randn(64 if seed % 8 else 32, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    images[:, :, :12] = -1  # a flat background: every window there is a tie
    images = images.to(memory_format=layout)
    labels = torch.arange(len(images)) % 10
    theirs = lenet.lean_step(list(nets[1].parameters()), update, images, labels, Mixed("cpu", "fp32-default"))
    same.append(torch.equal(step(images, labels), theirs))
same += [torch.equal(*pair) for pair in zip(*(net.parameters() for net in nets))]
print(all(same), len(same))
"""
    assert inside(python, code).strip() == "True 50"


@pytest.mark.parametrize(
    ("precision", "broken", "way"),
    [
        ("fp32-default", "", "by hand"),
        ("fp32-default", "torch._fused_sgd_ = None", "autograd"),
        ("bf16", "", "autograd"),
    ],
)
def test_gradients_by_hand_only_where_they_are_right(python, precision, broken, way):
    """A torch without one of the operations, or a reduced precision, trains with autograd; the first says so."""
    code = f"""
import torch, idx, recipes
from recipes.base import Task
{broken}
train, test = idx.load()
small = idx.Split(train.images[:160], train.labels[:160])
it = recipes.load("resident")(Task("cpu", "{precision}", 7, small, test))
it.prepare(); it.start(); it.load(); it.epoch()
print(it.facts["gradients"], "|", *[note["code"] + " " + note["values"]["name"] for note in it.notes])
"""
    found, _, notes = inside(python, code).strip().splitlines()[-1].partition("|")
    assert found.strip() == way
    assert ("left-out gradients by hand" in notes) == bool(broken)
