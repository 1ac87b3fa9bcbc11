"""Installers and compilers on the machine, and the environment variables that change what torch sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.detect.parts import Part, facts
from torchup.detect.python import conda_prefixes, join, path_folders, prefix_of
from torchup.model import Os, Tool
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.detect.surroundings import Surroundings

# Exact names, then beginnings. Values of these are shown; no other variable is read out.
VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK", "ONEAPI_DEVICE_SELECTOR", "HSA_OVERRIDE_GFX_VERSION",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "LD_PRELOAD", "CUDA_HOME", "CUDA_PATH", "ROCM_PATH", "ROCM_HOME", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING",
    "CUDA_FORCE_PTX_JIT", "CUDA_MODULE_LOADING", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONPATH", "VIRTUAL_ENV",
    "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "KMP_DUPLICATE_LIB_OK", "NVIDIA_TF32_OVERRIDE", "TORCH_CUDA_ARCH_LIST",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCHINDUCTOR_CACHE_DIR", "UV_TORCH_BACKEND", "MAX_JOBS",
)  # fmt: skip
PREFIXES = ("PYTORCH_",)
_VERSION = lazy_pattern(r"(?<![\w.])v?(\d+(?:\.\d+)+(?:[\w.+-]*\d)?)")


def relevant_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that matter to GPUs and torch, sorted by name."""
    return {name: environ[name] for name in sorted(environ) if name in VARIABLES or name.upper().startswith(PREFIXES)}


def parse_version(text: str) -> str | None:
    """The first version number in a program's answer to ``--version``."""
    match = _VERSION.search(text)
    return match[1] if match else None


def parse_nvcc(text: str) -> str | None:
    """``12.4`` from nvcc's ``Cuda compilation tools, release 12.4, V12.4.131``."""
    match = re.search(r"release (\d+\.\d+)", text)
    return match[1] if match else None


def probe_tools(around: Surroundings) -> Part:
    """conda, mamba, micromamba, uv, pip, nvcc, a C++ compiler, and the relevant variables."""
    tools = [*_conda(around), *_asked(around), *_compiler(around), *_pip(around)]
    variables = relevant_variables(around.host.environ())
    return Part(
        facts=facts("PATH and usual places", tools=tuple(tools)) | facts("environment", environment=variables)
        if variables
        else facts("PATH and usual places", tools=tuple(tools))
    )


def _conda(around: Surroundings) -> list[Tool]:
    """Versions from the packages' own records: starting conda takes a second, reading a folder does not."""
    found = []
    for prefix in conda_prefixes(around):
        names = around.host.list_dir(f"{prefix}/conda-meta") or ()
        for tool in ("conda", "mamba"):
            match = next(filter(None, (re.fullmatch(rf"{tool}-(\d[\w.]*)-[\w.]+\.json", name) for name in names)), None)
            if match:
                program = f"Scripts/{tool}.exe" if around.os == Os.WINDOWS else f"bin/{tool}"
                found.append(Tool(name=tool, version=match[1], path=f"{prefix}/{program}"))
    return found


def _asked(around: Surroundings) -> list[Tool]:
    """Native programs answer ``--version`` in milliseconds."""
    own = prefix_of(around.platform.python_executable)
    scripts = f"{own}/Scripts/uv.exe" if around.os == Os.WINDOWS else f"{own}/bin/uv"
    cuda = "/usr/local/cuda/bin/nvcc"
    parsers = {"uv": parse_version, "micromamba": parse_version, "nvcc": parse_nvcc}
    places = {"uv": (scripts,), "nvcc": (cuda,)}
    paths = {name: path for name in parsers if (path := around.find(name, places.get(name, ())))}
    answers = around.run_all(*((path, "--version") for path in paths.values()))
    return [
        Tool(name=name, version=parsers[name](answer.stdout), path=paths[name])
        for name, answer in zip(paths, answers, strict=True)
    ]


def _compiler(around: Surroundings) -> list[Tool]:
    """Whether there is a C++ compiler on PATH; what it is called decides, and none is started."""
    names = ("cl",) if around.os == Os.WINDOWS else ("c++", "g++", "clang++")
    path = next((path for name in names if (path := around.find(name, ()))), None)
    return [Tool(name="cl" if around.os == Os.WINDOWS else "c++", path=path)] if path is not None else []


def _pip(around: Surroundings) -> list[Tool]:
    """Pip of the running Python and of each folder of PATH, from the name of its metadata folder."""
    host = around.host
    places = [around.platform.python_executable.replace("\\", "/").rsplit("/", 1)[0]]
    places += [folder for folder in path_folders(around) if not folder.endswith("shims")]
    found: dict[str, Tool] = {}
    for place in dict.fromkeys(host.real_path(place) for place in places):
        program = next((p for name in ("pip3", "pip", "pip.exe") if host.exists(p := join(around, place, name))), None)
        for folder in _site_folders(around, prefix_of(program)) if program else ():
            for name in host.list_dir(folder) or ():
                if match := re.fullmatch(r"pip-(\d[\w.]*)\.dist-info", name):
                    found.setdefault(place, Tool(name="pip", version=match[1], path=program))
    return list(found.values())


def _site_folders(around: Surroundings, prefix: str) -> list[str]:
    if around.os == Os.WINDOWS:
        return [f"{prefix}/Lib/site-packages"]
    versions = [name for name in around.host.list_dir(f"{prefix}/lib") or () if re.fullmatch(r"python3\.\d+t?", name)]
    return [f"{prefix}/lib/{name}/site-packages" for name in versions] + [f"{prefix}/lib/python3/dist-packages"]
