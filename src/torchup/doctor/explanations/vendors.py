"""Causes of AMD's and Intel's GPUs, and of Jetson boards."""

from __future__ import annotations

from torchup.doctor.explain import Explanation
from torchup.model import message

EXPLANATIONS: tuple[Explanation, ...] = (
    Explanation(
        slug="rocm-wheel-not-installed",
        title=message(
            "explain.rocm-wheel-not-installed.title",
            "An AMD GPU with a build for another GPU",
        ),
        meaning=message(
            "explain.rocm-wheel-not-installed.meaning",
            "AMD GPUs are used by the ROCm builds of torch. pip's default build is for NVIDIA (Linux) or the CPU "
            "(Windows): it finds no driver of its kind.",
        ),
        see=message(
            "explain.rocm-wheel-not-installed.see",
            'torch.version.hip is None; "Found no NVIDIA driver on your system" on a machine with a Radeon.',
        ),
        fix=message(
            "explain.rocm-wheel-not-installed.fix",
            "pip install --force-reinstall torch torchvision torchaudio --index-url "
            "https://download.pytorch.org/whl/rocm7.2 on Linux. `torchup up` chooses the one that has the GPU's "
            "target.",
        ),
        windows=message(
            "explain.rocm-wheel-not-installed.windows",
            "Windows: AMD's own index https://repo.amd.com/rocm/whl-multi-arch/ has wheels for recent Radeons.",
        ),
    ),
    Explanation(
        slug="gfx-not-in-build",
        title=message(
            "explain.gfx-not-in-build.title",
            "The build has no code for this AMD GPU",
        ),
        meaning=message(
            "explain.gfx-not-in-build.meaning",
            "A ROCm build contains code for a list of targets (gfx1100, gfx90a...). On another target the first "
            "kernel fails. PyTorch's wheels cover fewer targets than AMD's own.",
        ),
        see=message(
            "explain.gfx-not-in-build.see",
            '"hipErrorNoBinaryForGpu", "HIP error: invalid device function", a missing TensileLibrary file; '
            "rocminfo shows the target, torch.cuda.get_arch_list() the list.",
        ),
        fix=message(
            "explain.gfx-not-in-build.fix",
            "Install AMD's wheels, which have more targets (https://repo.amd.com/rocm/whl-multi-arch/). On Linux a "
            "sibling's code can be tried: HSA_OVERRIDE_GFX_VERSION=10.3.0 for RX 6000, 11.0.0 for RX 7000 and 780M.",
        ),
    ),
    Explanation(
        slug="gpu-not-supported-by-kfd",
        title=message(
            "explain.gpu-not-supported-by-kfd.title",
            "The kernel does not offer this AMD GPU for compute",
        ),
        meaning=message(
            "explain.gpu-not-supported-by-kfd.meaning",
            "ROCm works through the kernel's compute driver (KFD). It skips GPUs that are too old, that sit in a "
            "slot without PCIe atomics, or whose module did not load.",
        ),
        see=message(
            "explain.gpu-not-supported-by-kfd.see",
            'dmesg | grep kfd shows "not supported in kfd", "PCI rejects atomics" or "skipped device"; rocminfo '
            'says "ROCk module is NOT loaded"; there is no /dev/kfd.',
        ),
        fix=message(
            "explain.gpu-not-supported-by-kfd.fix",
            "Load the module (sudo modprobe amdgpu), use a newer kernel, move the card to a slot wired to the "
            "processor. Cards before Vega are not supported: use the CPU build, or the card through Vulkan in other "
            "programs.",
        ),
    ),
    Explanation(
        slug="rocm-version-mismatch",
        title=message(
            "explain.rocm-version-mismatch.title",
            "Libraries of another ROCm",
        ),
        meaning=message(
            "explain.rocm-version-mismatch.meaning",
            "torch, or an extension, was linked to libraries of one ROCm version, and the system (or the wheel) has "
            "another: library names and symbols changed between major versions.",
        ),
        see=message(
            "explain.rocm-version-mismatch.see",
            '"libamdhip64.so.6: cannot open shared object file", "undefined symbol: hip...", a version in /opt that '
            "differs from torch.version.hip.",
        ),
        fix=message(
            "explain.rocm-version-mismatch.fix",
            "Use the extension's build for this ROCm, or the torch of the same ROCm. PyTorch's wheels bring their "
            "own ROCm: LD_LIBRARY_PATH to /opt/rocm can do harm.",
        ),
    ),
    Explanation(
        slug="xpu-wheel-not-installed",
        title=message(
            "explain.xpu-wheel-not-installed.title",
            "An Intel GPU with a build without XPU",
        ),
        meaning=message(
            "explain.xpu-wheel-not-installed.meaning",
            "Intel Arc, Data Center GPU Max and the GPUs of Core Ultra are used by the XPU builds of torch, from "
            "2.6 on.",
        ),
        see=message(
            "explain.xpu-wheel-not-installed.see",
            'torch.xpu.is_available() is False and torch.xpu._is_compiled() is False; "Torch not compiled with XPU '
            'enabled".',
        ),
        fix=message(
            "explain.xpu-wheel-not-installed.fix",
            "pip install --force-reinstall torch torchvision torchaudio --index-url "
            "https://download.pytorch.org/whl/xpu. Older integrated graphics (UHD, Iris Xe) are not supported: the "
            "CPU build is right there.",
        ),
    ),
    Explanation(
        slug="xpu-driver-missing",
        title=message(
            "explain.xpu-driver-missing.title",
            "The XPU build finds no driver",
        ),
        meaning=message(
            "explain.xpu-driver-missing.meaning",
            "The XPU build talks to the GPU through Level Zero. Without Intel's compute runtime, or without access "
            "to /dev/dri, it finds no device.",
        ),
        see=message(
            "explain.xpu-driver-missing.see",
            'torch.xpu.is_available() is False though the version ends in +xpu; "XPU device count is zero", "Failed '
            'to initialize XPU devices"; sycl-ls lists no level_zero device.',
        ),
        fix=message(
            "explain.xpu-driver-missing.fix",
            "Install Intel's GPU driver with Level Zero, and join the group render.",
        ),
        linux=message(
            "explain.xpu-driver-missing.linux",
            "Ubuntu: sudo apt install libze1 libze-intel-gpu1 intel-opencl-icd; sudo usermod -aG render $USER; log "
            "in again.",
        ),
        windows=message(
            "explain.xpu-driver-missing.windows",
            "Windows: the current Intel graphics driver.",
        ),
    ),
    Explanation(
        slug="jetson-needs-nvidia-wheel",
        title=message(
            "explain.jetson-needs-nvidia-wheel.title",
            "A Jetson needs NVIDIA's own build",
        ),
        meaning=message(
            "explain.jetson-needs-nvidia-wheel.meaning",
            "The integrated GPUs of Jetson boards (Nano, Xavier, Orin) run only code of their own kind, and JetPack "
            "has its own driver. The generic aarch64 wheels have no code for them, or are CPU builds.",
        ),
        see=message(
            "explain.jetson-needs-nvidia-wheel.see",
            "/etc/nv_tegra_release exists, uname -r ends in -tegra, torch.cuda.is_available() is False with a wheel "
            "from PyPI.",
        ),
        fix=message(
            "explain.jetson-needs-nvidia-wheel.fix",
            "Install NVIDIA's wheel for the JetPack on the board, with the Python of that JetPack (3.8 on JetPack "
            "5, 3.10 on JetPack 6), from NVIDIA's index for Jetson, or use NVIDIA's container for it.",
        ),
    ),
)
