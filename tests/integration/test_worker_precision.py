"""Labels of precision: in force, or refused."""

from __future__ import annotations

import json

import pytest

from support.bench import inside, torch_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch."""
    return torch_python()


def test_every_recipe_computes_in_the_format_of_its_label_or_refuses_it(python):
    """The products of a step's forward pass have the label's type; a recipe that cannot do it has a sentence."""
    code = """
import json, torch, idx, precision, recipes
from recipes.base import Task
from torch.utils._python_dispatch import TorchDispatchMode
train, test = idx.load()
small = idx.Split(train.images[:96], train.labels[:96])
class Seen(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.types = set()
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket in (torch.ops.aten.addmm, torch.ops.aten.mm):
            self.types.add(str(out.dtype).split(".")[1])
        return out
out = {}
for name in ("script", "loader", "resident", "speedrun", "fused", "graph"):
    for label in precision.NAMES:
        why = recipes.refusal(name, "cpu", label)
        if why or name in ("fused", "graph"):
            out["%s %s" % (name, label)] = why
            continue
        it = recipes.load(name)(Task("cpu", precision.enter("cpu", label), 7, small, test, 1))
        it.prepare(); it.start(); it.load()
        with Seen() as seen:
            it.epoch()
        out["%s %s" % (name, label)] = sorted(seen.types)
print(json.dumps(out))
"""
    out = json.loads(inside(python, code).splitlines()[-1])
    kinds = {"fp32-default": "float32", "fp32-strict": "float32", "bf16": "bfloat16", "fp16": "float16"}
    for name in ("script", "loader", "resident", "speedrun"):
        for label, kind in kinds.items():
            assert out[f"{name} {label}"] == [kind], (name, label)
        assert out[f"{name} tf32"]["code"] == "no-tf32"
    assert out["fused fp32-strict"] is None
    assert out["fused tf32"]["code"] == "no-tf32"
    assert (out["fused bf16"]["code"], out["fused bf16"]["values"]["label"]) == ("no-form", "bf16")
    assert (out["graph fp16"]["code"], out["graph fp16"]["values"]["label"]) == ("no-form", "fp16")


def test_a_float16_step_that_overflows_is_left_out(python):
    """Loss scaling: gradients that are not finite change no weight, and the scale falls."""
    code = """
import torch, precision
mixed = precision.Mixed("cpu", "fp16")
weight = torch.nn.Parameter(torch.ones(2))
update = torch.optim.SGD([weight], lr=1.0)
before = mixed.scaled(torch.ones(())).item()
weight.grad = torch.tensor([float("inf"), 1.0])
mixed.update(update)
print(weight.tolist(), mixed.scaled(torch.ones(())).item() < before)
weight.grad = mixed.scaled(torch.ones(2))
mixed.update(update)
print(weight.tolist())
"""
    assert inside(python, code).splitlines() == ["[1.0, 1.0] True", "[0.0, 0.0]"]


def test_a_workload_without_arithmetic_takes_no_label(python):
    """A result never carries a label that changed nothing."""
    code = """
import precision, workloads
for name in ("launch", "bandwidth", "dataloader"):
    try:
        workloads.load(name).run({"workload": name, "device": "cpu", "precision": "bf16"})
    except precision.PrecisionError as error:
        print(error.said["values"]["name"], error.said["code"])
"""
    assert [line.split()[0] for line in inside(python, code).splitlines()] == ["launch", "bandwidth", "dataloader"]


def test_a_plugin_that_knows_no_precision_gets_no_label(python):
    """What a workload measured without putting the label in force is refused afterwards."""
    code = """
import bench, workloads
workloads.load = lambda name: type("Theirs", (), {"run": staticmethod(lambda request: {"seconds": 1.0})})
request = {"workload": "theirs", "device": "cpu"}
print(bench.answer({**request, "precision": "tf32"})["error"]["code"], bench.answer(request)["result"]["seconds"])
"""
    assert inside(python, code).split() == ["PrecisionError", "1.0"]


def test_a_variable_that_overrules_torch_is_named(python):
    """The libraries below torch read variables of their own: a strict label is then refused."""
    code = """
import os, precision
os.environ["ONEDNN_DEFAULT_FPMATH_MODE"] = "BF16"
print(precision.refusal("cpu", "fp32-strict"))
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
print(precision.refusal("cpu", "tf32"))
"""
    lines = inside(python, code).splitlines()
    assert "ONEDNN_DEFAULT_FPMATH_MODE" in lines[0]
    assert "NVIDIA_TF32_OVERRIDE=0" in lines[1]
