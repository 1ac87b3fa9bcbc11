"""Kinds that the second batch of threads showed, on texts of our own: message or words -> cause and remedy."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from torchup.doctor import diagnose
from torchup.reports import parse_report

NVRM = (
    "[    9.101] NVRM: The NVIDIA GPU 0000:0a:00.0 (PCI ID: {pci})\n               NVRM: installed in this system {why}"
)
OPEN_ONLY = "is not supported by open\n               NVRM: nvidia.ko because it does not include the required GPU\n               NVRM: System Processor (GSP)."
CONTAINER = "$ distrobox enter ai\n{nodes}\n>>> torch.zeros(1).cuda()\nRuntimeError: No HIP GPUs are available"
# name -> text, cause, what the remedy holds
REPORTS = {
    "open modules below an old card": (
        NVRM.format(pci="10de:1c03", why=OPEN_ONLY),
        "driver-missing-or-broken",
        "proprietary",
    ),
    "proprietary modules below a new card": (
        NVRM.format(pci="10de:2c02", why="requires use of the NVIDIA open kernel modules."),
        "driver-missing-or-broken",
        "replace the proprietary kernel modules with NVIDIA's open ones",
    ),
    "FFmpeg's DLLs": (
        "RuntimeError: [start of libtorchcodec loading traceback]\nFFmpeg version 8: Could not find module 'D:\\env\\Lib\\site-packages\\torchcodec\\libtorchcodec_core8.dll' (or one of its dependencies). Try using the full path with constructor syntax.",
        "system-library-missing",
        "FFmpeg",
    ),
    "a DLL of the XPU build": (
        'OSError: Error loading "C:\\work\\.venv\\Lib\\site-packages\\torch\\lib\\torch_xpu.dll" or one of its dependencies.',
        "windows-dll-missing",
        "setvars.bat",
    ),
    "HIP without a device": (
        "GPU: Radeon RX 7700 XT\nRuntimeError: HIP error: no ROCm-capable device is detected",
        "gpu-not-reached",
        "paste",
    ),
    "a notebook without ipykernel": (
        "Running cells with '.venv (Python 3.13.2)' requires the ipykernel package.",
        "python-package-missing",
        "pip install ipykernel",
    ),
    "Triton on Windows, for this torch": (
        "OS: Microsoft Windows 11 Pro\nPyTorch version: 2.8.0+cu128\ntorch._inductor.exc.TritonMissing: Cannot find a working triton installation. Either the package is not installed or it is too old.",
        "python-package-missing",
        "triton-windows<3.5",
    ),
    "Triton on Linux": (
        "OS: Ubuntu 24.04\nPyTorch version: 2.8.0+cu128\ntorch._inductor.exc.TritonMissing: Cannot find a working triton installation.",
        "python-package-missing",
        "pip install triton",
    ),
    "an engine without NVIDIA's runtime": (
        'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
        "container-without-gpu",
        "nvidia-ctk runtime configure --runtime=docker",
    ),
    "the plain wheel of an ARM server": (
        "GH200 on aarch64: torch 2.9.1 from the package index, and torch.cuda.is_available() is False.",
        "aarch64-wheel-is-cpu",
        "whl/cu13",
    ),
    "the host's group alone may open the nodes": (
        CONTAINER.format(nodes="/dev/kfd root:render 0660"),
        "permission-device-nodes",
        "keep-groups",
    ),
    "a variable that only ROCm reads": (
        "MIOPEN_FIND_MODE=2 python train.py\nRuntimeError: Found no NVIDIA driver on your system.",
        "rocm-wheel-not-installed",
        "rocm",
    ),
    "the index's plain wheel beside an AMD card": (
        "RX 7800 XT, Ubuntu 24.04\nCollecting torch\n  Downloading torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl (899.7 MB)\nThe card is not used.",
        "rocm-wheel-not-installed",
        "rocm",
    ),
    "headers of a Python without folders": (
        "Windows 11\ntcc: error: include file 'Python.h' not found",
        "build-headers-missing",
        "`include` and `libs`",
    ),
    "works there, not here": (
        "torch 2.5.1+cu124. It works on a RTX 4080. On the RTX 5080 it does not:\nRuntimeError: CUDA error: no kernel image is available for execution on the device",
        "arch-not-in-build-too-new",
        "cu13",
    ),
}


@pytest.mark.parametrize(("text", "cause", "remedy"), REPORTS.values(), ids=REPORTS)
def test_a_kind_gets_its_cause_and_a_remedy_to_paste(text, cause, remedy):
    """The message alone is enough, and the remedy is about what it names."""
    found = diagnose(parse_report(text))
    assert found.primary == cause
    first = next(finding for finding in found.findings if finding.rule == cause)
    words = "\n".join([str(first.remedy.text), *(" ".join(command) for command in first.remedy.commands)])
    assert remedy in words


@pytest.mark.parametrize(
    "nodes",
    [
        "/dev/kfd root:render 0666",  # open to all
        "/dev/kfd root:render 0660\n$ groups\nme render",  # the groups are known
        "/dev/kfd root:render 0660\nTrue",
    ],
)
def test_open_nodes_are_not_blamed(nodes):
    """Only a node that is there for others alone stands between a container and its GPU."""
    text = CONTAINER.format(nodes=nodes) if "True" not in nodes else f"$ distrobox enter ai\n{nodes}"
    assert diagnose(parse_report(text)).primary != "permission-device-nodes"


def test_what_a_build_covers_is_no_gpu_here():
    """A list of targets names no card of this machine."""
    assert parse_report("Building for GPU arch: gfx1030;gfx1100;gfx1201").gpus == ()
    assert [gpu.gfx for gpu in parse_report("GPU arch: gfx1100").gpus] == ["gfx1100"]


def test_what_a_fix_gives_is_not_what_failed():
    """The version before the patch is the one in question."""
    facts = parse_report("It took torch 2.9.1 there. With the patch it takes torch==2.9.1+cu130.")
    assert (facts.torch.version, facts.torch.variant) == ("2.9.1", None)


@pytest.mark.parametrize("said", ["torch.cuda.is_available False", "torch.cuda.is_available() False"])
def test_an_answer_is_read_without_the_brackets_of_its_call(said):
    """People leave them out."""
    assert parse_report(f"here: {said}, as before").torch.cuda_available is False


@pytest.mark.parametrize("came", ["", " (from -r requirements.txt (line 4))", " (from vllm)"])
def test_a_requirement_that_is_satisfied_has_its_version_at_the_end(came):
    """Whatever brackets stand before it."""
    line = f"Requirement already satisfied: torch>=2.4 in /home/me/env/lib/python3.12/site-packages{came} (2.9.1)"
    assert parse_report(line).torch.version == "2.9.1"
