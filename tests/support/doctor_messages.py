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
        "triton-ptxas-too-old",
        "ptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'\nGPU: RTX 5090\ntriton: 3.1.0",
    ),
    "ptxas and torch do not know the GPU": (
        "arch-not-in-build-too-new",
        "torch 2.5.1+cu124\nGPU: RTX 5090\nptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'\n",
    ),
    "range that leaves out the same major": (
        None,
        "Found GPU0 NVIDIA GB10 which is of cuda capability 12.1.\n    Minimum and Maximum cuda capability supported by this version of PyTorch is\n    (8.0) - (12.0)\ntorch 2.9.1+cu130\n",
    ),
    "no kernel, GB10, vLLM": (
        "extension-arch-missing",
        "Found GPU0 NVIDIA GB10 which is of cuda capability 12.1.\n    Minimum and Maximum cuda capability supported by this version of PyTorch is\n    (8.0) - (12.0)\nNotImplementedError: No compiled get_cutlass_moe_mm_data: no cutlass_scaled_mm kernel for CUDA device capability: 121.\n",
    ),
    "label that was never built": (
        "build-not-published",
        "Python 3.10.12\nOS: Ubuntu 22.04\nERROR: Could not find a version that satisfies the requirement torch==2.0.0+cu113 (from versions: 1.11.0, 1.12.0, 2.0.0, 2.0.1)\nERROR: No matching distribution found for torch==2.0.0+cu113\n",
    ),
    "index that does not exist": (
        "build-not-published",
        "Windows 11, Python 3.12.4\n> pip install torch --index-url https://download.pytorch.org/whl/cu131\nERROR: Could not find a version that satisfies the requirement torch (from versions: none)\n",
    ),
    "uv on macOS, CUDA label": (
        "build-not-published",
        "hint: You're on macOS (`macosx_15_0_arm64`), but `torch` (v2.8.0+cu128) only has wheels for the following platforms: `manylinux_2_28_x86_64`, `win_amd64`\n",
    ),
    "uv, Python too new": (
        "python-version-unsupported",
        "hint: You're using CPython 3.14 (`cp314`), but `torch` (v2.5.1) only has wheels with the following Python ABI tags: `cp39`, `cp310`, `cp311`, `cp312`\n",
    ),
    "poetry, label without an index": (
        "build-not-published",
        "Because app depends on torch (2.4.0+cu124) which doesn't match any versions, version solving failed.\n",
    ),
    "conda, a CUDA that its channel never had": (
        "build-not-published",
        "PackagesNotFoundError: The following packages are not available from current channels:\n\n  - pytorch-cuda=12.8\n",
    ),
    "a package exchanged torch": (
        "torch-replaced",
        "$ pip install some-nodes\n  Found existing installation: torch 2.4.0+cu121\n    Successfully uninstalled torch-2.4.0+cu121\nAssertionError: Torch not compiled with CUDA enabled\n",
    ),
    "torch in the terminal's Python": (
        "other-interpreter",
        "$ /opt/ml/bin/python -c \"import torch; print(torch.__version__)\"\n2.8.0+cu128\nIn [1]: import sys; sys.executable\n'/usr/bin/python3'\nIn [2]: import torch\nModuleNotFoundError: No module named 'torch'\n",
    ),
    "torchaudio of CUDA 13 beside torch of CUDA 12": (
        "companion-mismatch",
        'torch 2.9.1+cu128\n  File "/opt/v/lib/python3.12/site-packages/torchaudio/__init__.py", line 7, in <module>\nOSError: libcudart.so.13: cannot open shared object file: No such file or directory\n',
    ),
    "pip inspect of ARM Windows": (
        "windows-arm64-no-wheel",
        '{\n "environment": {\n  "platform_machine": "ARM64",\n  "platform_system": "Windows",\n  "python_version": "3.12"\n }\n}\nERROR: No matching distribution found for torch',
    ),
    "devices.list before and after": (
        "container-lost-gpu",
        "# devices.list before\nc 195:* rw\nc 1:3 rwm\n# devices.list after\nc 1:3 rwm\n",
    ),
    "pip, certificate not trusted": (
        "index-unreachable",
        "Could not fetch URL https://pypi.org/simple/torch/: There was a problem confirming the ssl certificate: SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate')\nERROR: Could not find a version that satisfies the requirement torch (from versions: none)\nERROR: No matching distribution found for torch\n",
    ),
    "pip, proxy wants a login": (
        "index-unreachable",
        "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/torch/\nERROR: No matching distribution found for torch\n",
    ),
    "MPS daemon": (
        "cuda-mps-unreachable",
        "RuntimeError: CUDA error: MPS client failed to connect to the MPS control daemon or the MPS server\n",
    ),
    "torchcodec without FFmpeg": (
        "system-library-missing",
        "RuntimeError: Could not load libtorchcodec. Likely causes:\n  1. FFmpeg is not properly installed in your environment.\n",
    ),
    "MPI build": (
        "system-library-missing",
        "ImportError: libmpi_cxx.so.40: cannot open shared object file: No such file or directory\n",
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
        "gpu-not-reached",
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
    # what strangers' reports taught: the same causes in other tools' words
    "no kernel, build not named, Kepler": (
        "arch-not-in-build-too-old",
        "CUDA error: no kernel image is available for execution on the device\nGraphics card: GeForce GTX 770",
    ),
    "no kernel, build not named, Blackwell": (
        "arch-not-in-build-too-new",
        "CUDA error: no kernel image is available for execution on the device\nMy card: RTX 5070 Ti",
    ),
    "no kernel, build not named, covered by all": (
        None,
        "CUDA error: no kernel image is available for execution on the device\nGPU: Tesla T4",
    ),
    "no kernel, of a card that only a capability tells": (
        "arch-not-in-build-too-old",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\nCompute capability: 3.0",
    ),
    "no kernel in an extension's own source": (
        "extension-arch-missing",
        "CUDA error (/build/third_party/flash-attention/csrc/launch.h:175): no kernel image is available for execution on the device\nGPU: RTX 5080",
    ),
    "no kernel below an extension's frame": (
        "extension-arch-missing",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\n00007FF _C_flashattention.pyd!PyInit__C_flashattention\nGPU: RTX 5080",
    ),
    "an extension of another torch": (
        "companion-mismatch",
        "ImportError: /srv/venv/lib/python3.11/site-packages/flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so: undefined symbol: _ZN3c104cuda9SetDeviceEa\ntorch: 2.8.0",
    ),
    "torch's own library of another build": (
        "mixed-install",
        "ImportError: /srv/venv/lib/python3.7/site-packages/torch/lib/libtorch.so.1: undefined symbol: _ZTIN2at10TensorImplE",
    ),
    "torch's module of another build": (
        "mixed-install",
        "ImportError: /srv/venv/lib/python3.6/site-packages/torch/_C.cpython-36m-x86_64-linux-gnu.so: undefined symbol: _ZN4thpp1",
    ),
    "NumPy's scalars are strangers": (
        "numpy-abi",
        "RuntimeError: Could not infer dtype of numpy.float32\ntorch: 2.1.2",
    ),
    "NumPy's scalars beside NumPy 1": (None, "RuntimeError: Could not infer dtype of numpy.float32\nnumpy==1.26.4"),
    "Docker without the runtime": (
        "container-without-gpu",
        'docker: Error response from daemon: exec: \\"nvidia-container-runtime\\": executable file not found in $PATH: unknown.',
    ),
    "Docker's host without a driver that answers": (
        "driver-missing-or-broken",
        "stderr: nvidia-container-cli.real: initialization error: driver error: failed to process request",
    ),
    "the same inside WSL": (
        "wsl-driver-problem",
        "Linux box 5.15.133.1-microsoft-standard-WSL2 #1 SMP x86_64 GNU/Linux\nnvidia-container-cli: initialization error: driver error: failed to process request",
    ),
    "nvidia-smi without libcuda inside WSL": (
        "wsl-driver-problem",
        "WSL version: 2.1.5.0\n| NVIDIA-SMI 545.46                 Driver Version: 546.80       CUDA Version: ERR!     |",
    ),
    "Fabric Manager of another version": (
        "fabric-manager-needed",
        "fabric manager NVIDIA GPU driver interface version 535.1 don't match with driver version 535.2. Please update",
    ),
    "Fabric Manager's error where CUDA works": (None, "system not yet initialized\nIs CUDA available: True"),
    "OMP's error without its name": (
        "duplicate-openmp",
        "Error #15: Initializing libomp.dylib, but found libomp.dylib",
    ),
    "memory of others, message cut at the front": (
        "memory-held-by-other-process",
        "Tried to allocate 216.00 MiB (GPU 0; 7.92 GiB total capacity; 69.00 MiB already allocated; 24.00 MiB free; 86.00 MiB reserved in total by PyTorch)",
    ),
    "memory of this program, message cut at the front": (
        None,
        "Tried to allocate 216.00 MiB (GPU 0; 7.92 GiB total capacity; 7.31 GiB already allocated; 24.00 MiB free; 7.50 GiB reserved in total by PyTorch)",
    ),
    "Poetry finds no wheel": (
        "python-version-unsupported",
        "Unable to find installation candidates for torch (2.5.1)\nPython: 3.14",
    ),
    "uv on an Intel Mac": (
        "intel-mac-no-new-wheels",
        "error: Distribution `torch==2.6.0` can't be installed because it doesn't have a source distribution or wheel for the current platform\nhint: You're on macOS (`macosx_14_0_x86_64`), but `torch` (v2.6.0) only has wheels for the following platforms: `macosx_11_0_arm64`",
    ),
    "uv with a Python that is too new": (
        "python-version-unsupported",
        "hint: You're using CPython 3.14 (`cp314`), but `torch` (v2.6.0) only has wheels with the following Python ABI tags: `cp312`",
    ),
    "wheels of an Intel Mac offered on an M3": (
        "x86-python-under-rosetta",
        "ERROR: Could not find a version that satisfies the requirement torch==2.3.0 (from versions: 2.1.2, 2.2.0, 2.2.1, 2.2.2)\nplatform: macOS (M3)",
    ),
    "an isolated build needs torch, which is there": (
        "build-headers-missing",
        "Getting requirements to build wheel ... error\nModuleNotFoundError: No module named 'torch'\n[end of output]\n$ pip list\ntorch                2.6.0+cu126",
    ),
    "Triton's compiler finds no headers on Windows": (
        "build-headers-missing",
        "cuda_utils.c:14: error: include file 'Python.h' not found",
    ),
    "toolkit of another CUDA at a build": (
        "build-headers-missing",
        "RuntimeError: The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch (12.1).",
    ),
    "a Jetson in passing, a build that fails": (
        "build-headers-missing",
        "This is my Jetson Orin Nano.\nOSError: CUDA_HOME environment variable is not set. Please set it to your CUDA install root.",
    ),
    "a Jetson in passing, no GPU in sight": (
        "jetson-needs-nvidia-wheel",
        "I use a Jetson Nano.\ntorch.cuda.is_available() always returned False.",
    ),
    "a Jetson without a kernel for it": (
        "jetson-needs-nvidia-wheel",
        "Python platform: Linux-5.15.136-tegra-aarch64-with-glibc2.35\nIs CUDA available: True\nRuntimeError: CUDA error: no kernel image is available for execution on the device",
    ),
    "a selector that may hide": (
        "visible-devices-hide",
        "CUDA_VISIBLE_DEVICES=3 python train.py\ntorch.cuda.is_available() is false here",
    ),
    "kfd, not permitted": ("permission-device-nodes", "Unable to open /dev/kfd read-write: Operation not permitted"),
    "kfd without the GPU, resources": (
        "gpu-not-supported-by-kfd",
        "[    3.54] kfd kfd: amdgpu: PITCAIRN  not supported in kfd\nCall returned HSA_STATUS_ERROR_OUT_OF_RESOURCES: The runtime failed",
    ),
    "a library of another ROCm": (
        "rocm-version-mismatch",
        "ImportError: librocprofiler-sdk.so.1: cannot open shared object file: No such file or directory\ntorch: 2.12.0+rocm7.2",
    ),
    "torch without CUDA on a Mac": (
        None,
        "AssertionError: Torch not compiled with CUDA enabled\nI run it on my MacBook",
    ),
    "the arm server is told by a word": (
        "aarch64-wheel-is-cpu",
        "aarch64 machine with a NVIDIA GB10\ntorch==2.10.0+cpu\nAssertionError: Torch not compiled with CUDA enabled",
    ),
    "labels that nobody prints": (
        "driver-too-old",
        "Which graphics card: Tesla P100\nInstalled driver (server): 418.67\nInstalled torch version: 1.8.1+cu111\nDoes CUDA say available: no",
    ),
    "a card and its letter, in passing": (
        "arch-not-in-build-too-old",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\nWe have a Tesla K40m here.",
    ),
    "a laptop of Fermi's time, in passing": (
        "arch-not-in-build-too-old",
        "cuda runtime error (8) : invalid device function\nMy GPU is a GeForce GT 720M",
    ),
    "a CPU build in a program's banner": (
        "cpu-build-installed",
        "Detector v6 Python-3.8.13 torch-1.12.1+cpu CPU\nGPU: RTX 2060",
    ),
    "two builds are mentioned": (None, "torch-1.12.1+cpu and torch-1.12.1+cu113 are there\nGPU: RTX 2060"),
    "another interpreter has a CUDA build": (
        "cpu-build-installed",
        ">>> torch.version.cuda\n'12.4'\n\nAssertionError: Torch not compiled with CUDA enabled",
    ),
    "CUDA is asked of an XPU build": (None, "torch: 2.8.0+xpu\nAssertionError: Torch not compiled with CUDA enabled"),
}
