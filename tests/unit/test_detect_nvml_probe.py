"""The NVML child against a fake of NVIDIA's binding: every field, old drivers, errors, MIG."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pynvml
import pytest

from torchup.detect import nvml_probe
from torchup.detect.nvml import NVML_ERRORS, parse_nvml


class FakeError(Exception):
    """NVMLError."""

    def __init__(self, value, words="no"):
        super().__init__(words)
        self.value = value


class FakeNvml:
    """pynvml of a machine with some cards; what is in ``refuses`` raises NOT_SUPPORTED."""

    NVMLError = FakeError
    NVML_ERROR_LIBRARY_NOT_FOUND = 12

    def __init__(self, *, count=1, init=None, refuses=(), mig=0):
        self._count, self._init, self._refuses, self._mig = count, init, refuses, mig
        self.shut_down = False

    def __getattribute__(self, name):
        if name.startswith("nvml") and name in object.__getattribute__(self, "_refuses"):

            def refuse(*_):
                raise FakeError(3, "Not Supported")

            return refuse
        return object.__getattribute__(self, name)

    def nvmlInit(self):  # NVIDIA's name
        """Fails where the driver is not there."""
        if self._init is not None:
            raise FakeError(self._init, "Driver Not Loaded")

    def nvmlShutdown(self):  # NVIDIA's name
        """Remembered."""
        self.shut_down = True

    nvmlSystemGetDriverVersion = staticmethod(lambda: b"550.54.15")  # NVIDIA's name; bytes as old bindings give
    nvmlSystemGetCudaDriverVersion = staticmethod(lambda: 12040)
    nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)
    nvmlDeviceGetName = staticmethod(lambda _: "NVIDIA H100 80GB HBM3")
    nvmlDeviceGetCudaComputeCapability = staticmethod(lambda _: (9, 0))
    nvmlDeviceGetMemoryInfo = staticmethod(lambda _: SimpleNamespace(total=85520809984, used=1024))
    nvmlDeviceGetPciInfo = staticmethod(lambda _: SimpleNamespace(pciDeviceId=0x233010DE))
    nvmlDeviceGetComputeMode = staticmethod(lambda _: 3)
    nvmlDeviceGetVirtualizationMode = staticmethod(lambda _: 1)
    nvmlDeviceGetMaxMigDeviceCount = staticmethod(lambda _: 7)

    def nvmlDeviceGetCount(self):
        """How many cards."""
        return self._count

    def nvmlDeviceGetMigMode(self, _):
        """Current and pending mode."""
        return [int(self._mig > 0), 0]

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _, index):
        """A handle, or not found."""
        if index >= self._mig:
            raise FakeError(6, "Not Found")
        return index


def read(monkeypatch, fake):
    """The child's answer with a fake binding, through the real parser."""
    monkeypatch.setattr(nvml_probe, "pynvml", fake)
    reading = parse_nvml(json.dumps(nvml_probe.ask()))
    assert reading is not None
    return reading


def test_every_field_comes_through(monkeypatch):
    """Name, capability, memory, PCI id, modes, MIG devices, driver and CUDA in one call."""
    fake = FakeNvml(mig=4)
    reading = read(monkeypatch, fake)
    (gpu,) = reading.gpus
    assert (reading.driver, reading.cuda_api) == ("550.54.15", "12.4")
    assert (gpu.name, gpu.compute_capability, gpu.pci_id) == ("NVIDIA H100 80GB HBM3", "9.0", "10de:2330")
    assert (gpu.memory_bytes, gpu.memory_used_bytes) == (85520809984, 1024)
    assert (gpu.compute_mode, gpu.virtual, gpu.mig_mode, gpu.mig_instances) == (
        "exclusive-process",
        "passthrough",
        "enabled",
        4,
    )
    assert fake.shut_down


@pytest.mark.parametrize(
    "refused",
    ["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMigMode", "nvmlDeviceGetVirtualizationMode", "nvmlDeviceGetPciInfo"],
)
def test_a_field_that_a_card_does_not_know_is_left_out(monkeypatch, refused):
    """GB10 has no memory figure, GeForce no MIG: the others are still read."""
    (gpu,) = read(monkeypatch, FakeNvml(refuses=(refused,))).gpus
    assert gpu.compute_capability == "9.0"


def test_an_error_keeps_the_cuda_version(monkeypatch):
    """The user-space library knows its CUDA version with no usable GPU."""
    reading = read(monkeypatch, FakeNvml(init=18))
    assert (reading.problem, reading.cuda_api, reading.gpus) == ("library-version-mismatch", "12.4", ())


def test_a_lost_card_is_an_error_of_that_card(monkeypatch):
    """The handle of a lost card fails; the driver is still told."""
    fake = FakeNvml(refuses=("nvmlDeviceGetHandleByIndex",))
    reading = read(monkeypatch, fake)
    assert (reading.driver, reading.problem, reading.gpus) == ("550.54.15", "nvml-error-3", ())


def test_no_cards(monkeypatch):
    """A driver without a card says so."""
    assert read(monkeypatch, FakeNvml(count=0)).problem == "no-devices"


@pytest.mark.parametrize(
    ("constant", "problem"),
    [
        ("NVML_ERROR_NO_PERMISSION", "no-permission"),
        ("NVML_ERROR_DRIVER_NOT_LOADED", "not-loaded"),
        ("NVML_ERROR_TIMEOUT", "timeout"),
        ("NVML_ERROR_LIBRARY_NOT_FOUND", "library-not-found"),
        ("NVML_ERROR_CORRUPTED_INFOROM", "corrupted-inforom"),
        ("NVML_ERROR_GPU_IS_LOST", "gpu-lost"),
        ("NVML_ERROR_RESET_REQUIRED", "reset-required"),
        ("NVML_ERROR_OPERATING_SYSTEM", "blocked-by-os"),
        ("NVML_ERROR_LIB_RM_VERSION_MISMATCH", "library-version-mismatch"),
        ("NVML_ERROR_INSUFFICIENT_RESOURCES", "insufficient-resources"),
        ("NVML_ERROR_GPU_NOT_FOUND", "gpu-not-found"),
    ],
)
def test_error_numbers_are_those_of_nvidia_s_own_library(constant, problem):
    """Each code stands for the number that NVIDIA's bindings give it."""
    assert NVML_ERRORS[getattr(pynvml, constant)] == problem
