"""Imagined machines for every cause: what a report of it looks like. Healthy ones too."""

# ruff: noqa: E501, ISC004  # the lines are those of tools, which are long

from __future__ import annotations

from support.doctor_reports import Report, smi

_LINUX = {"available": "False", "driver": "550.54.15", "gpus": ["NVIDIA GeForce RTX 3090"]}

EXAMPLES: dict[str, tuple[str | None, str]] = {
    "an override that no build of today needs": (
        "hsa-override-wrong",
        "OS: Fedora Linux 43\nGPU: AMD Radeon 8060S (gfx1151)\nPyTorch version: 2.9.1+rocm6.4\n"
        "$ HSA_OVERRIDE_GFX_VERSION=11.0.0 python train.py\n"
        "Memory access fault by GPU node-1 (Agent handle: 0x55d0c0de) on address 0x7f0000001000. Reason: Unknown.\n",
    ),
    "cpu build beside a GPU": ("cpu-build-installed", Report(torch="2.5.1+cpu", **_LINUX).text()),
    "cpu build on Windows, no label": (
        "cpu-build-installed",
        Report(
            torch="2.1.0", cuda_build="Could not collect", os="Microsoft Windows 11 Pro", platform="Windows-10-10.0.22631-SP0",
            python="3.11.5 (64-bit runtime)", available="False", gpus=["NVIDIA GeForce RTX 4070 Laptop GPU"], driver="537.13",
        ).text(),
    ),
    "driver older than CUDA 12": (
        "driver-too-old",
        Report(torch="2.4.0+cu121", cuda_build="12.1", available="False", gpus=["Tesla V100-SXM2-16GB"], driver="470.82.01").text(),
    ),
    "CUDA 13 wheel on driver 570": (
        "driver-too-old",
        Report(torch="2.13.0+cu130", cuda_build="13.0", available="False", gpus=["NVIDIA L40S"], driver="570.124.06").text(),
    ),
    "module and library differ": (
        "driver-missing-or-broken",
        "$ nvidia-smi\nFailed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183\n",
    ),
    "Blackwell on cu124": (
        "arch-not-in-build-too-new",
        Report(
            torch="2.6.0+cu124", cuda_build="12.4", available="True", gpus=["NVIDIA GeForce RTX 5080"], driver="572.16",
            errors=["RuntimeError: CUDA error: no kernel image is available for execution on the device"],
        ).text(),
    ),
    "K80 on torch 2.4": (
        "arch-not-in-build-too-old",
        Report(
            torch="2.4.1+cu121", cuda_build="12.1", available="True", gpus=["Tesla K80"], driver="470.256.02",
            errors=["RuntimeError: CUDA error: no kernel image is available for execution on the device"],
        ).text(),
    ),
    "Pascal on cu128, the newest wording": (
        "arch-not-in-build-too-old",
        "UserWarning: Found GPU0 NVIDIA GeForce GTX 1080 Ti which is of cuda capability 6.1.\n"
        "    Minimum and Maximum cuda capability supported by this version of PyTorch is\n    (7.0) - (12.0)\n",
    ),
    "torchvision of another release": (
        "companion-mismatch",
        Report(
            torch="2.5.1+cu124", cuda_build="12.4", available="True", gpus=["NVIDIA A100-SXM4-80GB"], driver="550.90.07",
            pip=["numpy==1.26.4", "torch==2.5.1", "torchvision==0.18.1"],
            errors=["RuntimeError: operator torchvision::nms does not exist"],
        ).text(),
    ),
    "NumPy 2 under an old torch": (
        "numpy-abi",
        "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.2.4 as it may crash.\n"
        "UserWarning: Failed to initialize NumPy: _ARRAY_API not found (Triggered internally at ...)\n",
    ),
    "hidden by -1": (
        "visible-devices-hide",
        Report(
            torch="2.6.0+cu124", cuda_build="12.4", **_LINUX, environment={"CUDA_VISIBLE_DEVICES": "-1"},
            errors=["RuntimeError: No CUDA GPUs are available"],
        ).text(),
    ),
    "docker without --gpus": (
        "container-without-gpu",
        "$ docker run -it --rm pytorch/pytorch python\nRuntimeError: Found no NVIDIA driver on your system. Please check that you have"
        " an NVIDIA GPU and installed a driver\n",
    ),
    "no toolkit": (
        "container-without-gpu",
        'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].\n',
    ),
    "AMD card, CUDA wheel": (
        "rocm-wheel-not-installed",
        "GPU: Radeon RX 7900 XTX\n>>> torch.__version__\n'2.7.0+cu126'\n>>> torch.cuda.is_available()\nFalse\n",
    ),
    "two OpenMP": (
        "duplicate-openmp",
        "OMP: Error #15: Initializing libiomp5md.dll, but found libomp140.x86_64.dll already initialized.\n",
    ),
    "other cuDNN": (
        "mixed-install",
        "RuntimeError: cuDNN version incompatibility: PyTorch was compiled  against (9, 1, 0) but found runtime version (8, 9, 7).\n",
    ),
    "GTX 1080 on a branch that dropped it": (
        "driver-too-new",
        "GPU: NVIDIA GeForce GTX 1080\nDriver Version: 610.43.02\n$ nvidia-smi\nNo devices were found\n>>> torch.cuda.is_available()\nFalse\n",
    ),
    "the kernel says which branch is the last": (
        "driver-too-new",
        "NVRM: The NVIDIA GeForce GTX 970 GPU installed in this system is\nNVRM:  supported through the NVIDIA 580.xx Legacy drivers. Please\n"
        "NVRM:  visit the driver page. The 595.44 NVIDIA driver will ignore this GPU.\n",
    ),
    "Qt before torch": (
        "dll-load-order",
        'from PySide6.QtWidgets import QWidget\nimport torch\nOSError: [WinError 1114] A dynamic link library (DLL) initialization'
        ' routine failed. Error loading "C:\\app\\venv\\Lib\\site-packages\\torch\\lib\\c10.dll" or one of its dependencies.\n',
    ),
    "MIG without an instance": (
        "mig-or-exclusive-mode",
        "| NVIDIA-SMI 570.124.06     Driver Version: 570.124.06     CUDA Version: 12.8     |\n"
        "|   0  NVIDIA H100 80GB HBM3          On  |   00000000:1B:00.0 Off |                   On |\n"
        "| N/A   30C    P0             70W /  700W |       0MiB /  81559MiB |     N/A      Default |\n"
        "|                                         |                        |              Enabled |\n"
        "| MIG devices:                                                                          |\n"
        "|  No MIG devices found                                                                 |\n",
    ),
    "a pod without a GPU": (
        "container-without-gpu",
        "$ kubectl logs model-0\nRuntimeError: Failed to infer device type, please set the environment variable\n",
    ),
    "LAPACK of NVIDIA's is not there": (
        "system-library-missing",
        ">>> import torch\nImportError: libnvpl_blas_lp64_gomp.so.0: cannot open shared object file: No such file or directory\n",
    ),
    "two NCCL wheels": (
        "mixed-install",
        "ImportError: /venv/lib/python3.11/site-packages/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommWindowRegister\n"
        "nvidia-nccl-cu12==2.21.5\nnvidia-nccl-cu13==2.28.9\ntorch==2.12.0+cu130\n",
    ),
    "an older cuBLAS comes first": (
        "mixed-install",
        "ImportError: libcusolver.so.12: symbol cublasGetEmulationStrategy, version libcublas.so.13 not defined in file libcublas.so.13"
        " with link time reference\n",
    ),
    "a job that asked for no GPU": (
        "job-without-gpu",
        "#SBATCH --mem=32G\nDriver Version: 570.124.06\n$ srun nvidia-smi\nNo devices were found\n",
    ),
    "healthy, its own memory in a container": (
        None,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB. GPU 0 has a total capacity of 39.39 GiB of which 500.00 MiB"
        " is free. Process 4242 has 38.90 GiB memory in use. Of the allocated memory 38.10 GiB is allocated by PyTorch, and 200.00 MiB is"
        " reserved by PyTorch but unallocated.\n",
    ),
    "healthy, three cards": (
        None,
        Report(
            torch="2.6.0+cu124", cuda_build="12.4", available="True", gpus=["NVIDIA RTX A6000"] * 3, driver="560.35.03",
            pip=["numpy==2.1.2", "torch==2.6.0", "torchvision==0.21.0", "torchaudio==2.6.0"],
            errors=["ValueError: Expected input batch_size (32) to match target batch_size (16)."],
        ).text(),
    ),
    "healthy Mac": (
        None,
        Report(
            torch="2.7.1", os="macOS 15.4 (arm64)", platform="macOS-15.4-arm64-arm-64bit", available="False", cpu="Apple M4 Pro",
            pip=["numpy==2.2.0", "torch==2.7.1", "torchvision==0.22.1"],
        ).text(),
    ),
    "healthy, driver 610": (None, "\n".join(smi("610.43.02", "13.3", [("NVIDIA GeForce RTX 5090", 900, 32607)], layout="2026"))),
    "nothing at all": (None, ""),
    "prose only": (None, "Hello, my training does not converge, what should I do?\n"),
}  # fmt: skip
