"""Run as a child process (``python -I -m torchup.detect.nvml_probe``): asks NVML everything once, prints one JSON line.

A child, because a hung driver never returns from NVML and a broken one may end the process. Imports nothing of torchup.
UUIDs and serial numbers are not asked for, so no report can leak them.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import TYPE_CHECKING, Any

import pynvml  # type: ignore[import-untyped]  # NVIDIA ships no type information

if TYPE_CHECKING:
    from collections.abc import Callable

# Where drivers put the library when the loader does not know it (old Fedora, Debian, WSL, NixOS, containers).
PLACES = (
    "/usr/lib64/nvidia/libnvidia-ml.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "/run/opengl-driver/lib/libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
)


def main() -> int:
    """Print the answer; always 0, because an error of NVML is an answer too."""
    sys.stdout.write(json.dumps(ask()) + "\n")
    return 0


def ask() -> dict[str, Any]:
    """Everything NVML says: ``driver``, ``cuda``, ``gpus``, and ``error`` where it says no."""
    answer: dict[str, Any] = {}
    try:
        start()
    except pynvml.NVMLError as error:
        answer["error"] = describe(error)
        # The CUDA version is in the user-space library and is served even without a usable GPU.
        answer["cuda"] = quietly(pynvml.nvmlSystemGetCudaDriverVersion)
        return answer
    try:
        answer["driver"] = text(quietly(pynvml.nvmlSystemGetDriverVersion))
        answer["cuda"] = quietly(pynvml.nvmlSystemGetCudaDriverVersion)
        answer["gpus"] = [gpu(index) for index in range(quietly(pynvml.nvmlDeviceGetCount) or 0)]
    finally:
        quietly(pynvml.nvmlShutdown)
    return answer


def start() -> None:
    """Initialise NVML, helping the loader where it does not find the library by itself."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if error.value != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            raise
        for place in PLACES:
            try:
                ctypes.CDLL(place, mode=getattr(ctypes, "RTLD_GLOBAL", 0))
            except OSError:
                continue
            pynvml.nvmlInit()  # the loader now finds it by its name
            return
        raise


def gpu(index: int) -> dict[str, Any]:
    """One GPU; a field that this driver or card cannot say is left out."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    except pynvml.NVMLError as error:
        return {"error": describe(error)}
    memory = quietly(pynvml.nvmlDeviceGetMemoryInfo, handle)
    pci = quietly(pynvml.nvmlDeviceGetPciInfo, handle)
    found = {
        "name": text(quietly(pynvml.nvmlDeviceGetName, handle)),
        "capability": quietly(pynvml.nvmlDeviceGetCudaComputeCapability, handle),
        "memory_total": getattr(memory, "total", None),
        "memory_used": getattr(memory, "used", None),
        "pci_device": getattr(pci, "pciDeviceId", None),
        "mig": quietly(pynvml.nvmlDeviceGetMigMode, handle),
        "compute_mode": quietly(pynvml.nvmlDeviceGetComputeMode, handle),
        "virtualization": quietly(pynvml.nvmlDeviceGetVirtualizationMode, handle),
    }
    if found["mig"] and found["mig"][0]:
        found["mig_instances"] = mig_instances(handle)
    return {name: value for name, value in found.items() if value is not None}


def mig_instances(handle: object) -> int:
    """How many MIG devices are set up on a card."""
    most = quietly(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    return sum(quietly(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index) is not None for index in range(most))


def quietly(function: Callable[..., Any], *arguments: object) -> Any:
    """The answer, or ``None`` where NVML or an old library has none."""
    try:
        return function(*arguments)
    except (pynvml.NVMLError, AttributeError):
        return None


def describe(error: Any) -> dict[str, Any]:
    """NVML's error number and its own words."""
    return {"code": int(error.value), "text": str(error)}


def text(value: object) -> str | None:
    """Old bindings give bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else None if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
