"""Kinds that the third batch of threads showed, on texts of our own: message or words -> cause and remedy."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.remedy import line, remedy_of
from torchup.doctor.rules import CHECKS
from torchup.i18n import render
from torchup.model import Verdict
from torchup.reports import parse_report

DISPATCH = "`cutlassF` is not supported because:\n    requires device with capability {bound} but your GPU has capability {own} (too {age})"
NOT_HERE = "torch.cuda.is_available() is False"
JETSON = "Jetson AGX Orin, L4T R35.3.1\nI tried developer.download.nvidia.com/compute/redist/jp/v51/torch.whl.{answer}\n$ pip install torch\n{not_here}"
# name -> text, cause, what the remedy holds
REPORTS = {
    "uv exchanged a labelled build": (
        "$ uv pip install some-node\n - torch==2.8.0+cu126\n + torch==2.9.1\n + some-node==1.0",
        "torch-replaced",
        "torch==2.8.0+cu126",
    ),
    "a person writes it with an arrow": (
        "`pip install -r requirements.txt` of the node takes PyPI's CUDA build:\n- torch 2.8.0+cu126 -> torch 2.9.1",
        "torch-replaced",
        "torch==2.8.0+cu126",
    ),
    "pip took it away, the list has another": (
        "$ pip install some-node==1.0\n    Found existing installation: torch 2.8.0+cu126\n    Uninstalling torch-2.8.0+cu126:\n$ pip list\ntorch            2.9.1\nnumpy            2.1.0",
        "torch-replaced",
        "torch==2.8.0+cu126",
    ),
    "a kernel for older cards only": (
        "PyTorch: 2.9.1+cu128\nRTX 5080, Linux\n" + DISPATCH.format(bound="<= (9, 0)", own="(12, 0)", age="new"),
        "extension-arch-missing",
        "xformers",
    ),
    "a kernel for newer cards only": (
        "PyTorch: 2.6.0+cu124\nTesla T4, Linux\n" + DISPATCH.format(bound=">= (8, 0)", own="(7, 5)", age="old"),
        "extension-arch-missing",
        "compute capability",
    ),
    "NVIDIA's file for JetPack is gone": (
        JETSON.format(answer=" HTTP 404 Not Found", not_here=NOT_HERE),
        "jetson-needs-nvidia-wheel",
        "JetPack",
    ),
    "the card fell off": (
        "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU",
        "driver-missing-or-broken",
        "nvidia-smi",
    ),
}
# name -> text, a cause that must not come
SILENT = {
    "a person says that the GPU is lost": ("- GPU is lost, everything runs on the CPU", "driver-missing-or-broken"),
    "the label stays": ("$ uv pip install some-node\n - torch==2.8.0+cu126\n + torch==2.9.1+cu126", "torch-replaced"),
    "PyPI's build for PyPI's build": ("$ uv pip install node\n - torch==2.8.0\n + torch==2.9.1", "torch-replaced"),
    "it works with the other build": (
        "$ uv pip install node\n - torch==2.8.0+cu126\n + torch==2.9.1\n>>> torch.cuda.is_available()\nTrue",
        "torch-replaced",
    ),
    "the user asked for another torch": (
        "$ pip install torch==2.9.1\n    Uninstalling torch-2.8.0+cu126:\nSuccessfully installed torch-2.9.1",
        "torch-replaced",
    ),
    "NVIDIA's file for JetPack was taken": (
        JETSON.format(answer="", not_here=NOT_HERE),
        "jetson-needs-nvidia-wheel",
    ),
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
    """Words of people, and exchanges that nobody suffers from."""
    assert cause not in {finding.rule for finding in diagnose(parse_report(text)).findings}


@pytest.mark.parametrize("said", [{"xpu_built": False, "xpu_available": False}, {"signs": "xpu.not-compiled"}])
@pytest.mark.parametrize("os", ["linux", "windows"])
def test_a_build_without_xpu_is_exchanged_for_one_with_it(os, said):
    """Also where the report names no GPU: who asks torch for XPU has an Intel one."""
    remedy = remedy_of("xpu-wheel-not-installed", facts(os=os, **said), load_compat().catalog)
    assert "whl/xpu" in "\n".join(map(line, remedy.commands))


@pytest.mark.parametrize(("free", "held"), [("2.40", False), ("0.40", True)])
def test_the_programs_own_context_is_not_held_by_others(free, held):
    """Torch's older message counts the context of the program for no process: half a GiB is not that of others."""
    text = (
        f"8.00 GiB total capacity; 3.00 GiB already allocated; {free} GiB free; 3.30 GiB reserved in total by PyTorch"
    )
    oom = sign("memory.oom", message=f"Tried to allocate 4.00 GiB (GPU 0; {text}")
    assert (CHECKS["memory-held-by-other-process"](facts(signs=(oom,)), load_compat()) is not None) is held


@pytest.mark.parametrize("end", ["` of the node takes the CUDA build", "` and then CUDA is gone"])
def test_a_command_in_a_sentence_ends_with_its_quotation(end):
    """The words behind it were not asked for."""
    assert parse_report(f"I ran `pip install torch==2.8.0{end}").requested == ("torch==2.8.0",)


@pytest.mark.parametrize("package", ["xformers", "flash_attn", "bitsandbytes"])
def test_a_package_that_fails_beside_a_working_torch_is_not_called_healthy(package):
    """Torch reaches the GPU; what failed is quoted."""
    works = "PyTorch version: 2.9.1+cu128\nIs CUDA available: True\nGPU models and configuration: GPU 0: NVIDIA L4\n"
    found = diagnose(parse_report(f"{works}RuntimeError: {package}: this cannot be"))
    assert found.verdict is Verdict.UNDETERMINED
    assert package in " ".join(map(render, found.seen))


def test_why_an_installer_refuses_is_a_failure():
    """Uv and pixi put the reason below their first line, without the word error."""
    why = "╰─▶ Virtual package '__cuda' does not match any of the available virtual packages on your machine"
    found = diagnose(parse_report(f"  Error:   × Cannot install environment 'default'\n    {why}: [__linux=6.1=0]"))
    assert found.verdict is Verdict.UNDETERMINED
    assert "__cuda" in " ".join(map(render, found.seen))


@pytest.mark.parametrize("width", range(60, 90))
def test_an_address_that_a_console_cut_is_read_whole(width):
    """Wherever the cut falls; and output below a whole address is no part of it."""
    command = "$ pip install torch torchvision --index-url https://download.pytorch.org/whl/cu128"
    cut = [command[start : start + width] for start in range(0, len(command), width)]
    assert parse_report("\n".join([*cut, "Collecting torch"])).index_urls == ("https://download.pytorch.org/whl/cu128",)
