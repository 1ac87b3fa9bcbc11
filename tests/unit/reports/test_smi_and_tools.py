"""What nvidia-smi and the tools of systems and programs print, in the layouts of their versions."""

# ruff: noqa: ISC004, FLY002  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from support.doctor_reports import smi
from torchup.model import Os, Vendor
from torchup.reports import parse_report

MIG_WITHOUT_INSTANCES = "\n".join(
    [
        "| NVIDIA-SMI 535.104.05             Driver Version: 535.104.05   CUDA Version: 12.2     |",
        "|   0  NVIDIA A100-SXM4-40GB          On  | 00000000:07:00.0 Off |                   On |",
        "| N/A   29C    P0              43W / 400W |      0MiB / 40960MiB |     N/A      Default |",
        "|                                         |                      |              Enabled |",
        "| MIG devices:                                                                          |",
        "|  No MIG devices found                                                                 |",
    ]
)


@pytest.mark.parametrize("layout", ["2024", "2026"])
def test_the_table_of_every_layout_gives_driver_api_and_gpus(layout):
    """The names in the banner have changed; driver and API stay two facts."""
    facts = parse_report("\n".join(smi("610.57.04", "13.3", [("NVIDIA L40S", 5, 46068)], layout=layout)))
    assert (facts.nvidia.driver, facts.nvidia.cuda_api, facts.nvidia.toolkit) == ("610.57.04", "13.3", None)
    assert [gpu.name for gpu in facts.gpus] == ["NVIDIA L40S"]


def test_mig_without_instances_is_seen():
    """MIG is on and has no device: no program can use such a GPU."""
    (gpu,) = parse_report(MIG_WITHOUT_INSTANCES).gpus
    assert (gpu.mig_mode, gpu.mig_instances) == ("enabled", 0)


@pytest.mark.parametrize(
    "text",
    [
        "$ nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv\n"
        "name, driver_version, compute_cap\nNVIDIA GB10, 580.95.05, 12.1",
        "$ nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader\nNVIDIA GB10, 580.95.05, 12.1",
        "name, driver_version, compute_cap\nNVIDIA GB10, 580.95.05, 12.1",
    ],
)
def test_a_query_is_read_by_its_fields(text):
    """The header names the fields, or the command does."""
    facts = parse_report(text)
    assert (facts.gpus[0].name, facts.gpus[0].compute_capability) == ("NVIDIA GB10", "12.1")
    assert facts.nvidia.driver == "580.95.05"


def test_the_long_form_keeps_the_api_apart_from_a_toolkit():
    """`nvidia-smi -q` labels the CUDA API as people label their toolkit."""
    facts = parse_report(
        "==============NVSMI LOG==============\n\nDriver Version                   : 535.104.05\n"
        "CUDA Version                     : 12.2\nGPU 00000000:0C:00.0\n    Product Name      : NVIDIA GeForce RTX 2080"
    )
    assert (facts.nvidia.driver, facts.nvidia.cuda_api, facts.nvidia.toolkit) == ("535.104.05", "12.2", None)
    assert facts.nvidia.tools_found_none is False


def test_a_jetson_shows_itself_in_its_table():
    """Its GPU has no bus and a name of its own."""
    facts = parse_report(
        "| NVIDIA-SMI 540.4.0                Driver Version: 540.4.0      CUDA Version: 12.6     |\n"
        "|   0  Orin (nvgpu)                  N/A  | N/A              N/A |                  N/A |"
    )
    assert facts.system.jetson == "unknown"
    assert facts.gpus[0].vendor is Vendor.NVIDIA


COMFY = (
    "** Platform: Windows\n"
    "** Python version: 3.12.10 (tags/v3.12.10:0cc8128, Apr  8 2025, 12:21:36) [MSC v.1943 64 bit (AMD64)]\n"
    "** Python executable: D:\\Comfy\\python_embeded\\python.exe\n"
    "Total VRAM 12288 MB, total RAM 32694 MB\npytorch version: 2.7.0+cu128\n"
    "Device: cuda:0 NVIDIA GeForce RTX 3060 : cudaMallocAsync\n"
)


def test_what_comfyui_prints_at_its_start():
    """System, interpreter, torch and the GPU stand in its first lines."""
    facts = parse_report(COMFY)
    assert (facts.system.os, facts.python.version, facts.torch.variant) == (Os.WINDOWS, "3.12.10", "cu128")
    assert facts.interpreter == "D:\\Comfy\\python_embeded\\python.exe"
    assert [gpu.name for gpu in facts.gpus] == ["NVIDIA GeForce RTX 3060"]


def test_comfyui_on_amd_names_target_and_rocm():
    """The target belongs to the one card; ROCm stands as a pair."""
    facts = parse_report("AMD arch: gfx1201\nROCm version: (6, 4)\nDevice: cuda:0 AMD Radeon RX 9070 XT : native")
    assert [(gpu.name, gpu.gfx) for gpu in facts.gpus] == [("AMD Radeon RX 9070 XT", "gfx1201")]
    assert facts.rocm == "6.4"


def test_what_the_stable_diffusion_page_prints_at_its_start():
    """The virtual environment's Python and its version."""
    facts = parse_report(
        'venv "C:\\sd\\venv\\Scripts\\Python.exe"\n'
        "Python 3.10.6 (tags/v3.10.6:9c7b4bd, Aug  1 2022, 21:53:49) [MSC v.1932 64 bit (AMD64)]"
    )
    assert (facts.interpreter, facts.python.version) == ("C:\\sd\\venv\\Scripts\\Python.exe", "3.10.6")
    assert facts.system.os is Os.WINDOWS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "GPU[0]          : Card series:          Radeon RX 7900 XTX\nGPU[0]   : Card SKU:   D70401",
            ["Radeon RX 7900 XTX"],
        ),
        (
            "| 0         | Device Name: Intel(R) Arc(TM) Pro B60 Graphics             |",
            ["Intel(R) Arc(TM) Pro B60 Graphics"],
        ),
        ("Name                       : AMD Radeon RX 6800", ["AMD Radeon RX 6800"]),
        ("Name: torch\nVersion: 2.6.0", []),
        ("Name : /usr/bin/gnome-shell", []),
        ("显卡 : 2x RTX 3090", ["RTX 3090"]),
        ("GPU Recovery Action : None", []),
    ],
)
def test_names_of_gpus_in_the_lists_of_tools(text, names):
    """rocm-smi, xpu-smi, Windows; processes and packages have names too."""
    facts = parse_report(text)
    assert [gpu.name for gpu in facts.gpus] == names
    assert facts.nvidia.tools_found_none is False
