"""Writers of what real tools print, each in its own format, from values: for recordings of machines nobody here has."""

from __future__ import annotations

import json
from typing import Any

GIB = 1024**3
MIB = 1024**2


def nvml(
    driver: str | None = None, cuda: int | None = None, gpus: list[dict[str, Any]] | None = None, **rest: Any
) -> str:
    """The line of `torchup.detect.nvml_probe`."""
    answer: dict[str, Any] = {"driver": driver, "cuda": cuda, **({"gpus": gpus} if gpus is not None else {}), **rest}
    return json.dumps(answer) + "\n"


def nvml_gpu(name: str, capability: str, mib: int | None, pci: str, **rest: Any) -> dict[str, Any]:
    """One GPU of that line; ``pci`` as device id ("2684")."""
    major, minor = map(int, capability.split("."))
    memory = {} if mib is None else {"memory_total": mib * MIB, "memory_used": rest.pop("used", 1) * MIB}
    return {
        "name": name,
        "capability": [major, minor],
        **memory,
        "pci_device": int(pci + "10de", 16),
        "compute_mode": 0,
    } | rest


def banner(driver: str, cuda: str | None, rows: list[tuple[str, ...]], *, style: str = "2023") -> str:
    """The table of nvidia-smi. ``rows``: (name, bus, memory, compute mode, MIG). Styles: 2017, 2019, 2023, 2026."""
    if style == "2026":
        head = f"| NVIDIA-SMI {driver:<22} KMD Version: {driver:<13} CUDA UMD Version: {cuda:<8} |"
    elif style == "2017":
        head = f"| NVIDIA-SMI {driver:<22} Driver Version: {driver:<25} |"
    else:
        head = f"| NVIDIA-SMI {driver:<22} Driver Version: {driver:<15} CUDA Version: {cuda or 'N/A':<8} |"
    lines = ["+" + "-" * 89 + "+", head, "|" + "=" * 41 + "+" + "=" * 24 + "+" + "=" * 22 + "|"]
    for number, (name, bus, memory, compute, mig) in enumerate(rows):
        lines.append(f"|   {number}  {name:<28}  Off |   {bus} Off |                  N/A |")
        lines.append(f"|  0%   43C    P8             25W /  320W | {memory:>22} |      0%  {compute:>11} |")
        if style not in {"2017", "2019"}:
            lines.append(f"|{'':41}|{'':24}| {mig:>20} |")
        lines.append("+" + "-" * 41 + "+" + "-" * 24 + "+" + "-" * 22 + "+")
    return "\n".join(lines) + "\n"


def xml(
    driver: str | None, cuda: str | None, gpus: list[dict[str, Any]], *, dtd: str = "v12", new_names: bool = False
) -> str:
    """``nvidia-smi -q -x`` with the elements that a parser reads."""
    lines = ['<?xml version="1.0" ?>', f'<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_{dtd}.dtd">', "<nvidia_smi_log>"]
    if driver:
        lines.append(f"\t<driver_version>{driver}</driver_version>")
    if new_names:
        lines += [f"\t<kmd_version>{driver}</kmd_version>", f"\t<cuda_umd_version>{cuda}</cuda_umd_version>"]
    if cuda:
        lines.append(f"\t<cuda_version>{cuda}</cuda_version>")
    lines.append(f"\t<attached_gpus>{len(gpus)}</attached_gpus>")
    for gpu in gpus:
        instances = "<mig_device><index>0</index></mig_device>" * gpu.get("mig_instances", 0) or "None"
        lines += [
            f'\t<gpu id="{gpu.get("bus", "00000000:01:00.0")}">',
            f"\t\t<product_name>{gpu['name']}</product_name>",
            f"\t\t<mig_mode><current_mig>{gpu.get('mig', 'N/A')}</current_mig></mig_mode>",
            f"\t\t<mig_devices>{instances}</mig_devices>",
            "\t\t<uuid>GPU-00000000-0000-0000-0000-000000000000</uuid>",
            "\t\t<gpu_virtualization_mode>",
            f"\t\t\t<virtualization_mode>{gpu.get('virtual', 'None')}</virtualization_mode>",
            "\t\t</gpu_virtualization_mode>",
            *([f"\t\t<pci><pci_device_id>{gpu['pci'].upper()}10DE</pci_device_id></pci>"] if "pci" in gpu else []),
            f"\t\t<fb_memory_usage><total>{gpu['total']}</total>",
            f"\t\t\t<used>{gpu.get('used', '0 MiB')}</used></fb_memory_usage>",
            f"\t\t<compute_mode>{gpu.get('compute', 'Default')}</compute_mode>",
            "\t</gpu>",
        ]
    return "\n".join([*lines, "</nvidia_smi_log>"]) + "\n"


def listing(cards: list[tuple[str, tuple[str, ...]]]) -> str:
    """``nvidia-smi -L``: (name, MIG profiles) of each card."""
    lines = []
    for number, (name, profiles) in enumerate(cards):
        lines.append(f"GPU {number}: {name} (UUID: GPU-00000000-0000-0000-0000-000000000000)")
        lines += [
            f"  MIG {profile:<11} Device {index:>2}: (UUID: MIG-00000000-0000-0000-0000-000000000000)"
            for index, profile in enumerate(profiles)
        ]
    return "\n".join(lines) + "\n"


def kernel_module(version: str, *, open_module: bool = False) -> str:
    """/proc/driver/nvidia/version in its two wordings."""
    if open_module:
        said = f"NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (dvs-builder@U22)"
    else:
        said = f"NVIDIA UNIX x86_64 Kernel Module  {version}"
    return f"NVRM version: {said}  Sat May 24 07:03:13 UTC 2025\nGCC version:  gcc version 11.4.0\n"


def uevent(pci_id: str, driver: str | None, slot: str, pci_class: str = "30000") -> str:
    """A sysfs uevent file of a display device."""
    said = f"DRIVER={driver}\n" if driver else ""
    return f"{said}PCI_CLASS={pci_class}\nPCI_ID={pci_id.upper()}\nPCI_SLOT_NAME={slot}\n"


def kfd_node(gfx_version: int, device_id: int, *, location: int = 768, domain: int = 0, simd: int = 192,
             cpu_cores: int = 0, vendor: int = 4098) -> str:  # fmt: skip
    """The properties of a KFD node that a parser reads, in the kernel's order."""
    return (
        f"cpu_cores_count {cpu_cores}\nsimd_count {simd}\nmem_banks_count 1\nwave_front_size 64\n"
        f"gfx_target_version {gfx_version}\nvendor_id {vendor}\ndevice_id {device_id}\nlocation_id {location}\n"
        f"domain {domain}\ndrm_render_minor 128\nlocal_mem_size 0\nunique_id 0\n"
    )


KFD_CPU = "cpu_cores_count 64\nsimd_count 0\nmem_banks_count 1\ngfx_target_version 0\nvendor_id 0\ndevice_id 0\n"


def rocminfo(agents: list[tuple[str, str, str, int, int | None]]) -> str:
    """Rocminfo's agents: (name, marketing name, device type, chip id, memory in KiB)."""
    lines = ["ROCk module is loaded", "=" * 21, "HSA System Attributes", "=" * 21, "", "=" * 10, "HSA Agents", "=" * 10]
    for number, (name, marketing, kind, chip, kib) in enumerate(agents, start=1):
        lines += [
            "*" * 7, f"Agent {number}", "*" * 7,
            f"  Name:                    {name}",
            f"  Uuid:                    {'GPU-0000000000000000' if kind == 'GPU' else 'CPU-XX'}",
            f"  Marketing Name:          {marketing}",
            f"  Vendor Name:             {'AMD' if kind == 'GPU' else 'CPU'}",
            f"  Device Type:             {kind}",
            f"  Chip ID:                 {chip}({chip:#x})",
            "  Pool Info:",
        ]  # fmt: skip
        if kib:
            flags = "COARSE GRAINED" if kind == "GPU" else "FINE GRAINED"
            lines += ["    Pool 1", f"      Segment:                 GLOBAL; FLAGS: {flags}"]
            lines += [f"      Size:                    {kib}({kib:#x}) KB"]
        lines.append("  ISA Info:")
        if kind == "GPU":
            lines += ["    ISA 1", f"      Name:                    amdgcn-amd-amdhsa--{name}"]
    return "\n".join([*lines, "*** Done ***"]) + "\n"


def cim(video: list[dict[str, Any]], *, cpu: str, version: str = "10.0.22631", free_kib: int = 8_000_000,
        maker: str = "LENOVO", model: str = "20XW") -> str:  # fmt: skip
    """What the PowerShell question answers."""
    return json.dumps(
        {
            "cpu": [{"Name": cpu, "NumberOfCores": 8, "NumberOfLogicalProcessors": 16}],
            "video": video,
            "os": {"Version": version, "FreePhysicalMemory": free_kib},
            "system": {"Manufacturer": maker, "Model": model, "HypervisorPresent": True},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def adapter(name: str, maker: str, device: str, driver: str, ram: int | None, error: int = 0) -> dict[str, Any]:
    """One Win32_VideoController with the asked properties."""
    return {
        "Name": name, "AdapterCompatibility": maker, "PNPDeviceID": device, "DriverVersion": driver, "AdapterRAM": ram,
        "ConfigManagerErrorCode": error,
    }  # fmt: skip


def registry(adapters: list[tuple[str, str, str, str, int | None]]) -> str:
    """``reg query`` of the display class: (description, provider, device id, driver version, memory)."""
    key = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
    lines = ["", key, "    Class    REG_SZ    Display", ""]
    for number, (name, provider, device, driver, memory) in enumerate(adapters):
        lines += [
            f"{key}\\{number:04d}",
            f"    MatchingDeviceId    REG_SZ    {device}",
            f"    DriverDesc    REG_SZ    {name}",
            f"    ProviderName    REG_SZ    {provider}",
            f"    DriverVersion    REG_SZ    {driver}",
            *([f"    HardwareInformation.qwMemorySize    REG_QWORD    {memory:#x}"] if memory else []),
            "",
            f"{key}\\{number:04d}\\UMD",
            "    LogEnable    REG_SZ    0",
            "",
        ]
    return "\r\n".join(lines).replace("\r\n", "\n")


def displays(rows: list[dict[str, Any]]) -> str:
    """``system_profiler SPDisplaysDataType -json``."""
    return json.dumps({"SPDisplaysDataType": rows}, indent=2) + "\n"


def sysctl(values: dict[str, Any]) -> str:
    """``sysctl`` lines."""
    return "".join(f"{name}: {value}\n" for name, value in values.items())
