"""How people ask: what their words and pasted lines state, abridged and retyped from public threads of many years."""

# ruff: noqa: E501, ISC004  # the lines are those of people and tools

from __future__ import annotations

from operator import attrgetter

import pytest

from torchup.model import Manager, Os
from torchup.reports import parse_report

THREADS = [
    (
        "`torch.cuda.is_available() `\nfalse\n**pytorch installed** \nconda install pytorch cudatoolkit=11.3 -c pytorch-nightly",
        {"torch.cuda_available": False, "manager": Manager.CONDA, "requested": ("pytorch", "cudatoolkit=11.3")},
    ),
    (
        "print(torch.cuda.is_available())\n\nreturn False\n\nnvidia-smi:NVIDIA-SMI 450.51.05    Driver Version: 450.51.05    CUDA Version: 11.0\n"
        "install : pip install torch==1.8.1+cu102 -f https://a.example/torch_stable.html\n\nprint(torch.__version__)\n1.8.1+cu102",
        {
            "torch.cuda_available": False,
            "torch.variant": "cu102",
            "nvidia.cuda_api": "11.0",
            "requested": ("torch==1.8.1+cu102",),
        },
    ),
    (
        "I have 2 GTX 1070 GPUs. My latest installation is pytorch 1.0, nvidia-410, cuda 10.0 but I have tried many combinations.",
        {"torch.version": "1.0", "nvidia.driver": "410", "nvidia.toolkit": "10.0"},
    ),
    (
        "Win10，RTX2080，CUDA10.2，anaconda\ntorch.cuda.is_available() always return false,why?",
        {"system.os": Os.WINDOWS, "nvidia.toolkit": "10.2", "torch.cuda_available": False},
    ),
    (
        "nvidia driver version: 441.41\nPyTorch Version : 1.3.1\nOS (e.g., Linux): Windows10\nPython version: 3.7\nCUDA/cuDNN version: 10.1",
        {"nvidia.driver": "441.41", "torch.version": "1.3.1", "system.os": Os.WINDOWS, "python.version": "3.7"},
    ),
    (
        "**Operating System**\nUbuntu 22.04.3\n\n**GPU**\nAMD Radeon RX 7900 XTX\n\n**ROCm Version**\n5.7.1",
        {"system.os_version": "22.04.3", "rocm": "5.7.1"},
    ),
    (
        "### Operating System\n\nWindows 11\n\n### Python version\n\n3.11.9\n\n### GPU\n\nRTX 3060 12GB",
        {"system.os": Os.WINDOWS, "python.version": "3.11.9"},
    ),
    (
        "T4卡的服务器上 torch.cuda.is_available() 为True\n后来我本地win10机器，torch.cuda.is_available() 就是False，不知道怎么办了。",
        {"torch.cuda_available": False, "system.os": Os.WINDOWS},
    ),
    (
        "My laptop: Lenovo, RTX 4070, 16 GB. WSL2 Ubuntu-22.04. nvidia-smi works inside it.",
        {"system.wsl": True, "system.os": Os.LINUX},
    ),
    (
        "pip3 install --pre torch --index-url https://a.example/whl/nightly/cu128. torch.__version__ shows 2.8.0.dev20250401+cu128",
        {"torch.variant": "cu128", "index_urls": ("https://a.example/whl/nightly/cu128",)},
    ),
    (
        "In [2]: import torch\n   ...: torch.cuda.is_available(), torch.__version__\nOut[2]: (False, '2.6.0+cpu')",
        {"torch.cuda_available": False, "torch.variant": "cpu"},
    ),
    (
        "services:\n  app:\n    environment:\n      - CUDA_VISIBLE_DEVICES=0\n    deploy:\n      resources:\n        reservations:\n          devices:\n            - driver: nvidia",
        {
            "system.container_kind": "docker",
            "system.container_gpu_flag": True,
            "environment": {"CUDA_VISIBLE_DEVICES": "0"},
        },
    ),
    (
        '[project]\ndependencies = ["torch>=2.7", "torchvision"]\n[tool.uv.sources]\ntorch = { index = "t" }\n[[tool.uv.index]]\nname = "t"\nurl = "https://a.example/whl/cu128"',
        {
            "manager": Manager.UV_PROJECT,
            "requested": ("torch>=2.7", "torchvision"),
            "index_urls": ("https://a.example/whl/cu128",),
        },
    ),
    (
        "Installed torch 2.4.1 via conda on my MacBook Air M2",
        {"manager": Manager.CONDA, "torch.version": "2.4.1", "system.apple_silicon": True},
    ),
    (
        "| | version |\n|---|---|\n| OS | Ubuntu 26.04 LTS |\n| CPU / GPU | Ryzen 7700X / Intel Arc A770 (DG2) |\n| Python | 3.13.13 |\n| `torch` | `2.12.0+xpu` (PyPI) |",
        {"system.os_version": "26.04", "python.version": "3.13.13", "torch.variant": "xpu"},
    ),
    (
        "- **OS:** nt\n- **Python Version:** 3.12.9 (main, Feb 12 2025, 14:52:31) [MSC v.1942 64 bit (AMD64)]\n- **PyTorch Version:** 2.6.0+cu126",
        {"system.os": Os.WINDOWS, "python.version": "3.12.9", "torch.variant": "cu126"},
    ),
    (
        "* **L4T Release:** R35.4.1 (see /etc/nv_tegra_release)\n* **JetPack Version:** 5.1.2\n* **Python Version:** 3.10 (venv)",
        {"system.jetson": "35.4.1", "system.jetpack": "5.1.2", "python.version": "3.10"},
    ),
    (
        "I installed torch on my jetson nano(Jetpack 4.4 [L4T 32.4.3]),but cuda.is_available() returns false",
        {"system.jetson": "32.4.3", "system.jetpack": "4.4", "torch.cuda_available": False},
    ),
    (
        "A:\\Comfy>.\\python_embeded\\python.exe -s main.py\nA:\\Comfy\\python_embeded\\Lib\\site-packages\\torch\\cuda\\__init__.py:235: UserWarning:\nRuntimeError: CUDA error",
        {"interpreter": ".\\python_embeded\\python.exe", "other_pythons": (), "system.os": Os.WINDOWS},
    ),
    (
        "Works well now on my 4070ti.\n\nDo you know how I could get it to work on the 5090?",
        {"gpus": ()},
    ),
    ("**Versions:** PyTorch 2.8.0 + cu129", {"torch.version": "2.8.0", "torch.variant": "cu129"}),
    (
        '  File "venv/lib/python3.6/site-packages/torch/__init__.py", line 196\nOSError: libcurand.so.10: cannot open shared object file',
        {"interpreter": "venv/bin/python", "python.version": "3.6"},
    ),
]


@pytest.mark.parametrize(("text", "expected"), THREADS)
def test_what_people_write_is_read(text, expected):
    """Half sentences, headings, mixed marks and two languages."""
    facts = parse_report(text)
    assert {path: attrgetter(path)(facts) for path in expected} == expected
