"""Devices and torches that are not here, by stand-ins: what each lacks is a reason or another way, never a crash."""

from __future__ import annotations

import pytest

from support.bench import inside, torch_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch."""
    return torch_python()


def test_a_torch_without_its_mps_module_waits_by_reading(python):
    """On a Mac with torch 1.12 every timing reads a value back, and memory is unknown instead of an error."""
    code = """
import types, torch, devices
read = []
real = torch.zeros
torch.zeros = lambda *a, device=None, **k: read.append(device) or real(*a, **k)
mps = torch.mps
del torch.mps
devices.synchronize("mps")
print(read, devices.peak_memory("mps")[0])
torch.mps = types.SimpleNamespace(synchronize=lambda: read.append("module"), driver_allocated_memory=lambda: 7)
devices.synchronize("mps")
print(read, devices.peak_memory("mps")[0])
"""
    assert inside(python, code).splitlines() == ["['mps'] None", "['mps', 'module'] 7"]


def test_an_intel_gpu_of_torch_2_4_has_no_counter_and_no_error(python):
    """`max_memory_allocated` came later."""
    code = """
import types, torch, devices
torch.xpu = types.SimpleNamespace()
print(devices.peak_memory("xpu")[0])
"""
    assert inside(python, code).strip() == "None"


def test_an_emulated_bfloat16_is_refused(python):
    """Pascal and Turing: newer torch says yes unless it is asked for the hardware; older torch has no such question."""
    code = """
import torch, precision
torch.cuda.is_bf16_supported = lambda including_emulation=True: including_emulation
print(precision._has_bf16())
torch.cuda.is_bf16_supported = lambda: True
print(precision._has_bf16())
"""
    assert inside(python, code).split() == ["False", "True"]


def test_a_scaler_that_fails_refuses_fp16(python):
    """One whole scaled step is tried before the label is given."""
    code = """
import precision
def broken(device):
    class Scaler:
        def scale(self, loss): raise TypeError("Cannot convert a MPS Tensor to float64")
    return Scaler()
print(precision.refusal("cpu", "fp16"))
precision._scaler = broken
print(precision.refusal("cpu", "fp16")["values"]["why"]["values"]["text"])
"""
    assert inside(python, code).splitlines() == ["None", "Cannot convert a MPS Tensor to float64"]


def test_a_stub_of_a_compiler_is_none(python):
    """Without the command line tools of macOS `/usr/bin/c++` would open a dialog."""
    code = """
import subprocess, sys, types, compiler
sys.platform = "darwin"
for answer in (2, 0):
    subprocess.run = lambda *a, **k: types.SimpleNamespace(returncode=answer)
    print(compiler._is_stub("/usr/bin/c++"), compiler._is_stub("/opt/homebrew/bin/g++"))
"""
    assert inside(python, code).splitlines() == ["True False", "False False"]


def test_an_address_on_the_bus_is_spelt_as_the_kernel_does_or_unknown(python):
    """Domain, bus and device of the properties; older torch has none."""
    code = """
import types, devices
print(devices.pci_id(types.SimpleNamespace(pci_domain_id=0, pci_bus_id=193, pci_device_id=0)))
print(devices.pci_id(types.SimpleNamespace(name="old")))
"""
    assert inside(python, code).splitlines() == ["0000:c1:00.0", "None"]


def test_a_program_is_measured_and_its_failure_said(python, tmp_path):
    """Wall and processor time and memory of a child; its exit code, or that it cannot be started; a profile."""
    script = tmp_path / "work.py"
    script.write_text(
        "import sys, torch\nx = torch.ones(64, 64)\nfor _ in range(9): x = x @ x * 0\nsys.exit(len(sys.argv) - 1)"
    )
    code = f"""
import json
from workloads import program
import precision
def run(*argv, **more):
    try:
        found = program.run({{"workload": "run", "device": "cpu", "program": list(argv), **more}})
        profile = found["parameters"].get("profile")
        rows = [row["name"] for row in profile["top"]] if profile else []
        return found["seconds"] > 0, found["parameters"]["cpu_seconds"] > 0, "aten::mm" in rows
    except Exception as error:
        return error.said["code"], error.said["values"].get("number")
print(run("python", {str(script)!r}))
print(run("python", {str(script)!r}, profile=True))
print(run("python", {str(script)!r}, "extra"))
print(run("no-such-program"))
"""
    assert [line for line in inside(python, code).splitlines() if line.startswith("(")] == [
        "(True, True, False)",
        "(True, True, True)",
        "('program-failed', 1)",
        "('program-missing', None)",
    ]


GRAPHS = """
import contextlib, torch, devices, idx, lenet, recipes
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from recipes.base import Task
torch.set_num_threads(1)
class Tape(TorchDispatchMode):
    # What a device's graph does: every operation is done again, on the same memory, into the same memory.
    def __init__(self, graph):
        super().__init__()
        self.graph = graph
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.graph.tape.append((operation, args, kwargs or {}, result))
        return result
class Recorded:
    def __init__(self): self.tape = []
    def replay(self):
        with torch.no_grad():
            for operation, args, kwargs, result in self.tape:
                again = operation(*args, **kwargs)
                for old, new in zip(tree_flatten(result)[0], tree_flatten(again)[0]):
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)
class Stream:
    def __init__(self, *_): pass
    def wait_stream(self, _): pass
module = getattr(torch, KIND)
module.Stream, module.current_stream, module.graph = Stream, lambda *_: Stream(), Tape
module.stream, module.synchronize = lambda _: contextlib.nullcontext(), lambda *_: None
setattr(module, "CUDAGraph" if KIND == "cuda" else "XPUGraph", Recorded)
devices.kind = lambda device: KIND if str(device).startswith("cpu") else torch.device(device).type
from recipes import graph, resident
print(graph.Recipe.refusal("cpu"))
train, test = idx.load()
small = idx.Split(train.images[:33 * 64 + 32], train.labels[:33 * 64 + 32])
net = lenet.fresh_net(5)
plain = lenet.fresh_net(5)
one = graph.Captured(lenet.Net(), "cpu", len(small.labels), compiled=False)
one.restart(net)
one.images.copy_(lenet.normalised(small.images)); one.labels.copy_(small.labels)
one.order.copy_(torch.randperm(len(small.labels)))
losses = one.epoch()
update = lenet.optimiser(plain)
wanted = [lenet.train_step(plain, update, one.images[part], one.labels[part]).item() for part in one.order.split(64)]
print(len(losses), max(abs(a - b) for a, b in zip(losses.tolist(), wanted)) < 1e-5)
print(max(float((a - b).abs().max()) for a, b in zip(one.net.parameters(), plain.parameters())) < 1e-5)
delattr(module, "CUDAGraph" if KIND == "cuda" else "XPUGraph")
print(graph.Recipe.refusal("cpu")["code"])
"""


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_a_recorded_epoch_trains_as_step_after_step_does(python, kind):
    """The graphs of 32 steps, of one and of the tail, on a recorder that does every operation again: the same losses.

    torch without such a recorder (XPU graphs came in 2.13) refuses with its reason.
    """
    assert inside(python, f"KIND = {kind!r}\n{GRAPHS}").splitlines() == ["None", "34 True", "True", "no-graphs"]


LINES = """
import ctypes, os, subprocess, sys, threading, types
import torch, devices, measure, precision
torch.set_num_threads(1)

# Apple's GPUs before bfloat16: the format is left out with its reason, the others are measured
from workloads import matmul
real = torch.Tensor.to
def to(tensor, *given, **how):
    if given and given[0] is torch.bfloat16:
        raise TypeError("BFloat16 is not supported on MPS")
    return real(tensor, *given, **how)
torch.Tensor.to = to
found = matmul.run({"workload": "matmul", "device": "cpu", "size": 16, "threads": 1})
torch.Tensor.to = real
print("bf16", [note["values"]["name"] for note in found["notes"]], sorted(found["quality"]))

# the fused SGD of Apple's GPUs: asked for where one real step works
from recipes import resident
zeros, sgd = torch.zeros, torch.optim.SGD
torch.zeros = lambda *shape, device=None, **how: zeros(*shape, **how)
print("sgd", resident.fast_options("mps"), end=" ")
def old(*given, **how):
    raise RuntimeError("`fused=True` requires all the params to be on CUDA")
torch.optim.SGD = old
print(resident.fast_options("mps"))
torch.zeros, torch.optim.SGD = zeros, sgd

# hybrid processors: the loop runs in all threads at once, and in no more than a container has time for
import cpu_peak
together = threading.Barrier(3, timeout=20)
library = types.SimpleNamespace(torchup_peak=lambda windows: 1.0 + together.wait() * 0)
torch.set_num_threads(3)
devices.cores = lambda: 8
print("peak", cpu_peak._all_threads(library), end=" ")
devices.cores, library.torchup_peak = lambda: 2, lambda windows: 1.0
print(cpu_peak._all_threads(library))
torch.set_num_threads(1)

# no compiler: the product's rate, and a note that it may be too low
import compiler
compiler.find = lambda: None
cpu_peak.COPY_BYTES = cpu_peak.PRODUCT = 256
alone = cpu_peak.measure()
print("note", alone["peak_note"]["code"], alone["peak_note"]["values"]["why"]["code"], alone["peak_flops"] > 0)

# a convolution's step keeps no gradient of the step before
from workloads import conv
kept = []
grad = torch.autograd.grad
torch.autograd.grad = lambda *given, **how: kept.append(grad(*given, **how)) or kept[-1]
step, flops = conv.step_of("cpu", precision.Mixed("cpu", "fp32-default"), torch.contiguous_format, 1)
step(); step()
torch.autograd.grad = grad
print("conv", all(torch.equal(a, b) for a, b in zip(*kept)), flops == 6 * 128 * 128 * 9 * 28 * 28)

# a torch without a FLOP counter or fused attention: unknown, and a refusal
from workloads import cifar_resnet, gpt
sys.modules["torch.utils.flop_counter"] = None
print("old", cifar_resnet._flops(None, None), end=" ")
del torch.nn.functional.scaled_dot_product_attention
try:
    gpt.run({"workload": "gpt", "device": "cpu"})
except Exception as error:
    print(error.said["code"])

# candidates take turns on a clock that has risen
from recipes import graph
order = []
both = graph.Graph.__new__(graph.Graph)
both.task, both.notes = types.SimpleNamespace(device="cpu"), []
both._checked = lambda compiled: types.SimpleNamespace(epoch=compiled)
steady, measure.steady = measure.steady, lambda device, epoch: order.append(epoch) or (1.0 if epoch else 2.0)
print("turns", both._compiled_is_better(), order)
measure.steady = steady

# graphs keep memory of their own: reserved, not allocated
torch.cuda.max_memory_allocated, torch.cuda.max_memory_reserved = lambda _: 5, lambda _: 9
print("pools", devices.peak_memory("cuda")[0], devices.peak_memory("cuda", pools=True)[0])

# Windows: the largest working set; with triton-windows nothing more is asked for than that Triton imports
def told(process, counters, size):
    ctypes.cast(counters, ctypes.POINTER(ctypes.c_size_t))[1] = 4321
    return 1
ctypes.windll = types.SimpleNamespace(psapi=types.SimpleNamespace(GetProcessMemoryInfo=told))
from recipes import fused_triton
sys.platform = "win32"
print("windows", devices._windows_peak(), fused_triton._lacks_for_building())
"""


def test_what_other_devices_and_torches_lack_is_said_or_done_another_way(python):
    """One line for each device of the review that is not here, on stand-ins for what it has or lacks."""
    assert [line for line in inside(python, LINES).splitlines() if not line.startswith("{")] == [
        "bf16 ['bf16'] ['tflops_fp16', 'tflops_fp16_cold', 'tflops_fp32', 'tflops_fp32_cold']",
        "sgd {'fused': True} {}",
        "peak 3.0 2.0",
        "note product-only no-compiler True",
        "conv True True",
        "old None old-attention",
        "turns True [False, True, False, True]",
        "pools 5 9",
        "windows (4321, 'process') None",
    ]


def test_a_container_gets_no_more_threads_than_it_has_time_for(python, tmp_path):
    """A quota of cgroup v2 or v1 counts, `max` and a missing file do not; half a processor is still one."""
    for name, files in {
        "v2": {"cpu.max": "150000 100000"}, "none": {"cpu.max": "max 100000"}, "torn": {"cpu.max": "x"},
        "v1": {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"},
        "v1-none": {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "empty": {},
    }.items():  # fmt: skip
        for file, content in files.items():
            place = tmp_path / name / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content + "\n")
    code = f"""
import os, devices
real = devices.cpu_quota
print([real({str(tmp_path)!r} + "/" + name) for name in ("v2", "none", "torn", "v1", "v1-none", "empty")])
os.sched_getaffinity = lambda _: set(range(16))
for quota in (1.5, None, 0.5, 99.0):
    devices.cpu_quota = lambda _: quota
    print(devices.cores(), end=" ")
"""
    assert inside(python, code).splitlines() == ["[1.5, None, None, 0.5, None, None]", "2 16 1 16 "]
