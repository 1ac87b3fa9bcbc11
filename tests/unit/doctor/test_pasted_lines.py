"""Line by line: what the parsers read from the many ways in which people and tools state one fact."""

from __future__ import annotations

from operator import attrgetter

import pytest

from torchup.doctor.facts import Node, Package
from torchup.model import Os
from torchup.reports import parse_report

LABELS = [
    ("PyTorch version: 2.6.0+cu124", "torch.variant", "cu124"),
    ("PyTorch version: N/A", "torch.installed", False),
    ("torch version 2.5.1", "torch.version", "2.5.1"),
    ("PyTorch version: 2.5.1, index cu121", "torch.variant", "cu121"),
    ("PyTorch version: 2.5.1 (py3.11_cuda12.4_cudnn9)", "torch.variant", "cu124"),
    ("PyTorch version: 2.6.0\ntorch: 2.6.0+cu126", "torch.local", "cu126"),
    ("PyTorch version: +rocm6.2\nPyTorch version: 2.6.0", "torch.variant", "rocm6.2"),
    ("PyTorch version: 2.9.0.dev20250702+cu128", "torch.version", "2.9.0.dev20250702"),
    ("OS: Could not collect", "system.os", None),
    ("OS: Ubuntu 22.04.4 LTS (x86_64)", "system.distribution", "Ubuntu 22.04.4 LTS"),
    ("OS: Ubuntu 22.04.4 LTS (x86_64)", "system.os_version", "22.04.4"),
    ("OS: Ubuntu 22.04 (amd64) on WSL2", "system.wsl", True),
    ("OS: Ubuntu 22.04 (amd64)", "system.arch", "x86_64"),
    ("OS: macOS 14.5 (arm64)", "system.os", Os.MACOS),
    ("OS: Microsoft Windows 11 Pro", "system.os", Os.WINDOWS),
    ("OS: TempleOS", "system.os", None),
    ("OS: Ubuntu 22.04\nOS: Windows 11", "system.os", Os.LINUX),
    ("Python version: 3.10.12 | packaged by conda-forge | (main) [GCC 11.4.0] (64-bit runtime)", "python.conda", True),
    ("Python version: 3.10.12 (64-bit runtime)", "python.bits", 64),
    ("Python version: 3.9.13 [MSC v.1929 32 bit (Intel)]", "python.arch", "i686"),
    ("Python version: 3.12.3 (tags) [MSC v.1938 64 bit (AMD64)]", "system.os", Os.WINDOWS),
    ("Python version: unknown", "python.version", None),
    ("Python platform: Linux-5.15.0-1063-azure-x86_64-with-glibc2.35", "system.kernel", "5.15.0-1063-azure"),
    ("Python platform: Linux-5.15.0-x86_64-with-glibc2.35", "system.glibc", "2.35"),
    ("Python platform: Linux-5.15.153.1-microsoft-standard-WSL2-x86_64-with-glibc2.35", "system.wsl", True),
    ("Python platform: Linux-5.10.104-tegra-aarch64-with-glibc2.29", "system.jetson", "unknown"),
    ("Python platform: macOS-15.3-arm64-arm-64bit", "system.os_version", "15.3"),
    ("Python platform: macOS-10.16-x86_64-i386-64bit", "system.os_version", None),
    ("Python platform: Windows-10-10.0.19045-SP0", "system.os", Os.WINDOWS),
    ("Is CUDA available: True", "torch.cuda_available", True),
    ("Is CUDA available: 否", "torch.cuda_available", False),
    ("Is CUDA available: No CUDA", "torch.cuda_available", None),
    ("PyTorch version: 2.7.0\nIs XPU available: True", "torch.xpu_built", True),
    ("PyTorch version: 2.7.0\nIs XPU available: False", "torch.xpu_built", None),
    ("CUDA used to build PyTorch: 10.1.243", "torch.variant", "cu101"),
    ("PyTorch version: 2.6.0\nOS: Ubuntu 22.04\nCUDA used to build PyTorch: None", "torch.variant", "cpu"),
    ("ROCM used to build PyTorch: 6.3.42131-fa1d09cbd", "torch.variant", "rocm6.3"),
    ("ROCM used to build PyTorch: N/A", "torch.hip", None),
    ("GPU models and configuration: No CUDA", "nvidia.tools_found_none", True),
    ("Nvidia driver version: No CUDA", "nvidia.tools_found_none", True),
    ("Nvidia driver version: GeForce 470.76", "nvidia.driver", "470.76"),
    ("Driver: AMD 26.10.1", "nvidia.driver", None),
    ("CUDA runtime version: release 12.4.131", "nvidia.toolkit", "12.4.131"),
    ("ROCm version: rocm-6.3.1", "rocm", "6.3.1"),
    ("Libc version: glibc-2.35", "system.glibc", "2.35"),
    ("CPU: Apple M2 Pro", "system.apple_silicon", True),
    ("Model name: Apple Processor (virtual)", "system.virtual_machine", True),
    ("Model name: unknown", "system.cpu", None),
    ("Architecture: AMD64", "system.arch", "x86_64"),
    ("Machine: MacBook Pro, Apple Silicon, macOS 14.2", "system.apple_silicon", True),
    ("Machine: MacBook Pro, Apple Silicon, macOS 14.2", "system.os_version", "14.2"),
    ("Machine: Mac mini 2018, Intel", "system.apple_silicon", False),
    ("Machine: Jetson Orin Nano", "system.jetson", "unknown"),
    ("Machine: a server, aarch64", "system.arch", "aarch64"),
    ("JetPack: 6.1", "system.jetpack", "6.1"),
    ("JetPack: 6.1", "system.arch", "aarch64"),
    ("Hypervisor vendor: KVM", "system.virtual_machine", True),
    ("Hypervisor vendor: N/A", "system.virtual_machine", False),
    ("Arch list: ['sm_50', 'sm_90a', 'compute_120']", "torch.arch_list", ("sm_50", "sm_90a", "compute_120")),
    ("- **GPU**: NVIDIA GeForce RTX 3060", "gpus", ("NVIDIA GeForce RTX 3060",)),
    ("GPU: RTX 3060 (UUID: GPU-1234)", "gpus", ("RTX 3060",)),
    ("GPU 使用: 85%", "gpus", ()),
]  # fmt: skip


def facts(text, path):
    """One fact of a pasted text, by its dotted name; GPUs by their names."""
    found = attrgetter(path)(parse_report(text))
    return tuple(gpu.name for gpu in found) if path == "gpus" else found


@pytest.mark.parametrize(("text", "path", "expected"), LABELS)
def test_a_labelled_line_is_read(text, path, expected):
    """`Label: value` lines, as collect_env and people write them, in English and Chinese."""
    assert facts(text, path) == expected


PACKAGES = [
    ("[pip3] torch==2.6.0", Package(name="torch", version="2.6.0")),
    ("[pip3] Torch_Scatter 2.1.2", Package(name="torch-scatter", version="2.1.2")),
    ("[pip3] requests==2.32.0", None),
    (
        "[conda] pytorch   2.5.1   py3.11_cuda12.4_cudnn9.1.0_0   pytorch",
        Package(name="pytorch", version="2.5.1", origin="conda", build="py3.11_cuda12.4_cudnn9.1.0_0",
                channel="pytorch"),
    ),
    ("[conda] requests 2.32.0 py311_0", None),
    ("[conda] not a row", None),
    ("torch                    2.6.0", Package(name="torch", version="2.6.0")),
    (
        "numpy   1.26.4   py311h64a7726_0   conda-forge",
        Package(name="numpy", version="1.26.4", origin="conda", build="py311h64a7726_0", channel="conda-forge"),
    ),
    ("mkl   2023.1.0   h213fc3f_46344", Package(name="mkl", version="2023.1.0", origin="conda",
                                                 build="h213fc3f_46344")),
    ("torch 2.6.0 /home/me/venv", Package(name="torch", version="2.6.0")),
    ("torchvision==0.21.0 ; python_version >= '3.9'", Package(name="torchvision", version="0.21.0")),
    ("torch-2.6.0+cu124", Package(name="torch", version="2.6.0+cu124")),
    ("- **xformers** version: v0.0.29", Package(name="xformers", version="0.0.29")),
    ("torch is 2 days old", None),
    ("torch " + "9" * 300, None),
    (
        "Requirement already satisfied: torch==2.6.0 in /venv/lib/python3.11/site-packages (2.6.0+cu124)",
        Package(name="torch", version="2.6.0+cu124", location="/venv/lib/python3.11/site-packages"),
    ),
    (
        "Requirement already satisfied: numpy==1.26.4 in /venv/lib",
        Package(name="numpy", version="1.26.4", location="/venv/lib"),
    ),
    ("Requirement already satisfied: numpy in /venv/lib", None),
    ("Requirement already satisfied, nothing to do", None),
    ("Successfully installed", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "package"), PACKAGES)
def test_a_listed_package_is_read(line, package):
    """Each tool's listing gives name, version and what else it prints; other packages and prose give nothing."""
    assert parse_report(line).packages == (() if package is None else (package,))


def test_what_was_installed_last_is_what_is_there():
    """`Successfully installed` replaces what pip listed before, whatever else it names."""
    pasted = (
        "[pip3] torch==2.5.0\nSuccessfully installed filelock-3.16 torch-2.6.0 not-a-version nvidia-nccl-cu12-2.21.5"
    )
    found = {package.name: package.version for package in parse_report(pasted).packages}
    assert found == {"torch": "2.6.0", "nvidia-nccl-cu12": "2.21.5"}


SESSIONS = [
    (">>> torch.__version__\n'2.6.0+cu124'", "torch.local", "cu124"),
    (">>> print(torch.cuda.is_available())\nFalse", "torch.cuda_available", False),
    ("In [3]: torch.cuda.is_available()\nOut[3]: True", "torch.cuda_available", True),
    (">>> torch.cuda.is_available()\n>>> exit()", "torch.cuda_available", None),
    (">>> torch.backends.mps.is_available()\nTrue", "torch.mps_available", True),
    (">>> torch.backends.mps.is_built()\nTrue", "torch.mps_built", True),
    (">>> torch.xpu.is_available()\nFalse", "torch.xpu_available", False),
    (">>> torch.xpu._is_compiled()\nTrue", "torch.xpu_built", True),
    (">>> torch.cuda.device_count()\n2", "torch.device_count", 2),
    (">>> torch.xpu.device_count()\n1", "torch.xpu_available", True),
    (">>> torch.version.cuda\n'12.4'", "torch.cuda", "12.4"),
    (">>> torch.__version__\n'2.6.0'\n>>> torch.version.cuda\n>>> exit()", "torch.variant", "cpu"),
    (">>> torch.version.hip\n'6.3.42131'", "torch.variant", "rocm6.3"),
    (">>> platform.machine()\n'AMD64'", "python.arch", "x86_64"),
    (">>> platform.platform()\n'macOS-14.5-arm64-arm-64bit'", "system.os_version", "14.5"),
    (">>> sys.version\n'3.11.7 (main)'", "python.version", "3.11.7"),
    (">>> torch.cuda.get_device_name(0)\n'NVIDIA GeForce RTX 3060'", "gpus", ("NVIDIA GeForce RTX 3060",)),
    (">>> torch.cuda.get_arch_list()\n['sm_50', 'gfx90a']", "torch.arch_list", ("sm_50", "gfx90a")),
    ("torch.cuda.is_available() returns False", "torch.cuda_available", False),
    ("torch.cuda.device_count() -> 3", "torch.device_count", 3),
    ("$ uname -m\naarch64", "system.arch", "aarch64"),
    ("$ groups\nme : me video render", "groups", ("me", "video", "render")),
    ("$ python --version\nPython 3.12.3", "python.version", "3.12.3"),
    ("$ nvidia-smi --query-gpu=driver_version --format=csv\ndriver_version\n550.54.15", "nvidia.driver", "550.54.15"),
    ("$ docker run --gpus all image", "system.container_gpu_flag", True),
    ("$ docker run image", "system.container_gpu_flag", False),
    ("(base) me@host:~$ podman run --device nvidia.com/gpu=all x", "system.container", True),
    ("$ pip install torch==2.6.0+cu124\n>>> torch.cuda.is_available()\nFalse", "torch.variant", "cu124"),
    ("$ pip install torch==2.6.0 -i https://download.pytorch.org/whl/cu126\n>>> torch.cuda.is_available()\nTrue",
     "torch.variant", "cu126"),
    ('$ python -c "import torch; print(torch.__version__, torch.cuda.is_available())"\n2.6.0+cpu False',
     "torch.variant", "cpu"),
    ('$ python -c "import torch; print(torch.cuda.is_available())"\nTrue', "torch.cuda_available", True),
    ("export CUDA_VISIBLE_DEVICES=-1", "environment", {"CUDA_VISIBLE_DEVICES": "-1"}),
    ("os.environ['HIP_VISIBLE_DEVICES'] = '0'", "environment", {"HIP_VISIBLE_DEVICES": "0"}),
    ("$env:CUDA_VISIBLE_DEVICES = ''", "environment", {"CUDA_VISIBLE_DEVICES": ""}),
    ("%env CUDA_VISIBLE_DEVICES 1", "environment", {"CUDA_VISIBLE_DEVICES": "1"}),
    ('  File "/venv/lib/python3.11/site-packages/torch/nn/x.py"', "torch.locations",
     ("/venv/lib/python3.11/site-packages",)),
    ("  libcudart.so.12 => /usr/local/cuda/lib64/libcudart.so.12", "libraries",
     {"libcudart.so.12": "/usr/local/cuda/lib64/libcudart.so.12"}),
    ("_CudaDeviceProperties(name='NVIDIA A100', major=8, minor=0)", "torch.cuda_available", True),
    ("_XpuDeviceProperties(name='Intel(R) Arc(TM) A770')", "gpus", ("Intel(R) Arc(TM) A770",)),
    ("NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible", "gpus", ("NVIDIA GeForce RTX 5090",)),
    ("crw-rw---- 1 root render 226, 128 Jan 1 00:00 /dev/dri/renderD128", "nodes",
     (Node(path="/dev/dri/renderD128", accessible=False, mode="crw-rw----", group="render"),)),
    ("crw-rw-rw- 1 root root 195, 0 Jan 1 00:00 nvidia0", "nodes",
     (Node(path="/dev/nvidia0", accessible=True, mode="crw-rw-rw-"),)),
    ("crw-rw-rw- 1 root root 1, 3 Jan 1 00:00 /dev/null", "nodes", ()),
    ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat", "nvidia.module", "535.104.05"),
    ("ii  nvidia-driver-550  550.54.15-0ubuntu1  amd64  NVIDIA driver", "nvidia.library", "550.54.15"),
    ("Linux host 5.15.0-105-generic #115-Ubuntu SMP x86_64 GNU/Linux", "system.kernel", "5.15.0-105-generic"),
    ("Linux host 5.15.153-microsoft-standard-WSL2 #1 SMP x86_64 GNU/Linux", "system.wsl", True),
    ("Python 3.10.6 (main) [GCC 11.3.0] on linux", "system.os", Os.LINUX),
    ("Python 3.10.6 | packaged by conda-forge | (main) [Clang 14] on darwin", "python.conda", True),
    ("01:00.0 VGA compatible controller: NVIDIA Corporation GA106 [GeForce RTX 3060] (rev a1)", "gpus",
     ("NVIDIA Corporation GA106 [GeForce RTX 3060]",)),
    ("  Name:                    gfx1100", "gpus", ("AMD gfx1100",)),
    ("AMDGPU_TARGETS gfx1030;gfx1100 of the GPU build", "gpus", ()),
    ("WARNING: GPU gfx1100 is odd", "gpus", ()),
    ("ProductVersion: 14.5", "system.os_version", "14.5"),
    ("macOS-14.5-arm64-arm-64bit", "system.os", Os.MACOS),
    ("Microsoft Windows [Version 10.0.22631.3007]", "system.os_version", "10.0.22631.3007"),
    ("I am on WSL 2 here", "system.wsl", True),
    ("# R35 (release), REVISION: 4.1", "system.jetson", "35.4.1"),
    ("     platform : osx-64", "python.arch", "x86_64"),
    ('"platform_machine": "AMD64"', "python.arch", "x86_64"),
    ('"python_full_version": "3.12.3"', "python.version", "3.12.3"),
    ('"sys_platform": "win32"', "system.os", Os.WINDOWS),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "expected"), SESSIONS)
def test_a_line_of_a_session_is_read(text, path, expected):
    """Prompts with their answers, commands, variables and what tools print."""
    assert facts(text, path) == expected


@pytest.mark.parametrize("uuid", ["", " (UUID: GPU-8d6f2a11-0000-0000-0000-000000000000)"])
def test_a_list_of_gpus_counts_each_once(uuid):
    """What `nvidia-smi -L` prints is read by two parsers; equal cards differ by their index."""
    pasted = "\n".join(
        f"GPU {index}: {name}{uuid}" for index, name in enumerate(["NVIDIA A100", "NVIDIA T4", "NVIDIA T4"])
    )
    assert facts(pasted, "gpus") == ("NVIDIA A100", "NVIDIA T4", "NVIDIA T4")


def test_the_capability_is_of_the_gpu_that_was_named():
    """Typed at the prompt or written beside a label it goes to the one GPU; of two nobody can tell."""
    asked = ">>> torch.cuda.get_device_name(0)\n'NVIDIA A100'\n>>> torch.cuda.get_device_capability(0)\n(8, 0)"
    assert parse_report(asked).gpus[0].compute_capability == "8.0"
    assert parse_report("GPU: RTX 5090\nCompute capability: sm_120").gpus[0].compute_capability == "12.0"
    assert parse_report("Compute capability: (12, 0)").gpus[0].compute_capability == "12.0"
    two = parse_report("GPU 0: NVIDIA A100\nGPU 1: NVIDIA T4\nCompute capability: 8.0")
    assert [gpu.compute_capability for gpu in two.gpus] == [None, None]


@pytest.mark.parametrize(
    ("value", "mode"),
    [("Exclusive_Process", "exclusive-process"), ("Prohibited", "prohibited"), ("Default", "default")],
)
def test_the_compute_mode_is_read(value, mode):
    """`nvidia-smi -q` says it in words; without a GPU named before, it is still one NVIDIA GPU."""
    assert parse_report(f"Compute Mode: {value}").gpus[0].compute_mode == mode
