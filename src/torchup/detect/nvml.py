"""What the NVML child says, as a reading: its JSON line, NVML's numbers and error codes."""

from __future__ import annotations

import msgspec

from torchup.detect import nvidia_smi
from torchup.detect.nvidia_smi import Reading
from torchup.encoding import UNREADABLE
from torchup.model import Gpu, Value, Vendor

# nvmlReturn_t (nvml.h) -> problem code; what each means to a person is in report.detect_text.
NVML_ERRORS = {
    4: "no-permission", 9: "not-loaded", 10: "timeout", 12: "library-not-found", 14: "corrupted-inforom",
    15: "gpu-lost", 16: "reset-required", 17: "blocked-by-os", 18: "library-version-mismatch",
    23: "insufficient-resources", 28: "gpu-not-found",
}  # fmt: skip
COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
VIRTUALIZATION = {1: "passthrough", 2: "vgpu", 3: "host-vgpu", 4: "host-vsga"}


class NvmlError(Value, frozen=True, kw_only=True):
    """NVML's error number and words."""

    code: int
    text: str = ""


class NvmlGpu(Value, frozen=True, kw_only=True):
    """One GPU as `nvml_probe` prints it."""

    name: str | None = None
    capability: tuple[int, int] | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    pci_device: int | None = None
    mig: tuple[int, int] | None = None
    mig_instances: int | None = None
    compute_mode: int | None = None
    virtualization: int | None = None
    error: NvmlError | None = None


class NvmlAnswer(Value, frozen=True, kw_only=True):
    """The line that `nvml_probe` prints."""

    driver: str | None = None
    cuda: int | None = None
    gpus: tuple[NvmlGpu, ...] = ()
    error: NvmlError | None = None


def parse_nvml(stdout: str) -> Reading | None:
    """The child's JSON line as a reading; ``None`` where it said nothing that can be used."""
    try:
        answer = msgspec.json.decode(stdout.strip() or "null", type=NvmlAnswer)
    except UNREADABLE:
        return None
    gpus = tuple(_nvml_gpu(gpu) for gpu in answer.gpus if gpu.error is None)
    error = answer.error or next((gpu.error for gpu in answer.gpus if gpu.error is not None), None)
    return Reading(
        gpus=gpus,
        driver=nvidia_smi.version(answer.driver),
        cuda_api=cuda_from_number(answer.cuda),
        problem=NVML_ERRORS.get(error.code, f"nvml-error-{error.code}") if error else None if gpus else "no-devices",
        detail=error.text if error else None,
    )


def cuda_from_number(number: int | None) -> str | None:
    """``12.4`` from NVML's 12040; zeroed out-parameters of failed calls are not versions."""
    return f"{number // 1000}.{number % 1000 // 10}" if number and 1000 <= number <= 99990 else None  # noqa: PLR2004  # major*1000+minor*10


def _nvml_gpu(gpu: NvmlGpu) -> Gpu:
    device = gpu.pci_device
    return Gpu(
        vendor=Vendor.NVIDIA,
        name=gpu.name,
        compute_capability=f"{gpu.capability[0]}.{gpu.capability[1]}" if gpu.capability else None,
        memory_bytes=gpu.memory_total or None,
        memory_used_bytes=gpu.memory_used,
        pci_id=nvidia_smi.pci_id_of(f"{device:08x}") if device and device > 0 else None,
        mig_mode=None if gpu.mig is None else "enabled" if gpu.mig[0] else "disabled",
        mig_instances=gpu.mig_instances,
        compute_mode=COMPUTE_MODES.get(gpu.compute_mode) if gpu.compute_mode is not None else None,
        virtual=VIRTUALIZATION.get(gpu.virtualization or 0),
    )
