"""The Triton kernels of `fused`: run in Triton's interpreter, compiled for an absent GPU, chosen or refused."""

from __future__ import annotations

import json

import pytest

from support.bench import inside, torch_python, triton_folder

pytestmark = pytest.mark.slow

SMALL = """
import torch, idx, lenet
from recipes import check, fused_triton, resident
from recipes.base import Task
lenet.BATCH, check.STEPS = 4, 1  # the interpreter takes a third of a second for a sample
train, test = idx.load()
small = idx.Split(train.images[:10], train.labels[:10])  # two full batches and one of half the size
"""


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch."""
    return torch_python()


@pytest.fixture(scope="module")
def interpreted(python):
    """Run code where Triton interprets its kernels on the CPU."""
    prelude = f"import os, sys; os.environ['TRITON_INTERPRET'] = '1'; sys.path.insert(0, {str(triton_folder())!r})\n"
    return lambda code: inside(python, prelude + SMALL + code).splitlines()


def test_two_launches_a_step_train_like_eager_pytorch(interpreted):
    """The recipe prepares, checks itself and trains: losses and weights of `resident`, full batches and the tail."""
    code = """
import json
out, weights = {}, {}
for kind in (resident.Recipe, fused_triton.Recipe):
    it = kind(Task("cpu", "fp32-strict", 7, small, test, 1))
    it.prepare(); it.start(); it.load()
    out[kind.__module__] = it.epoch().tolist()
    weights[kind.__module__] = torch.cat([p.detach().flatten() for p in it.net.parameters()])
start = torch.cat([p.detach().flatten() for p in lenet.fresh_net(7).parameters()])
one, other = weights.values()
print(json.dumps([*out.values(), float((one - other).abs().max()), float((one - start).abs().max()), it.facts]))
"""
    resident, fused, difference, moved, facts = json.loads(interpreted(code)[-1])
    assert len(fused) == 3
    assert max(abs(a - b) for a, b in zip(resident, fused, strict=True)) < 2e-6
    assert difference < 1e-4 * moved
    assert facts["way"] == "launches"
    assert facts["check_difference"] < 1e-5


def test_one_launch_an_epoch_trains_like_eager_pytorch(interpreted):
    """The kernel with its own barriers gives the same losses as eager PyTorch; lost arrivals are an error."""
    code = """
from types import SimpleNamespace
made = []
def train(net, images, labels, passes, label):
    made.append(fused_triton.Training("cpu", len(labels), "fp32-strict", fused_triton.Way("epoch", 4)))
    for name in ("_rows", "_partials", "_scratch", "_sample_losses", "_losses"):
        getattr(made[0], name).fill_(float("nan"))  # what is read before it was written shows in the losses
    made[0].restart(net)
    made[0].images.copy_(images.view(len(labels), -1))
    made[0].labels.copy_(labels)
    return torch.cat([made[0].epoch() for _ in range(passes)])
print(check.agrees("cpu", "fp32-strict", train))
class Idle:
    def __getitem__(self, grid):
        return lambda *arguments, **options: None
made[0]._kernels = SimpleNamespace(epoch_kernel=Idle())
try:
    made[0].epoch()
except RuntimeError as error:
    print(error)
"""
    difference, error = interpreted(code)
    assert float(difference) < 1e-5
    assert "lost each other" in error


def test_the_kernels_compile_for_gpus_that_are_not_here(python):
    """Triton's compiler and NVIDIA's assembler accept them; the barrier's polls have the order that memory needs."""
    code = f"""
import sys; sys.path.insert(0, {str(triton_folder())!r})
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from recipes import fused_triton_kernels as kernels
fn = kernels.epoch_kernel
kinds = {{"images": "*u8", "labels": "*i64", "order": "*i64", "chosen": "*i32", "arrived": "*i32", "samples": "i32",
         "steps": "i32", "rate": "fp32", "momentum": "fp32"}}
fixed = {{"BATCH": 64, "CONV_PRECISION": "tf32", "LINEAR_PRECISION": "ieee"}}
signature = {{name: "constexpr" if name in fixed else kinds.get(name, "*fp32") for name in fn.arg_names}}
source = ASTSource(fn, signature, {{(fn.arg_names.index(name),): value for name, value in fixed.items()}})
options = {{"num_warps": 8, "num_stages": 1, "launch_cooperative_grid": True}}
built = triton.compile(source, target=GPUTarget("cuda", 80, 32), options=options)
ptx = built.asm["ptx"]
print(len(built.asm["cubin"]) > 0, "mma.sync" in ptx, "ld.global.gpu.acquire" in ptx or ".acquire.add" in ptx)
print(built.metadata.shared)
"""
    *facts, shared = inside(python, code).split()
    assert facts == ["True", "True", "True"]
    assert int(shared) < 48 * 1024  # every GPU has that much for a program


def test_what_cannot_run_them_is_told_why(python):
    """No Triton, a broken or old one, an old GPU, no compiler, AMD, Intel, Apple: each has its sentence; else none."""
    code = """
import json, os, sys, types, torch
from recipes import fused, fused_triton
out = {"mps": fused.Recipe.refusal("mps"), "xpu": fused.Recipe.refusal("xpu:0")}
out["missing"] = fused.Recipe.refusal("cuda:0")
torch.cuda.get_device_capability = lambda device: capability
fused_triton.importlib = types.SimpleNamespace(util=types.SimpleNamespace(find_spec=lambda name: True))
out["broken"] = fused.Recipe.refusal("cuda:0")
sys.modules["triton"] = triton = types.ModuleType("triton")
cases = ("old", "2.1.0", (8, 0)), ("pascal", "3.7.1", (6, 1)), ("fine", "3.7.1", (7, 5))
for name, triton.__version__, capability in cases:
    out[name] = fused.Recipe.refusal("cuda:0")
os.environ.pop("CC", None)
fused_triton.shutil = types.SimpleNamespace(which=lambda name: None)
out["compiler"] = fused.Recipe.refusal("cuda:0")
os.environ["CC"] = "cc"
fused_triton.sysconfig = types.SimpleNamespace(get_paths=lambda: {"include": "/nowhere"})
out["headers"] = fused.Recipe.refusal("cuda:0")
torch.version.hip = "7.2"
out["amd"] = fused.Recipe.refusal("cuda:0")
print(json.dumps(out))
"""
    told = json.loads(inside(python, code))
    assert told.pop("fine") in (None, told["compiler"], told["headers"])  # of a machine that may lack both
    codes = {"mps": "no-metal", "xpu": "no-xpu-kernel", "missing": "no-triton", "broken": "broken-triton",
             "old": "old-triton", "pascal": "triton-capability", "compiler": "triton-compiler",
             "headers": "triton-headers", "amd": "triton-amd"}  # fmt: skip
    assert {name: said["code"] for name, said in told.items()} == codes


def test_products_are_rounded_as_pytorch_rounds_under_the_same_label(python):
    """TF32 by default in convolutions only, everywhere under `tf32`, nowhere when strict or on older GPUs."""
    code = """
import torch
from recipes.fused_triton import dot_precisions
def all_three(capability):
    torch.cuda.get_device_capability = lambda device: capability
    return [dot_precisions("cuda:0", name) for name in ("fp32-strict", "fp32-default", "tf32")]
full = ("ieee", "ieee")
print(all_three((8, 6)) == [full, ("tf32", "ieee"), ("tf32", "tf32")])
print(all_three((7, 5)) == [full] * 3)
"""
    assert inside(python, code).split() == ["True"] * 2


def test_a_way_that_fails_is_a_note_and_the_fastest_of_the_others_runs(python):
    """Graphs that cannot be captured or kernels that are wrong leave the other ways; nothing left is an error."""
    code = """
from recipes import fused_triton
from recipes.base import Task
class Recipe(fused_triton.Recipe):
    def _in_child(self, way):
        if way.name not in seconds:
            raise RuntimeError()
        return seconds[way.name] + way.warps
def fastest(**given):
    global seconds
    seconds = given
    recipe = Recipe(Task("cuda:0", "fp32-default", 0, None, None))
    print(*recipe._fastest(), len(recipe.notes), *recipe.facts["way_sweep"], sep="|")
fastest(graph=2.0, launches=1.0, epoch=1.0)
fastest(graph=2.0)
fastest(launches=9.0)
fastest(epoch=9.0)
try:
    fastest()
except Exception as error:
    print(error.said["code"], error.said["values"]["why"]["code"])
"""
    assert inside(python, code).splitlines() == [
        "epoch|4|0|graph, 4 warps|graph, 8 warps|epoch, 4 warps",
        "graph|4|1|graph, 4 warps|graph, 8 warps",
        "launches|4|3|launches, 4 warps|launches, 8 warps",
        "epoch|8|4|epoch, 8 warps",
        "no-way left-out",
    ]
