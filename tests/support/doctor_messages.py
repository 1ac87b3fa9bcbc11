"""Short reports: the one message or listing that speaks for a cause, as tools of different years print it."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

MESSAGES: dict[str, tuple[str | None, str]] = {
    "warning of torch 2.11, Pascal": (
        "arch-not-in-build-too-old",
        "Found GPU0 NVIDIA GeForce GTX 1080 Ti which is of compute capability (CC) 6.1.\nThe following list shows the CCs this version of PyTorch was built for and the hardware CCs it supports:\n- 7.5 which supports hardware CC >=7.5,<8.0\n- 8.0 which supports hardware CC >=8.0,<9.0 except {8.7}\n",
    ),
    "warning of torch 2.11, a newer GPU": (
        "arch-not-in-build-too-new",
        "Found GPU0 R100 which is of compute capability (CC) 10.7.\nThe following list shows the CCs this version of PyTorch was built for and the hardware CCs it supports:\n- 7.5 which supports hardware CC >=7.5,<8.0\n- 8.0 which supports hardware CC >=8.0,<9.0 except {8.7}\n",
    ),
    "warning that is wrong: same major": (
        None,
        "Tesla T4 with CUDA capability sm_75 is not compatible with the current PyTorch installation.\nThe current PyTorch install supports CUDA capabilities sm_37 sm_50 sm_60 sm_70.\nValueError: shapes do not match",
    ),
    "ptxas does not know the GPU": (
        "arch-not-in-build-too-new",
        "ptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'\nGPU: RTX 5090\ntriton: 3.1.0",
    ),
    "pip inspect of ARM Windows": (
        "windows-arm64-no-wheel",
        '{\n "environment": {\n  "platform_machine": "ARM64",\n  "platform_system": "Windows",\n  "python_version": "3.12"\n }\n}\nERROR: No matching distribution found for torch',
    ),
    "devices.list before and after": (
        "container-lost-gpu",
        "# devices.list before\nc 195:* rw\nc 1:3 rwm\n# devices.list after\nc 1:3 rwm\n",
    ),
    "group render missing": (
        "permission-device-nodes",
        "crw-rw---- 1 root render 234,   0 /dev/kfd\n$ groups\nuser adm sudo\n",
    ),
    "group render there": (None, "crw-rw---- 1 root render 234,   0 /dev/kfd\n$ groups\nuser adm render video\n"),
    "groups unknown": (None, "crw-rw---- 1 root render 234,   0 /dev/kfd\n"),
    "atomics": (
        "gpu-not-supported-by-kfd",
        "[    3.359595] kfd kfd: skipped device 1002:67c4, PCI rejects atomics\n",
    ),
    "rocminfo without module": (
        "gpu-not-supported-by-kfd",
        "ROCk module is NOT loaded, possibly no GPU devices\nUnable to open /dev/kfd read-write: No such file or directory\n",
    ),
    "rocminfo in a container": (
        "container-without-gpu",
        "ROCk module is loaded\nUnable to open /dev/kfd read-write: No such file or directory\n",
    ),
    "rocminfo without rights": (
        "permission-device-nodes",
        'ROCk module is loaded\nUnable to open /dev/kfd read-write: Permission denied\nuser is not member of "render" group, the default DRM access group.\n',
    ),
    "pip stops at 2.6.0 on CentOS 7": (
        "glibc-too-old",
        "OS: CentOS 7.9\nGLIBC version: 2.17\nERROR: Could not find a version that satisfies the requirement torch==2.7.0 (from versions: 2.0.0, 2.5.1, 2.6.0)\n",
    ),
    "backends without mps": ("mps-not-built", "AttributeError: module 'torch.backends' has no attribute 'mps'"),
    "a stub is loaded": (
        "libcuda-stub-or-compat",
        "\tlibcuda.so.1 => /usr/local/cuda/lib64/stubs/libcuda.so.1 (0x00007f0000000000)\n",
    ),
    "lost on the bus": (
        "driver-missing-or-broken",
        "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error",
    ),
    "nouveau": (
        "driver-missing-or-broken",
        "01:00.0 VGA compatible controller: NVIDIA Corporation GP104 [GeForce GTX 1080] (rev a1)\n\tKernel driver in use: nouveau",
    ),
    "GPU and driver fit, torch says no": (
        "driver-missing-or-broken",
        "PyTorch version: 2.5.1+cu124\nCUDA used to build PyTorch: 12.4\nIs CUDA available: False\nGPU models and configuration: GPU 0: NVIDIA L4\nNvidia driver version: 550.54.15\n",
    ),
    "XPU count zero": ("xpu-driver-missing", "UserWarning: XPU device count is zero! (Triggered internally at c10)"),
    "Arc with a CPU build": (
        "xpu-wheel-not-installed",
        "GPU: Intel(R) Arc(TM) A770 Graphics\ntorch: 2.6.0+cpu\n>>> torch.cuda.is_available()\nFalse\n",
    ),
    "Iris with a CPU build": (
        "no-gpu-present",
        "OS: Ubuntu 24.04\nGPU: Intel(R) Iris(R) Xe Graphics\ntorch: 2.6.0+cpu\n>>> torch.cuda.is_available()\nFalse\n",
    ),
    "float64": (
        "mps-dtype-unsupported",
        "TypeError: Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.",
    ),
    "CUDA asked of a Mac": (
        None,
        "OS: macOS 14.2 (arm64)\nPyTorch version: 2.2.0\nAssertionError: Torch not compiled with CUDA enabled",
    ),
    "Orin with PyPI's wheel": (
        "jetson-needs-nvidia-wheel",
        "Machine: Jetson Orin Nano\nPyTorch version: 2.5.0\n>>> torch.cuda.is_available()\nFalse",
    ),
    "Tensile": (
        "gfx-not-in-build",
        "rocBLAS error: Cannot read /opt/rocm/lib/rocblas/library/TensileLibrary.dat: No such file or directory for GPU arch : gfx1103",
    ),
    "error 802": (
        "fabric-manager-needed",
        "Error 802: system not yet initialized (Triggered internally at x.cpp:109.)",
    ),
    "memory used up by the program": (
        None,
        "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.65 GiB total capacity; 21.51 GiB already allocated; 1.10 GiB free; 22.01 GiB reserved in total by PyTorch)",
    ),
    "memory of another process, new wording": (
        "memory-held-by-other-process",
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.65 GiB of which 10.50 MiB is free. Process 3431 has 20.10 GiB memory in use. Including non-PyTorch memory, this process has 3.20 GiB memory in use.",
    ),
    "memory of this process, new wording": (
        None,
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.65 GiB of which 10.50 MiB is free. Including non-PyTorch memory, this process has 23.60 GiB memory in use.",
    ),
    "pip's resolver": (
        "companion-mismatch",
        "torchvision 0.15.2 requires torch==2.0.1, but you have torch 2.1.0 which is incompatible.",
    ),
    "nms beside the right torchvision": (
        None,
        "torch: 2.4.0\ntorchvision: 0.19.0\nRuntimeError: operator torchvision::nms does not exist",
    ),
    "dynamo on a new Python": ("python-version-unsupported", "RuntimeError: Dynamo is not supported on Python 3.12+"),
    "no Win32 application": ("wrong-arch-python", "OSError: [WinError 193] %1 is not a valid Win32 application"),
    "WSL blocked": ("wsl-driver-problem", "Failed to initialize NVML: GPU access blocked by the operating system"),
    "Python.h": ("build-headers-missing", "fatal error: Python.h: No such file or directory\ncompilation terminated."),
    "einops": (
        "python-package-missing",
        "Traceback (most recent call last):\nModuleNotFoundError: No module named 'einops'",
    ),
    "Intel Mac": (
        "intel-mac-no-new-wheels",
        "OS: macOS 13.6 (x86_64)\nERROR: Could not find a version that satisfies the requirement torch>=2.4 (from versions: 2.2.0, 2.2.1, 2.2.2)",
    ),
    "no torch": ("torch-not-installed", "$ python train.py\nModuleNotFoundError: No module named 'torch'\n"),
    "NCCL of another CUDA": ("mixed-install", "libtorch_cuda.so: undefined symbol: ncclCommRegister"),
    "libamdhip64": (
        "rocm-version-mismatch",
        "torch: 2.4.0+rocm6.1\nImportError: libamdhip64.so.5: cannot open shared object file: No such file or directory",
    ),
    "c10.dll": (
        "windows-dll-missing",
        'OSError: [WinError 1114] A dynamic link library (DLL) initialization routine failed. Error loading "C:\\env\\Lib\\site-packages\\torch\\lib\\c10.dll" or one of its dependencies.',
    ),
    "Triton too new": (
        "triton-newer-than-driver",
        "RuntimeError: Triton Error [CUDA]: the provided PTX was compiled with an unsupported toolchain.\ndriver: 535.54.03\n",
    ),
    "watermark": (
        "mps-memory-limit",
        "RuntimeError: MPS backend out of memory (MPS allocated: 17.20 GB, other allocations: 500.00 MB, max allowed: 18.13 GB). Tried to allocate 1.20 GB on private pool.",
    ),
    "virtual Mac": (
        "mps-no-device",
        "RuntimeError: MPS backend out of memory (MPS allocated: 0 bytes, other allocations: 0 bytes, max allowed: 7.93 GB). Tried to allocate 256 bytes on private pool.",
    ),
    "old macOS": (
        "macos-too-old",
        "RuntimeError: The MPS backend is supported on MacOS 12.3+.Current OS version can be queried using `sw_vers`",
    ),
    "operator": (
        "mps-op-not-implemented",
        "NotImplementedError: The operator 'aten::linalg_qr.out' is not currently implemented for the MPS device.",
    ),
    "Rosetta": (
        "x86-python-under-rosetta",
        "OS: macOS 14.1 (x86_64)\nPython platform: macOS-14.1-x86_64-i386-64bit\n\nCPU:\nApple M1 Pro\n",
    ),
    "exclusive": (
        "mig-or-exclusive-mode",
        "RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable\nCompute Mode: Exclusive_Process\n",
    ),
    "GH200 with pip install torch": (
        "aarch64-wheel-is-cpu",
        "Machine: aarch64, GH200\n$ pip install torch\n>>> torch.version.cuda\n",
    ),
    "flash-attention on Turing": (
        "extension-arch-missing",
        "RuntimeError: FlashAttention only supports Ampere GPUs or newer.",
    ),
    "old nvidia-smi, Chinese labels": (
        "driver-too-old",
        "操作系统：Ubuntu 18.04\nPyTorch版本：1.10.0+cu113\n显卡型号：GeForce GTX 1080 Ti\n显卡驱动版本：430.64\nCUDA是否可用：False\n",
    ),
    "a DLL of an old torch": (
        "windows-dll-missing",
        "FileNotFoundError: Could not find module 'F:\\env\\lib\\site-packages\\torch\\lib\\c10.dll' (or one of its dependencies).",
    ),
    "torchvision's extension": (
        "companion-mismatch",
        "ImportError: /opt/env/lib/python3.7/site-packages/torchvision/_C.cpython-37m-x86_64-linux-gnu.so: undefined symbol: _ZN2at7getTypeERKNS_6TensorE",
    ),
    "slow input": ("healthy-but-slow", "GPU: 1 x A100\nDataLoader is the bottleneck: GPU utilization very low\n"),
}
