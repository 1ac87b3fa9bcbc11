"""Causes that lie in the build of torch and in what is installed beside it."""

from __future__ import annotations

from torchup.doctor.explain import Explanation
from torchup.model import message

EXPLANATIONS: tuple[Explanation, ...] = (
    Explanation(
        slug="cpu-build-installed",
        title=message(
            "explain.cpu-build-installed.title",
            "A CPU build of torch on a machine with a GPU",
        ),
        meaning=message(
            "explain.cpu-build-installed.meaning",
            "The installed torch was built without GPU code, so torch.cuda.is_available() is False whatever the "
            "driver does. pip takes a CPU build on Windows when no index is named, conda takes one when no CUDA "
            "build fits its other constraints, and an index that ends in /cpu always has one.",
        ),
        see=message(
            "explain.cpu-build-installed.see",
            'torch.__version__ ends in +cpu, or torch.version.cuda is None; calls end with "Torch not compiled with '
            'CUDA enabled".',
        ),
        fix=message(
            "explain.cpu-build-installed.fix",
            "Install the build for the GPU over it: `torchup up` chooses it. By hand, name an index: pip install "
            "--force-reinstall torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu126",
        ),
        linux=message(
            "explain.cpu-build-installed.linux",
            "On Linux look for an index in pip.conf, uv.toml or the requirements file that ends in /cpu.",
        ),
        windows=message(
            "explain.cpu-build-installed.windows",
            "On Windows PyPI has CPU builds only; the CUDA builds are on PyTorch's own index.",
        ),
    ),
    Explanation(
        slug="aarch64-wheel-is-cpu",
        title=message(
            "explain.aarch64-wheel-is-cpu.title",
            "The CPU wheel on a Linux ARM server with an NVIDIA GPU",
        ),
        meaning=message(
            "explain.aarch64-wheel-is-cpu.meaning",
            "For years PyPI's wheel for linux aarch64 was a CPU build. Machines such as GH200, GB200 and DGX Spark "
            "have a CUDA wheel, but on PyTorch's own index.",
        ),
        see=message(
            "explain.aarch64-wheel-is-cpu.see",
            "uname -m says aarch64, nvidia-smi lists a GPU, torch.version.cuda is None.",
        ),
        fix=message(
            "explain.aarch64-wheel-is-cpu.fix",
            "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130 (from torch 2.9 "
            "on; cu126 to cu129 have aarch64 wheels from 2.6 on). `torchup up` chooses the one that exists.",
        ),
    ),
    Explanation(
        slug="arch-not-in-build-too-new",
        title=message(
            "explain.arch-not-in-build-too-new.title",
            "The GPU is newer than the build",
        ),
        meaning=message(
            "explain.arch-not-in-build-too-new.meaning",
            "A build contains machine code for a list of GPU generations. A GPU runs code of its own generation, or "
            "of an older member of the same major number; code of an older major number does not run. "
            "is_available() says True, and the first operation fails.",
        ),
        see=message(
            "explain.arch-not-in-build-too-new.see",
            '"CUDA capability sm_120 is not compatible with the current PyTorch installation" or "no kernel image '
            'is available for execution on the device"; torch.cuda.get_arch_list() has no entry for the GPU.',
        ),
        fix=message(
            "explain.arch-not-in-build-too-new.fix",
            "Install a newer build: RTX 50 and B200 need CUDA 12.8 or newer (torch 2.7 and newer), H100 and RTX 40 "
            "CUDA 11.8, RTX 30 and A100 CUDA 11, RTX 20 CUDA 10. `torchup up` chooses by the GPU. A newer toolkit "
            "on the machine does not help: torch brings its own.",
        ),
    ),
    Explanation(
        slug="arch-not-in-build-too-old",
        title=message(
            "explain.arch-not-in-build-too-old.title",
            "The GPU is older than the build, or in a gap of its list",
        ),
        meaning=message(
            "explain.arch-not-in-build-too-old.meaning",
            "Each release of torch drops old GPU generations to keep the wheels small, and different CUDA variants "
            "of one release differ. Below the oldest entry of the list, or between two entries of different major "
            "numbers, there is no code for the GPU.",
        ),
        see=message(
            "explain.arch-not-in-build-too-old.see",
            '"PyTorch no longer supports this GPU because it is too old", "no kernel image is available"; the '
            "compute capability is lower than the entries of torch.cuda.get_arch_list().",
        ),
        fix=message(
            "explain.arch-not-in-build-too-old.fix",
            "Install a build that still has it: Maxwell, Pascal and Volta are in the cu126 builds up to 2.14.1 (and "
            "in conda-forge's CUDA 12.9 builds), a K80 in 2.7.1+cu118. Do not update past driver branch 580 on such "
            "a card: later branches drop it.",
        ),
    ),
    Explanation(
        slug="companion-mismatch",
        title=message(
            "explain.companion-mismatch.title",
            "torchvision or torchaudio belongs to another torch",
        ),
        meaning=message(
            "explain.companion-mismatch.meaning",
            "torchvision and torchaudio contain code that was compiled against one release of torch and one CUDA. "
            "Beside another one their operators do not register, or their libraries do not load. It happens when "
            "pip upgrades torch alone, or when one of them comes from PyPI and the other from PyTorch's index.",
        ),
        see=message(
            "explain.companion-mismatch.see",
            '"operator torchvision::nms does not exist", "compiled with different CUDA versions", "undefined symbol" '
            "in a library of torchaudio or torchvision, or of another compiled package such as flash-attn.",
        ),
        fix=message(
            "explain.companion-mismatch.fix",
            "Install them together, in one command, from one index: pip install --force-reinstall torch torchvision "
            "torchaudio --index-url https://download.pytorch.org/whl/cu126. `torchup doctor --fix` does it for an "
            "environment of its own. Of another compiled package take the release that was built for this torch.",
        ),
    ),
    Explanation(
        slug="numpy-abi",
        title=message(
            "explain.numpy-abi.title",
            "Built for NumPy 1, and NumPy 2 is installed",
        ),
        meaning=message(
            "explain.numpy-abi.meaning",
            "NumPy 2 changed its binary interface. Wheels of torch before 2.3, and other compiled packages of that "
            "time, were built for NumPy 1 and cannot exchange arrays with NumPy 2.",
        ),
        see=message(
            "explain.numpy-abi.see",
            '"A module that was compiled using NumPy 1.x cannot be run in NumPy 2", "_ARRAY_API not found", "Numpy '
            'is not available".',
        ),
        fix=message(
            "explain.numpy-abi.fix",
            'Either install an older NumPy: pip install "numpy<2"; or a torch of 2.3 or newer. When the message '
            "names another package, update that package.",
        ),
    ),
    Explanation(
        slug="torch-not-installed",
        title=message(
            "explain.torch-not-installed.title",
            "This Python has no torch",
        ),
        meaning=message(
            "explain.torch-not-installed.meaning",
            "The interpreter that runs has no torch, or only the remains of one. Often torch is in another "
            "environment: pip and python on PATH belong to different interpreters, or a notebook uses another "
            "kernel.",
        ),
        see=message(
            "explain.torch-not-installed.see",
            '"No module named \'torch\'"; python -c "import sys; print(sys.executable)" names another interpreter '
            "than pip --version.",
        ),
        fix=message(
            "explain.torch-not-installed.fix",
            "Install with the interpreter that runs the program: python -m pip install torch; or activate the "
            "environment that has it. `torchup up` makes one that works.",
        ),
    ),
    Explanation(
        slug="extension-arch-missing",
        title=message(
            "explain.extension-arch-missing.title",
            "A compiled extension has no code for this GPU",
        ),
        meaning=message(
            "explain.extension-arch-missing.meaning",
            "torch itself runs on the GPU. A third-party package with kernels of its own (vLLM, xformers, "
            "flash-attn, bitsandbytes, mmcv...) was built for other generations.",
        ),
        see=message(
            "explain.extension-arch-missing.see",
            '"no kernel image is available" in a traceback that ends in the other package, while an operation of '
            "torch alone works.",
        ),
        fix=message(
            "explain.extension-arch-missing.fix",
            "Install a release of that package that lists the GPU's generation, or build it here with "
            "TORCH_CUDA_ARCH_LIST set to the GPU's compute capability. Some packages never support older "
            "generations: use the fall-back that they offer.",
        ),
    ),
    Explanation(
        slug="triton-newer-than-driver",
        title=message(
            "explain.triton-newer-than-driver.title",
            "Triton compiles for a newer driver",
        ),
        meaning=message(
            "explain.triton-newer-than-driver.meaning",
            "torch works on this driver thanks to CUDA's minor-version compatibility. Triton, which torch.compile "
            "and many packages use, brings its own ptxas, and its output is too new for the driver to load: that "
            "compatibility does not cover compiled code.",
        ),
        see=message(
            "explain.triton-newer-than-driver.see",
            '"Triton Error [CUDA]: device kernel image is invalid" or "the provided PTX was compiled with an '
            'unsupported toolchain".',
        ),
        fix=message(
            "explain.triton-newer-than-driver.fix",
            "Update the driver to the branch of the build's CUDA; or point TRITON_PTXAS_PATH to the ptxas of an "
            "older toolkit; or use an older torch; or run without torch.compile.",
        ),
    ),
    Explanation(
        slug="no-gpu-present",
        title=message(
            "explain.no-gpu-present.title",
            "No GPU that torch can use",
        ),
        meaning=message(
            "explain.no-gpu-present.meaning",
            "The machine has no NVIDIA, AMD, Intel Arc or Apple GPU, or only an integrated one that torch does not "
            "support. The CPU build is the right one, and nothing is broken.",
        ),
        see=message(
            "explain.no-gpu-present.see",
            "nvidia-smi, rocminfo and lspci show no usable GPU; in a cloud, the instance type has none.",
        ),
        fix=message(
            "explain.no-gpu-present.fix",
            "Nothing to fix. If a GPU should be there, look at the instance type, the firmware settings and the "
            "container's options.",
        ),
    ),
    Explanation(
        slug="python-package-missing",
        title=message(
            "explain.python-package-missing.title",
            "Another package is missing",
        ),
        meaning=message(
            "explain.python-package-missing.meaning",
            "The program imports a package that is not installed in this environment. torch is not at fault.",
        ),
        see=message(
            "explain.python-package-missing.see",
            '"No module named" followed by another name than torch.',
        ),
        fix=message(
            "explain.python-package-missing.fix",
            "Install the package that provides the module into the same environment: python -m pip install NAME. "
            "The module's name and the package's name may differ (cv2 is opencv-python, PIL is pillow).",
        ),
    ),
    Explanation(
        slug="build-headers-missing",
        title=message(
            "explain.build-headers-missing.title",
            "A source build stops for want of headers",
        ),
        meaning=message(
            "explain.build-headers-missing.meaning",
            "A package is compiled on this machine because no wheel of it fits, and a compiler, Python's headers or "
            "a CUDA toolkit is missing. The installed torch is fine: it needs none of them.",
        ),
        see=message(
            "explain.build-headers-missing.see",
            '"fatal error: Python.h: No such file or directory", "CUDA_HOME environment variable is not set", a '
            "failing cmake command; \"No module named 'torch'\" while pip gets the requirements to build a wheel.",
        ),
        fix=message(
            "explain.build-headers-missing.fix",
            "Look for a prebuilt wheel first. Else install what the message names; a CUDA toolkit must be of the "
            "major version that torch was built with. Where torch is what is missing, it is there but hidden from the "
            "build: pip install --no-build-isolation.",
        ),
        linux=message(
            "explain.build-headers-missing.linux",
            "Debian and Ubuntu: apt install build-essential python3-dev. Fedora: dnf install gcc-c++ python3-devel.",
        ),
        windows=message(
            "explain.build-headers-missing.windows",
            "Windows: the Build Tools for Visual Studio, with the C++ workload.",
        ),
        macos=message(
            "explain.build-headers-missing.macos",
            "macOS: xcode-select --install.",
        ),
    ),
    Explanation(
        slug="healthy-but-slow",
        title=message(
            "explain.healthy-but-slow.title",
            "Sound, but slow",
        ),
        meaning=message(
            "explain.healthy-but-slow.meaning",
            "The environment works. The GPU waits: for data that one process loads and transforms, for copies, or "
            "for many tiny kernels.",
        ),
        see=message(
            "explain.healthy-but-slow.see",
            "Low utilisation in nvidia-smi while the program runs; `torchup bench` shows the share of input, "
            "transfer, launch and compute.",
        ),
        fix=message(
            "explain.healthy-but-slow.fix",
            "Give the DataLoader workers and pinned memory, move transforms to the GPU or do them once, use larger "
            "batches. `torchup bench` measures what each of them brings on this machine.",
        ),
    ),
)
