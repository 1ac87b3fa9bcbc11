"""Parsers of AMD's, Apple's and Windows' tools, Linux' files, Pythons and installers."""

from __future__ import annotations

import json

import pytest

from support import machine_writers as write
from torchup.detect import amd_tools, apple, kfd, linux, windows
from torchup.detect.hardware import parse_cpuinfo, parse_meminfo
from torchup.detect.pci import parse_uevent
from torchup.detect.python import parse_answer, parse_elf
from torchup.detect.tools import parse_nvcc, parse_version, relevant_variables
from torchup.model import Vendor

GIB = 1024**3


@pytest.mark.parametrize(
    ("version", "gfx"),
    [
        (90010, "gfx90a"),
        (90402, "gfx942"),
        (90500, "gfx950"),
        (100300, "gfx1030"),
        (110000, "gfx1100"),
        (110501, "gfx1151"),
        (120001, "gfx1201"),
        (80003, "gfx803"),
        (0, None),
        (-1, None),
        (10**9, None),
        (111600, None),
    ],
)
def test_kfd_target_versions(version, gfx):
    """Decimal in sysfs, hexadecimal digits in the name."""
    assert kfd.gfx_name(version) == gfx


def test_kfd_ignores_processors_and_other_vendors():
    """NVIDIA's open modules have nodes too."""
    assert kfd.parse_node(write.KFD_CPU) is None
    assert kfd.parse_node(write.kfd_node(90010, 1, vendor=4318)) is None
    node = kfd.parse_node(write.kfd_node(90402, 29857, location=9984, domain=2))
    assert node is not None
    assert (node.gfx, node.device_id, node.slot) == ("gfx942", 29857, "0002:27:00.0")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ROCk module is loaded\nUnable to open /dev/kfd read-write: Permission denied", "no-permission"),
        ("Unable to open /dev/kfd read-write: No such file or directory", "not-loaded"),
        ("ROCk module version 6.7.0 is loaded\nUnable to open /dev/kfd read-write: Invalid argument", "kfd-error"),
        ("Unable to open /dev/kfd read-write: Cannot allocate memory", "kfd-error"),
        ("WARNING: No JSON data to report", "no-devices"),
        ("ROCk module is loaded", None),
    ],
)
def test_amd_complaints(text, code):
    """Real complaints of rocminfo and rocm-smi."""
    found = amd_tools.complaint(text)
    assert (found[0] if found else None) == code


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("6.2.0-66\n", "6.2.0"),
        ("6.2.41133-dd7f95766", "6.2"),
        ("7.1.0.70100-20~24.04", "7.1.0"),
        ("7.14.0", "7.14.0"),
        ("5.4.2", "5.4.2"),
        ("", None),
        ("unknown", None),
    ],
)
def test_rocm_versions(text, version):
    """Hipconfig's third part is a build number."""
    assert amd_tools.parse_rocm_version(text) == version


@pytest.mark.parametrize(
    ("text", "gfx"),
    [
        ("gfx1100", "gfx1100"),
        ("amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-", "gfx942"),
        ("gfx9010", "gfx90a"),
        ("gfx90c", "gfx90c"),
        ("AMD Ryzen 9", None),
        (None, None),
    ],
)
def test_gfx_targets(text, gfx):
    """Targets with features, and rocm-smi's decimal spelling of gfx90a."""
    assert amd_tools.gfx_target(text) == gfx


def test_rocminfo_with_its_headings_cut():
    """Excerpts in bug reports lose the stars and "Agent 2"."""
    text = write.rocminfo(
        [("AMD EPYC 9534", "AMD EPYC 9534", "CPU", 0, 1), ("gfx942", "AMD Instinct MI300X", "GPU", 29857, 201310208)]
    )
    text = text.replace("*******\nAgent 2\n*******\n", "[...]\n\n")
    (gpu,) = amd_tools.parse_rocminfo(text)
    assert (gpu.gfx, gpu.name, gpu.memory_bytes, gpu.pci_id) == (
        "gfx942",
        "AMD Instinct MI300X",
        201310208 * 1024,
        "1002:74a1",
    )


def test_amd_smi_in_both_shapes_and_after_warnings():
    """A list before 7.0, an object after; Python's warnings may come first; clocks alone are no card."""
    row = {
        "gpu": 0,
        "asic": {"market_name": "MI300A", "device_id": "0x74a0", "target_graphics_version": "gfx942"},
        "vram": {"type": "HBM", "size": {"value": 64289, "unit": "MB"}},
    }
    for document in ([row], {"gpu_data": [row]}):
        (gpu,) = amd_tools.parse_amd_smi(
            "x.py:1: SyntaxWarning: 'return'\n  return x\n" + json.dumps(document, indent=4)
        )
        assert (gpu.name, gpu.gfx, gpu.pci_id, gpu.memory_bytes) == ("MI300A", "gfx942", "1002:74a0", 64289 * 1024**2)
    assert amd_tools.parse_amd_smi('[{"gpu": 0, "clock": {}}]') == ()


def test_apple_json_in_every_language():
    """Keys are the same everywhere; a display without a known vendor is no GPU."""
    rows = [
        {
            "_name": "Apple M2 Max",
            "sppci_model": "Apple M2 Max",
            "sppci_cores": "38",
            "spdisplays_vendor": "sppci_vendor_Apple",
        },
        {
            "_name": "kHW_AMDRadeonPro5500MItem",
            "sppci_model": "AMD Radeon Pro 5500M",
            "spdisplays_vendor": "AMD (0x1002)",
            "spdisplays_vram": "8 GB",
            "spdisplays_device-id": "0x7340",
        },
        {"_name": "DisplayLink", "sppci_model": "USB display"},
    ]
    gpus = apple.parse_displays_json(write.displays(rows))
    assert [(gpu.vendor, gpu.cores, gpu.memory_bytes, gpu.pci_id) for gpu in gpus] == [
        (Vendor.APPLE, 38, None, None),
        (Vendor.AMD, None, 8 * GIB, "1002:7340"),
    ]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ProductName:\tmacOS\nProductVersion:\t12.7.6\nBuildVersion:\t21H1320\n", "12.7.6"),
        ("14.5\n", "14.5"),
        ("26\n", "26"),
        ("", None),
    ],
)
def test_macos_versions(text, version):
    """With and without -productVersion."""
    assert apple.parse_macos_version(text) == version


@pytest.mark.parametrize(
    ("windows_version", "nvidia"),
    [
        ("31.0.15.1694", "516.94"),
        ("32.0.15.7688", "576.88"),
        ("30.0.15.1215", "512.15"),
        ("32.0.15.9186", "591.86"),
        ("31.0.101.4502", "145.02"),
        (None, None),
        ("1.2", None),
        ("garbage", None),
    ],
)
def test_nvidia_driver_versions_of_windows(windows_version, nvidia):
    """The last five digits are NVIDIA's own version."""
    assert windows.nvidia_version(windows_version) == nvidia


def test_cim_of_one_adapter_with_noise_before_it():
    """PowerShell 5 writes one element without a list; a profile's words may come first."""
    said = {
        "video": write.adapter("AMD Radeon RX 6600 XT", "AMD", "PCI\\VEN_1002&DEV_73FF&SUBSYS_1", "30.0", 4293918720)
    }
    answer = windows.parse_cim("Loading personal profile...\r\n" + json.dumps(said))
    assert answer is not None
    assert [(a.vendor, a.pci_id, a.memory_bytes) for a in answer.adapters] == [(Vendor.AMD, "1002:73ff", None)]


def test_cim_in_windows_powershells_wrapped_lists():
    """``@()`` of PowerShell 5 becomes an object with value and Count."""
    row = write.adapter("NVIDIA T4", "NVIDIA", "PCI\\VEN_10DE&DEV_1EB8", "31.0.15.1694", 1)
    answer = windows.parse_cim(json.dumps({"video": {"value": [row, row], "Count": 2}}))
    assert answer is not None
    assert len(answer.adapters) == 2


def test_registry_reads_full_memory_sizes():
    """QwMemorySize is 64 bits wide, AdapterRAM is not; sub-keys and the class itself are no adapters."""
    text = write.registry(
        [("NVIDIA GeForce RTX 4090", "NVIDIA", "PCI\\VEN_10DE&DEV_2684&SUBSYS_1", "32.0.15.5585", 24 * GIB)]
    )
    (adapter,) = windows.parse_registry(text)
    assert (adapter.name, adapter.memory_bytes, adapter.pci_id) == ("NVIDIA GeForce RTX 4090", 24 * GIB, "10de:2684")


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("4.4.0-19041-Microsoft", 1),
        ("5.15.90.1-microsoft-standard-WSL2", 2),
        ("5.10.60.1-microsoft-standard-WSL2", 2),
        ("4.19.84-microsoft-standard", 2),
        ("6.8.0-45-generic", None),
    ],
)
def test_wsl_kernels(release, version):
    """WSL 1 imitates a 4.4 kernel with Windows' build number."""
    assert linux.parse_wsl(release) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic", "36.4.3"),
        ("# R32 (release), REVISION: 7.1, GCID: 1", "32.7.1"),
        ("", None),
    ],
)
def test_jetson_releases(text, version):
    """Release and revision make the L4T version."""
    assert linux.parse_tegra_release(text) == version


def test_os_release_with_quotes_comments_and_nonsense():
    """Shell quoting, unclosed quotes and stray lines."""
    found = linux.parse_os_release('# x\nID="rhel"\nVERSION_ID=\'9.4\'\nNAME="Red Hat\nfoo bar\nPRETTY_NAME=a b\n=x\n')
    assert (found["ID"], found["VERSION_ID"], found["NAME"]) == ("rhel", "9.4", "Red Hat")


def test_files_of_proc_and_sys():
    """cpuinfo, meminfo and uevent."""
    assert parse_cpuinfo("model name\t: A\nflags\t: avx2 amx_tile xyz\nmodel name\t: B\n").model == "A"
    assert parse_cpuinfo("").model is None
    assert parse_meminfo("MemTotal:       1024 kB\nHugePages_Total: 0\n") == {"MemTotal": 1048576}
    assert parse_uevent("DRIVER=nvidia\nPCI_ID=10DE:2684\nx\n") == {"DRIVER": "nvidia", "PCI_ID": "10DE:2684"}


def test_elf_headers():
    """Bits and x86's architectures; a short file is nothing."""
    assert parse_elf(b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\x00\x3e\x00") == (64, "x86_64")
    assert parse_elf(b"\x7fELF\x01\x01\x01" + b"\0" * 9 + b"\x03\x00\x03\x00") == (32, "i686")
    assert parse_elf(b"\x7fELF\x02") == (None, None)
    assert parse_elf(b"#!/bin/sh\n" * 4) == (None, None)


@pytest.mark.parametrize(
    "stdout",
    ["", "Python was not found; run without arguments to install from the Microsoft Store", "{", '{"version": 3}'],
)
def test_what_is_no_python_is_none(stdout):
    """The Store's stand-in and broken installations."""
    assert parse_answer(stdout) is None


def test_versions_of_tools():
    """The first version in an answer."""
    assert parse_version("uv 0.9.2 (x86_64-unknown-linux-gnu)") == "0.9.2"
    assert parse_version("conda 24.7.1") == "24.7.1"
    assert parse_version("no version") is None
    assert parse_nvcc("Cuda compilation tools, release 12.4, V12.4.131") == "12.4"
    assert parse_nvcc("") is None


def test_only_relevant_variables_are_read():
    """Nothing that may hold a secret."""
    environ = {"AWS_SECRET": "x", "CUDA_VISIBLE_DEVICES": "", "PYTORCH_ENABLE_MPS_FALLBACK": "1", "HOME": "/root"}
    assert relevant_variables(environ) == {"CUDA_VISIBLE_DEVICES": "", "PYTORCH_ENABLE_MPS_FALLBACK": "1"}
