"""nvidia-smi's and NVML's answers, in the wording of each year."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support import machine_writers as write
from torchup.detect import nvidia_smi
from torchup.detect.nvml import NVML_ERRORS, cuda_from_number, parse_nvml
from torchup.report.detect_text import MEANINGS

MIB = 1024**2


@pytest.mark.parametrize(
    ("line", "driver", "cuda"),
    [
        (
            "| NVIDIA-SMI 610.57.04              KMD Version: 610.57.04     CUDA UMD Version: 13.3     |",
            "610.57.04",
            "13.3",
        ),
        (
            "| NVIDIA-SMI 595.71.05              Driver Version: 595.71.05      CUDA Version: 13.2     |",
            "595.71.05",
            "13.2",
        ),
        ("| NVIDIA-SMI 535.104.12             Driver Version: 537.42       CUDA Version: 12.2     |", "537.42", "12.2"),
        ("| NVIDIA-SMI 418.67       Driver Version: 418.67       CUDA Version: N/A      |", "418.67", None),
        ("| NVIDIA-SMI 545.46                 Driver Version: 546.80       CUDA Version: ERR!     |", "546.80", None),
        ("| NVIDIA-SMI 384.90                 Driver Version: 384.90                    |", "384.90", None),
    ],
)
def test_banner_heads_of_every_year(line, driver, cuda):
    """The kernel driver and the CUDA it serves; N/A and ERR! are unknown, not versions."""
    reading = nvidia_smi.parse_banner(line)
    assert (reading.driver, reading.cuda_api) == (driver, cuda)


def test_banner_rows_with_their_modes():
    """Name, memory, compute mode and MIG of each row; the process table is no GPU."""
    text = (
        "| NVIDIA-SMI 590.48.01              Driver Version: 590.48.01      CUDA Version: 13.1     |\n"
        "|   0  NVIDIA H100 80GB HBM3          On  |   00000000:00:09.0 Off |                   On |\n"
        "| N/A   42C    P0             98W /  700W |      59MiB /  81559MiB |     N/A   E. Process |\n"
        "|                                         |                        |              Enabled |\n"
        "|    0   N/A  N/A            1720      G   /usr/bin/gnome-shell                    173MiB |\n"
    )
    (gpu,) = nvidia_smi.parse_banner(text).gpus
    assert (gpu.name, gpu.memory_bytes, gpu.memory_used_bytes) == ("NVIDIA H100 80GB HBM3", 81559 * MIB, 59 * MIB)
    assert (gpu.compute_mode, gpu.mig_mode) == ("exclusive-process", "enabled")


@pytest.mark.parametrize("model", ["WDDM", "TCC", "On", "Off"])
def test_banner_rows_with_every_driver_model(model):
    """Windows prints the driver model where Linux prints persistence."""
    line = f"|   0  NVIDIA L40S                  {model:>4}   |   00000000:61:00.0 Off |                    0 |"
    assert [gpu.name for gpu in nvidia_smi.parse_banner(line).gpus] == ["NVIDIA L40S"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.124",
            "library-version-mismatch",
        ),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure", "not-loaded"),
        ("Failed to initialize NVML: GPU access blocked by the operating system", "blocked-by-os"),
        ("No devices were found", "no-devices"),
        ("Failed to initialize NVML: Insufficient Permissions", "no-permission"),
        ("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system", "gpu-lost"),
        ("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure", "library-not-found"),
        ("Failed to initialize NVML: Unknown Error", "nvml-error"),
    ],
)
def test_complaints_become_codes_with_the_tools_own_words(text, code):
    """The code is stable and has a meaning in words; the detail is what the tool said."""
    reading = nvidia_smi.parse_banner(text)
    assert reading.problem == code
    assert reading.detail is not None
    assert reading.detail in text
    assert code in MEANINGS


def test_query_with_unknown_cells():
    """GB10 says [N/A] for memory; the rest of its row counts."""
    fields = ("name", "compute_cap", "memory.total", "driver_version")
    reading = nvidia_smi.parse_query("NVIDIA GB10, 12.1, [N/A], 580.126.09\n", fields)
    assert (reading.gpus[0].compute_capability, reading.gpus[0].memory_bytes) == ("12.1", None)
    assert reading.driver == "580.126.09"


def test_a_refused_field_is_named():
    """Drivers before 510 do not know compute_cap."""
    assert nvidia_smi.refused_field('Field "compute_cap" is not a valid field to query.\n\n') == "compute_cap"
    assert nvidia_smi.refused_field("NVIDIA T4, 7.5") is None


def test_xml_with_the_names_of_driver_610():
    """``kmd_version`` and ``cuda_umd_version`` win over the deprecated elements."""
    text = write.xml("610.62", "13.3", [{"name": "NVIDIA L4", "pci": "27B8", "total": "23034 MiB"}], new_names=True)
    text = text.replace("<driver_version>610.62<", "<driver_version>610.62 [Deprecated; use KMD Version instead]<")
    reading = nvidia_smi.parse_xml(text)
    assert (reading.driver, reading.cuda_api, reading.gpus[0].pci_id) == ("610.62", "13.3", "10de:27b8")


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><nvidia_smi_log><gpu>&a;</gpu></nvidia_smi_log>',
        "<nvidia_smi_log><gpu>",
        "<nvidia_smi_log>&undefined;</nvidia_smi_log>",
        "",
    ],
)
def test_bad_xml_is_an_empty_reading(text):
    """Entities are refused, cut documents are nothing."""
    assert nvidia_smi.parse_xml(text).gpus == ()


def test_mig_devices_are_counted():
    """``-L`` lists them below their card."""
    text = (
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000000)\n"
        "  MIG 3g.40gb     Device  0: (UUID: MIG-00000000-0000-0000-0000-000000000000)\n"
        "  MIG 1c.3g.71gb  Device  1: (UUID: MIG-00000000-0000-0000-0000-000000000000)\n"
        "GPU 1: NVIDIA A2 (UUID: GPU-00000000-0000-0000-0000-000000000000)\n"
    )
    assert nvidia_smi.parse_list(text) == (("NVIDIA H100 80GB HBM3", 2), ("NVIDIA A2", 0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.107.02  Wed Jul 24 23:53:00 UTC 2024",
            ("550.107.02", "proprietary"),
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  (dvs-builder@U22)",
            ("575.57.08", "open"),
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.142  Release Build", ("580.142", "open")),
        ("GCC version:  gcc version 14.2.1", (None, None)),
    ],
)
def test_kernel_module_wordings(text, expected):
    """Proprietary and open modules word their version differently."""
    assert nvidia_smi.parse_kernel_module(text) == expected


def test_nvml_errors_are_facts_with_a_meaning():
    """Every error number that has a code has words for people; others keep NVML's own."""
    for number, code in NVML_ERRORS.items():
        reading = parse_nvml(write.nvml(error={"code": number, "text": "said"}, cuda=12040))
        assert reading is not None
        assert (reading.problem, reading.detail, reading.cuda_api) == (code, "said", "12.4")
        assert code in MEANINGS
    unknown = parse_nvml(write.nvml(error={"code": 999, "text": "Unknown Error"}))
    assert unknown is not None
    assert unknown.problem == "nvml-error-999"


@pytest.mark.parametrize(
    ("number", "version"), [(12040, "12.4"), (13030, "13.3"), (0, None), (None, None), (7, None), (99999999, None)]
)
def test_cuda_numbers(number, version):
    """Zeroed out-parameters of failed calls are not versions."""
    assert cuda_from_number(number) == version


@pytest.mark.parametrize(
    "text", ["", "null", "{", "[]", '{"gpus": 3}', '{"cuda": "x"}', "Traceback (most recent call last):"]
)
def test_what_is_no_answer_of_nvml_is_none(text):
    """A crashed child says nothing that can be used; ``{}`` alone would mean that there are no devices."""
    assert parse_nvml(text) is None


def test_the_nvml_child_speaks_the_form_that_is_parsed():
    """The real child, run here (with or without a driver), prints a line that parses."""
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "torchup.detect.nvml_probe"], capture_output=True, text=True, check=True
    )
    reading = parse_nvml(ended.stdout)
    assert reading is not None
    assert reading.gpus or reading.problem
    assert "uuid" not in ended.stdout.lower()
