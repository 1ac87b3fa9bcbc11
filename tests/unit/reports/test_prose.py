"""What people say in sentences about their machine, and what they say about other ones."""

from __future__ import annotations

import pytest

from torchup.catalog.gpus import load_gpu_table
from torchup.model import Os, Vendor
from torchup.reports import parse_report


def gpus(text):
    """Vendor and what the GPU executes, of each GPU of a report."""
    table = load_gpu_table()
    rows = [table.by_name(gpu.name, gpu.vendor) for gpu in parse_report(text).gpus]
    return [(row.compute_capability or row.gfx or row.xpu) if row else None for row in rows]


@pytest.mark.parametrize(
    ("said", "executes"),
    [
        ("my 3070Ti", "8.6"),
        ("an RTX4060", "8.9"),
        ("a RTX 4060Ti laptop", "8.9"),
        ("my 4090", "8.9"),
        ("我的显卡是5090", "12.0"),
        ("a 7900XTX", "gfx1100"),
        ("an RX 6800", "gfx1030"),
        ("a Radeon 780M", "gfx1103"),
        ("an rx7600", "gfx1102"),
        ("one MI300X", "gfx942"),
        ("an Arc A770", True),
        ("a B580", True),
        ("an Intel Arc Pro B60", True),
        ("a Ryzen AI 395", "gfx1151"),
        ("a Ryzen AI Max+ 395", "gfx1151"),
        ("an H100 SXM", "9.0"),
        ("a Tesla T4", "7.5"),
        ("an NVIDIA L4 GPU", "8.9"),
        ("a DGX Spark", "12.1"),
        ("a GTX 1080 Ti", "6.1"),
        ("a GTX1660 SUPER", "7.5"),
    ],
)
def test_a_gpu_in_a_sentence_is_read_however_it_is_spelled(said, executes):
    """Blanks, case, vendors' words and product lines that people leave out make no difference."""
    assert gpus(f"Hello, torch does not find {said}, what now?") == [executes]


def test_every_name_of_the_catalogue_is_read_in_a_sentence():
    """Each product with a number in its name, said with its vendor, is found as itself."""
    table = load_gpu_table()
    missed = []
    for name, vendor in table.products():
        if vendor is Vendor.APPLE or not any(character.isdigit() for character in name) or "(" in name:
            continue
        found = parse_report(f"My card is the {vendor.value.upper()} {name} here").gpus
        expected = table.by_name(name, vendor)
        rows = [table.by_name(gpu.name, gpu.vendor) for gpu in found]
        same = [(row.compute_capability, row.gfx) for row in rows if row]
        if expected is not None and same != [(expected.compute_capability, expected.gfx)]:
            missed.append((name, [gpu.name for gpu in found]))
    assert not missed


@pytest.mark.parametrize(
    "text",
    [
        "works with RTX 4090, fails with RTX 5090",
        "It should support the RTX 5090 soon.",
        "my friend's RTX 4090 is fine",
        "I used to have an RTX 3060, no longer.",
        "not an RTX 4090",
        "之前用 RTX 3090 没有问题",
        "listening on port 5090",
        "step 4090 of 5000, 3.2 it/s",
        "epoch 3070: loss 1.2",
        "see https://example.org/rtx-4090/guide",
        "opened /data/rtx4090/model.bin",
        "the M4 screw",
        "error T4 in line L40",
        "a 780M parameter model",
        "pages 5080 to 5090",
    ],
)
def test_other_machines_and_other_numbers_are_no_gpu_here(text):
    """Comparisons, wishes, the past, denials, ports, steps, addresses and paths."""
    assert gpus(text) == []


def test_the_gpu_that_is_called_the_machines_own_is_taken_among_several():
    """Beside another machine's card the user's own counts; two in one sentence are both in the machine."""
    assert gpus("It works on my friend's RTX 3060. My card is an RTX 5090.") == ["12.0"]
    assert gpus("I have an RTX 3060 and an RX 7900 XTX in it") == ["8.6", "gfx1100"]
    assert gpus("Somebody has an RTX 3060. Somebody has an RTX 5090.") == []


def test_tools_are_believed_before_sentences():
    """A GPU that a tool lists leaves the ones in sentences alone."""
    assert gpus("GPU 0: NVIDIA GeForce RTX 3060\nis that as good as my old 4090?") == ["8.6"]


@pytest.mark.parametrize(
    ("text", "driver", "api", "toolkit", "built"),
    [
        ("driver 570.86 here", "570.86", None, None, None),
        ("NVIDIA driver version is 535.104.05", "535.104.05", None, None, None),
        ("驱动版本 531.79", "531.79", None, None, None),
        ("nvidia driver 535", "535", None, None, None),
        ("it needs driver 580 or newer", None, None, None, None),
        ("请升级驱动到 580", None, None, None, None),
        ("CUDA 12.8 is installed? I have CUDA 12.8.", None, None, "12.8", None),
        ("nvidia-smi shows CUDA 12.8", None, "12.8", None, None),
        ("驱动最高支持 CUDA 12.4", None, "12.4", None, None),
        ("nvcc: Cuda compilation tools, release 12.4, V12.4.131", None, None, "12.4", None),
        ("PyTorch 2.9.1 (CUDA 12.8)", None, None, None, "12.8"),
        ("- Driver: 528.49 (CUDA 12.0)", "528.49", "12.0", None, None),
    ],
)
def test_the_versions_of_cuda_are_kept_apart(text, driver, api, toolkit, built):
    """Driver, the CUDA that it serves, a toolkit and the runtime in torch are four facts."""
    facts = parse_report(text)
    assert (facts.nvidia.driver, facts.nvidia.cuda_api) == (driver, api)
    assert (facts.nvidia.toolkit, facts.torch.cuda) == (toolkit, built)


@pytest.mark.parametrize(
    ("text", "version", "variant"),
    [
        ("I use PyTorch 2.9.1+cu128", "2.9.1", "cu128"),
        ("torch版本是2.3.1", "2.3.1", None),
        ("torch版本:2.3.1+cpu", "2.3.1", "cpu"),
        ("pytorch 2.5 is installed", "2.5", None),
        ("torch 2.5.1 here", "2.5.1", None),
        ("it needs torch 2.5.1 at least", None, None),
        ("pip install torch==2.5.1", None, None),
        ("torch 2.4.0 was fine, torch 2.5.1 is not", None, None),
    ],
)
def test_torch_in_a_sentence_is_read_when_it_is_the_one_that_is_there(text, version, variant):
    """Requirements, commands and several versions say nothing about what is installed."""
    torch = parse_report(text).torch
    assert (torch.version, torch.variant) == (version, variant)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("Python 3.8 on a laptop", "python.version", "3.8"),
        ("python3.10/site-packages", "python.version", None),
        ("requires Python 3.9", "python.version", None),
        ("works from Python 3.9 to Python 3.12", "python.version", None),
        ("RTX 4060, Windows 11, Python 3.11", "system.os", Os.WINDOWS),
        ("Windows 11", "system.os_version", "11"),
        ("- Ubuntu 24.04", "system.os_version", "24.04"),
        ("on win10 with torch", "system.os", Os.WINDOWS),
        ("Windows 11 and Ubuntu 22.04 both fail", "system.os", None),
        ("an Orin Nano with JetPack 6.2", "system.jetpack", "6.2"),
        ("L4T R35.4.1 on it", "system.jetson", "35.4.1"),
        ("kernel 5.15.148-tegra", "system.jetson", "unknown"),
        ("kernel 5.15.148-tegra", "system.kernel", "5.15.148-tegra"),
        ("# R36 (release), REVISION: 4.3, GCID: 1", "system.jetson", "36.4.3"),
        ("MacBook Pro M1 Max", "system.cpu", "Apple M1 Max"),
        ("MacBook Pro M1 Max", "system.apple_silicon", True),
        ("it works in WSL", "system.wsl", False),
        ("in WSL2 it fails", "system.wsl", True),
    ],
)
def test_the_machine_is_read_from_words(text, path, expected):
    """Systems, Pythons, boards and chips without any label."""
    value = parse_report(text)
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected
