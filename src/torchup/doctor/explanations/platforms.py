"""Causes that lie in Python, the operating system or the mixture of installations."""

from __future__ import annotations

from torchup.doctor.explain import Explanation
from torchup.model import message

EXPLANATIONS: tuple[Explanation, ...] = (
    Explanation(
        slug="python-version-unsupported",
        title=message(
            "explain.python-version-unsupported.title",
            "No wheel for this version of Python",
        ),
        meaning=message(
            "explain.python-version-unsupported.meaning",
            "A wheel is built for one version of Python. A release of torch covers four or five of them: not those "
            "that came out later, not those that ended earlier. pip then finds no version, or only very old ones.",
        ),
        see=message(
            "explain.python-version-unsupported.see",
            '"Could not find a version that satisfies the requirement torch", "No matching distribution found", "no '
            'wheels with a matching Python version tag"; python --version.',
        ),
        fix=message(
            "explain.python-version-unsupported.fix",
            "Make an environment with a Python that the release supports: uv venv --python 3.12; `torchup up` "
            "fetches one itself.",
        ),
    ),
    Explanation(
        slug="wrong-arch-python",
        title=message(
            "explain.wrong-arch-python.title",
            "A 32-bit Python, or one of another processor",
        ),
        meaning=message(
            "explain.wrong-arch-python.meaning",
            "torch has wheels for 64-bit interpreters of a few processors. In a 32-bit Python, or in one that was "
            "built for another processor than the wheel, nothing fits.",
        ),
        see=message(
            "explain.wrong-arch-python.see",
            'python -c "import struct; print(struct.calcsize(\'P\') * 8)" prints 32; "is not a supported wheel on '
            'this platform"; "is not a valid Win32 application"; "wrong ELF class".',
        ),
        fix=message(
            "explain.wrong-arch-python.fix",
            "Install the 64-bit Python for this machine's processor and make the environment again.",
        ),
        windows=message(
            "explain.wrong-arch-python.windows",
            'Windows: the installer named "Windows installer (64-bit)"; remove the 32-bit one from PATH.',
        ),
    ),
    Explanation(
        slug="x86-python-under-rosetta",
        title=message(
            "explain.x86-python-under-rosetta.title",
            "An Intel Python on Apple silicon",
        ),
        meaning=message(
            "explain.x86-python-under-rosetta.meaning",
            "The interpreter is an x86_64 one, which macOS translates. It takes wheels for Intel Macs, which end "
            "with torch 2.2.2, has no MPS, and is slow.",
        ),
        see=message(
            "explain.x86-python-under-rosetta.see",
            'python -c "import platform; print(platform.machine())" prints x86_64 on a Mac with an M chip; conda '
            "info says osx-64.",
        ),
        fix=message(
            "explain.x86-python-under-rosetta.fix",
            "Install an arm64 Python (the arm64 Miniforge, uv's, or Homebrew's in /opt/homebrew) and make the "
            "environment again: uv venv --python 3.12.",
        ),
        macos=message(
            "explain.x86-python-under-rosetta.macos",
            "If the terminal itself runs under Rosetta, switch that off in its Get Info window first.",
        ),
    ),
    Explanation(
        slug="intel-mac-no-new-wheels",
        title=message(
            "explain.intel-mac-no-new-wheels.title",
            "Intel Mac: the wheels end with 2.2.2",
        ),
        meaning=message(
            "explain.intel-mac-no-new-wheels.meaning",
            "PyTorch stopped building wheels for Intel Macs with 2.3. pip offers versions up to 2.2.2 only.",
        ),
        see=message(
            "explain.intel-mac-no-new-wheels.see",
            "uname -m says x86_64 on a Mac with an Intel processor; the list of versions in pip's error ends with "
            "2.2.2.",
        ),
        fix=message(
            "explain.intel-mac-no-new-wheels.fix",
            'pip install torch==2.2.2 "numpy<2" with Python 3.8 to 3.12; or conda-forge\'s builds, which go on for '
            "osx-64; or build from source.",
        ),
    ),
    Explanation(
        slug="windows-arm64-no-wheel",
        title=message(
            "explain.windows-arm64-no-wheel.title",
            "Windows on ARM without a wheel",
        ),
        meaning=message(
            "explain.windows-arm64-no-wheel.meaning",
            "torch has native ARM64 wheels for Windows only from 2.7 on, on PyTorch's index, as CPU builds, and for "
            "some versions of Python.",
        ),
        see=message(
            "explain.windows-arm64-no-wheel.see",
            "platform.machine() is ARM64; pip finds no version of torch.",
        ),
        fix=message(
            "explain.windows-arm64-no-wheel.fix",
            "Use Python 3.12 (ARM64) and pip install torch --index-url https://download.pytorch.org/whl/cpu; or an "
            "x86_64 Python, which Windows emulates.",
        ),
    ),
    Explanation(
        slug="windows-dll-missing",
        title=message(
            "explain.windows-dll-missing.title",
            "Windows cannot load a DLL of torch",
        ),
        meaning=message(
            "explain.windows-dll-missing.meaning",
            "A DLL of torch needs another one that is missing: most often the Visual C++ runtime, in torch 2.4.0 "
            "libomp140.x86_64.dll (for fbgemm.dll), sometimes a broken or mixed installation.",
        ),
        see=message(
            "explain.windows-dll-missing.see",
            '"[WinError 126] The specified module could not be found. Error loading ...torch\\lib\\...dll or one of '
            'its dependencies", WinError 127, WinError 1114, "DLL load failed while importing".',
        ),
        fix=message(
            "explain.windows-dll-missing.fix",
            "Install the Visual C++ redistributable for x64 and restart. If it persists, reinstall torch in a new "
            "environment; torch 2.4.1 and newer bring what 2.4.0 lacked.",
        ),
        windows=message(
            "explain.windows-dll-missing.windows",
            "winget install Microsoft.VCRedist.2015+.x64",
        ),
    ),
    Explanation(
        slug="glibc-too-old",
        title=message(
            "explain.glibc-too-old.title",
            "The C library is too old for the wheel",
        ),
        meaning=message(
            "explain.glibc-too-old.meaning",
            "A Linux wheel states the oldest glibc that it runs on: 2.28 for torch 2.7 and newer, 2.17 before. "
            "Libraries loaded with it may need a newer libstdc++ too.",
        ),
        see=message(
            "explain.glibc-too-old.see",
            '"version `GLIBC_2.27\' not found", "version `GLIBCXX_3.4.29\' not found"; ldd --version prints the '
            "system's glibc. pip offers only versions up to 2.6.0.",
        ),
        fix=message(
            "explain.glibc-too-old.fix",
            "Use a newer distribution, or a container of one. torch 2.6.0 is the last for CentOS 7 and Ubuntu "
            "18.04. Do not replace glibc by hand. A too old libstdc++ comes with conda's package libstdcxx-ng.",
        ),
    ),
    Explanation(
        slug="mixed-install",
        title=message(
            "explain.mixed-install.title",
            "Two installations interfere",
        ),
        meaning=message(
            "explain.mixed-install.meaning",
            "torch loads libraries that belong to another installation: pip's torch was laid over conda's, nvidia-* "
            "wheels of another CUDA stayed behind, the user's site-packages are mixed with the environment's, or "
            "LD_LIBRARY_PATH puts another cuDNN, cuBLAS, NCCL or nvJitLink in front.",
        ),
        see=message(
            "explain.mixed-install.see",
            '"cuDNN version incompatibility", "undefined symbol: ncclCommRegister", "undefined symbol: '
            '__nvJitLinkAddData_12_1"; a traceback whose paths come from two site-packages folders.',
        ),
        fix=message(
            "explain.mixed-install.fix",
            "unset LD_LIBRARY_PATH and try again. If that does not help, make a new environment and install once, "
            "with one installer: `torchup up`. torch needs no CUDA toolkit and no cuDNN of the system.",
        ),
    ),
    Explanation(
        slug="duplicate-openmp",
        title=message(
            "explain.duplicate-openmp.title",
            "Two OpenMP runtimes in one process",
        ),
        meaning=message(
            "explain.duplicate-openmp.meaning",
            "Compiled packages from different sources each bring an OpenMP runtime (libiomp5, libomp, libgomp). Two "
            "in one process stop it, or make it slow or wrong.",
        ),
        see=message(
            "explain.duplicate-openmp.see",
            '"OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized."',
        ),
        fix=message(
            "explain.duplicate-openmp.fix",
            "Install all compiled packages from one source (all pip, or all conda-forge). With conda: conda install "
            "nomkl, or llvm-openmp from conda-forge. KMP_DUPLICATE_LIB_OK=TRUE only silences the check.",
        ),
    ),
    Explanation(
        slug="macos-too-old",
        title=message(
            "explain.macos-too-old.title",
            "macOS is too old for MPS",
        ),
        meaning=message(
            "explain.macos-too-old.meaning",
            "MPS needs macOS 12.3 with torch 1.12 to 2.4, 13 with 2.5 to 2.8, 14 with 2.9 to 2.14, 15 with 2.15. "
            "Some older releases still say 12.3 in their message, which is wrong for them.",
        ),
        see=message(
            "explain.macos-too-old.see",
            'torch.backends.mps.is_built() is True and is_available() is False; "The MPS backend is supported on '
            'MacOS 12.3+"; sw_vers prints the version.',
        ),
        fix=message(
            "explain.macos-too-old.fix",
            "Update macOS, or install an older torch: 2.8.0 for macOS 13, 2.4.1 for macOS 12.3.",
        ),
    ),
    Explanation(
        slug="mps-not-built",
        title=message(
            "explain.mps-not-built.title",
            "This torch has no MPS",
        ),
        meaning=message(
            "explain.mps-not-built.meaning",
            "MPS is compiled into the arm64 wheels for macOS from 1.12 on, and into nothing else: not into Intel "
            "Mac wheels in practice, not into older releases, not on Linux or Windows.",
        ),
        see=message(
            "explain.mps-not-built.see",
            'torch.backends.mps.is_built() is False; "PyTorch is not linked with support for mps devices"; module '
            "'torch.backends' has no attribute 'mps'.",
        ),
        fix=message(
            "explain.mps-not-built.fix",
            "On Apple silicon use an arm64 Python and a current torch. Elsewhere choose the device that exists: "
            "cuda, xpu or cpu.",
        ),
    ),
    Explanation(
        slug="mps-no-device",
        title=message(
            "explain.mps-no-device.title",
            "No Metal device answers",
        ),
        meaning=message(
            "explain.mps-no-device.meaning",
            "MPS is compiled in and macOS is new enough, but the process gets no Metal device: virtual machines "
            "(also CI runners), sandboxes, and some remote sessions have none.",
        ),
        see=message(
            "explain.mps-no-device.see",
            'is_built() True, is_available() False on a new macOS; "MPS backend out of memory" with 0 bytes allocated.',
        ),
        fix=message(
            "explain.mps-no-device.fix",
            "Run outside the virtual machine, in a session of the logged-in user; use device='cpu' in CI.",
        ),
    ),
    Explanation(
        slug="mps-op-not-implemented",
        title=message(
            "explain.mps-op-not-implemented.title",
            "The operator has no MPS kernel",
        ),
        meaning=message(
            "explain.mps-op-not-implemented.meaning",
            "Not every operator of torch has been written for Apple's GPU. Each release adds some.",
        ),
        see=message(
            "explain.mps-op-not-implemented.see",
            "\"The operator 'aten::...' is not currently implemented for the MPS device\".",
        ),
        fix=message(
            "explain.mps-op-not-implemented.fix",
            "export PYTORCH_ENABLE_MPS_FALLBACK=1 before Python starts: the operator then runs on the CPU. Or "
            "install a newer torch.",
        ),
    ),
    Explanation(
        slug="mps-dtype-unsupported",
        title=message(
            "explain.mps-dtype-unsupported.title",
            "The data type does not exist on MPS",
        ),
        meaning=message(
            "explain.mps-dtype-unsupported.meaning",
            "Apple's GPU has no 64-bit floating point, and some other types only on newer macOS: bfloat16 from "
            "macOS 14 on.",
        ),
        see=message(
            "explain.mps-dtype-unsupported.see",
            '"Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn\'t support float64".',
        ),
        fix=message(
            "explain.mps-dtype-unsupported.fix",
            'Convert before moving: tensor.float().to("mps"), or torch.set_default_dtype(torch.float32). NumPy '
            "arrays are float64 unless told otherwise.",
        ),
    ),
    Explanation(
        slug="mps-memory-limit",
        title=message(
            "explain.mps-memory-limit.title",
            "The MPS allocator reached its limit",
        ),
        meaning=message(
            "explain.mps-memory-limit.meaning",
            "The GPU shares the Mac's memory; torch stops at a watermark so that the system stays usable.",
        ),
        see=message(
            "explain.mps-memory-limit.see",
            '"MPS backend out of memory (MPS allocated: ..., max allowed: ...)".',
        ),
        fix=message(
            "explain.mps-memory-limit.fix",
            "Smaller batches, half precision, close other programs, torch.mps.empty_cache(). "
            "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 lifts the limit and may stall the Mac.",
        ),
    ),
)
