"""Kinds that the fourth batch of threads showed, on texts of our own: message or words -> cause and remedy."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from torchup.doctor import diagnose
from torchup.doctor.remedy import line
from torchup.i18n import render
from torchup.model import Verdict
from torchup.reports import parse_report

NO_KERNEL = "RuntimeError: CUDA error: no kernel image is available for execution on the device\n\n{said}"
GONE = (
    "Jetson Orin Nano\n"
    '  File "/usr/lib/python3.10/site-packages/torch/__init__.py", line 153, in _load_global_deps\n'
    '  File "/usr/lib/python3.10/ctypes/__init__.py", line 374, in __init__\n'
    "OSError: lib{name}.so.11: cannot open shared object file: No such file or directory"
)
PROJECT = '[project]\nname = "demo-torch"\nrequires-python = ">=3.10,<3.14"\ndependencies = ["torch"]\n'
UV_HINT = "hint: The `requires-python` value (>=3.8) includes Python versions that are not supported by your dependencies (e.g., {wish} only supports >=3.10). Consider using a more restrictive `requires-python` value (like >=3.10)."
NO_DRIVER = "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"
# name -> text, cause, what the remedy holds
REPORTS = {
    "a project beside a CPU build": (
        f"{PROJECT}Windows 11, RTX 4060\nPython 3.12.4\n>>> torch.__version__\n'2.9.1+cpu'\n>>> torch.cuda.is_available()\nFalse",
        "cpu-build-installed",
        "whl/cu1",
    ),
    "uv's hint about torch": (UV_HINT.format(wish="torch==2.9.1"), "python-version-unsupported", "torch"),
    "a question whether the card is not supported": (
        NO_KERNEL.format(said="Is the RTX 5070 not supported?"),
        "arch-not-in-build-too-new",
        "torch",
    ),
    "the same question in Chinese": (
        NO_KERNEL.format(said="难道不支持5080显卡？"),
        "arch-not-in-build-too-new",
        "torch",
    ),
    **{
        f"a Jetson without {name}": (GONE.format(name=name), "system-library-missing", "nvidia-cuda")
        for name in ("cufft", "curand", "cusolver", "cusparse", "nvrtc")
    },
}
# name -> text, a cause that must not come
SILENT = {
    "a project says which Pythons it is for": (PROJECT, "python-version-unsupported"),
    "uv's hint about another package": (UV_HINT.format(wish="numpy==2.4.0"), "python-version-unsupported"),
    "a page says what is supported": (
        NO_KERNEL.format(said="The page says that the RTX 5070 is supported."),
        "arch-not-in-build-too-new",
    ),
    "a library of TensorFlow": (
        "W tensorflow/stream_executor: Could not load dynamic library 'libcufft.so.10'; dlerror: libcufft.so.10: cannot open shared object file: No such file or directory",
        "mixed-install",
    ),
    "a target that no build lacks": (
        "Ubuntu 22.04, AMD Instinct MI210\nRuntimeError: HIP error: invalid device function",
        "gfx-not-in-build",
    ),
    "it works in another environment": (
        f"It works fine in another environment.\n{NO_DRIVER}",
        "driver-missing-or-broken",
    ),
    "it works outside": (f"Everything works fine outside conda.\n{NO_DRIVER}", "driver-missing-or-broken"),
    "the same in Chinese": (f"在其他环境里正常\n{NO_DRIVER}", "driver-missing-or-broken"),
}


@pytest.mark.parametrize(("text", "cause", "remedy"), REPORTS.values(), ids=REPORTS)
def test_a_kind_gets_its_cause_and_a_remedy_to_paste(text, cause, remedy):
    """The message alone is enough, and the remedy is about what it names."""
    found = diagnose(parse_report(text))
    assert found.primary == cause
    first = next(finding for finding in found.findings if finding.rule == cause)
    assert remedy in "\n".join([render(first.remedy.text), *map(line, first.remedy.commands)])


@pytest.mark.parametrize(("text", "cause"), SILENT.values(), ids=SILENT)
def test_what_resembles_a_kind_is_not_blamed(text, cause):
    """Settings, words of people, and messages of other programs."""
    assert cause not in {finding.rule for finding in diagnose(parse_report(text)).findings}


@pytest.mark.parametrize("name", ["a target that no build lacks", "it works in another environment"])
def test_a_failure_whose_likely_cause_is_ruled_out_is_undetermined(name):
    """It is not called healthy, and the message is quoted."""
    found = diagnose(parse_report(SILENT[name][0]))
    assert found.verdict is Verdict.UNDETERMINED
    assert found.seen


FULL = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.61 GiB of which 5.06 MiB is free. Including non-PyTorch memory, this process has 22.69 GiB memory in use."
OLD_FULL = "RuntimeError: CUDA out of memory. Tried to allocate 4.00 GiB (GPU 0; 8.00 GiB total capacity; 7.20 GiB already allocated; 0.40 GiB free)"
NO_ROOM = "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be stored in KV cache (7344). Try increasing `gpu_memory_utilization` or decreasing `max_model_len`"
DEVICES = "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, {devices}!"
REACHED = {
    "memory is full": FULL,
    "memory was full in older releases": OLD_FULL,
    "no room for the cache": NO_ROOM,
    "the program's assertion on the GPU": "RuntimeError: CUDA error: device-side assert triggered",
    "a tensor on the GPU": DEVICES.format(devices="cuda:0 and cpu"),
    "a tensor on a later GPU": DEVICES.format(devices="cpu and cuda:1"),
    "ComfyUI's report": "- **Name:** cuda:0 NVIDIA GeForce RTX 4070 : cudaMallocAsync\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 8x4)",
}
UNPROVEN = {
    "memory is full before torch has any": "RuntimeError: CUDA error: out of memory",
    "tensors on other devices": DEVICES.format(devices="mps:0 and cpu"),
    "something else fails": f"{FULL}\nRuntimeError: cudnn: this cannot be",
    "the device line, and then a failure": "Device: cuda:0 NVIDIA GeForce RTX 4070 : cudaMallocAsync\nRuntimeError: CUDA error: this cannot be",
}


@pytest.mark.parametrize("text", REACHED.values(), ids=REACHED)
def test_a_failure_that_only_a_working_gpu_gives_is_evidence_of_health(text):
    """The program or its data is at fault; what torch said of the GPU is quoted."""
    found = diagnose(parse_report(text))
    assert found.verdict is Verdict.HEALTHY
    assert found.seen


@pytest.mark.parametrize("text", UNPROVEN.values(), ids=UNPROVEN)
def test_a_failure_that_a_broken_gpu_gives_too_is_not_called_healthy(text):
    """Nor is one that stands beside another failure."""
    assert diagnose(parse_report(text)).verdict is not Verdict.HEALTHY
