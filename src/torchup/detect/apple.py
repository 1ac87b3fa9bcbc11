"""macOS: chip, GPU and its cores, memory, version, Rosetta, virtual machine, and the GPUs of Intel Macs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.catalog.gpus import GIB, load_gpu_table
from torchup.detect.parts import Part, Sourced, facts, sourced, string
from torchup.encoding import UNREADABLE
from torchup.model import Cpu, Gpu, Problem, Vendor

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings
    from torchup.host import Completed

PROFILER = "/usr/sbin/system_profiler"
SYSCTL_NAMES = (
    "machdep.cpu.brand_string", "machdep.cpu.features", "machdep.cpu.leaf7_features", "hw.physicalcpu", "hw.logicalcpu",
    "hw.memsize", "hw.optional.arm64", "hw.optional.arm.FEAT_BF16", "hw.optional.arm.FEAT_I8MM",
    "hw.optional.AdvSIMD", "sysctl.proc_translated", "kern.hv_vmm_present", "hw.model",
)  # fmt: skip
_X86_FEATURES = {
    "SSE4.2": "sse4_2",
    "AVX1.0": "avx",
    "F16C": "f16c",
    "FMA": "fma",
    "AVX2": "avx2",
    "AVX512F": "avx512f",
}
_ARM_FEATURES = {
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
}
_VENDORS = (
    ("apple", Vendor.APPLE), ("106b", Vendor.APPLE), ("amd", Vendor.AMD), ("ati", Vendor.AMD), ("1002", Vendor.AMD),
    ("nvidia", Vendor.NVIDIA), ("10de", Vendor.NVIDIA), ("intel", Vendor.INTEL), ("8086", Vendor.INTEL),
)  # fmt: skip
_VENDOR_IDS = {Vendor.AMD: "1002", Vendor.NVIDIA: "10de", Vendor.INTEL: "8086"}


def parse_sysctl(text: str) -> dict[str, str]:
    """``name: value`` lines of sysctl."""
    return {
        name.strip(): value.strip()
        for line in text.splitlines()
        for name, colon, value in [line.partition(":")]
        if colon and re.fullmatch(r"[\w.]{1,80}", name.strip())
    }


def parse_displays_json(text: str) -> tuple[Gpu, ...]:
    """``system_profiler SPDisplaysDataType -json``: its keys are the same in every language."""
    try:
        data = msgspec.json.decode(text)
    except UNREADABLE:
        return ()
    rows = data.get("SPDisplaysDataType") if isinstance(data, dict) else None
    found = []
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        name = string(row.get("sppci_model")) or string(row.get("_name"))
        gpu = _gpu(
            name,
            vendor_text=string(row.get("spdisplays_vendor")),
            device=string(row.get("spdisplays_device-id")),
            memory=string(row.get("spdisplays_vram")) or string(row.get("_spdisplays_vram")),
            shared_memory=string(row.get("spdisplays_vram_shared")),
            cores=string(row.get("sppci_cores")),
        )
        if gpu is not None:
            found.append(gpu)
    return tuple(found)


def parse_displays_text(text: str) -> tuple[Gpu, ...]:
    """The same as plain text (old macOS has no ``-json``)."""
    found = []
    for block in re.split(r"^ {6}Chipset Model:", text, flags=re.MULTILINE)[1:]:
        lines = ("Chipset Model:" + block).splitlines()
        fields: dict[str, str] = {}
        for line in lines:
            if re.match(r" {8}", line):  # the displays' own lines are deeper
                continue
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip(), value.strip())
        vram = next((name for name in fields if name.startswith("VRAM")), None)
        gpu = _gpu(
            fields.get("Chipset Model"),
            vendor_text=fields.get("Vendor"),
            device=fields.get("Device ID"),
            memory=fields[vram] if vram and "Dynamic" not in vram else None,
            shared_memory=fields[vram] if vram and "Dynamic" in vram else None,
            cores=fields.get("Total Number of Cores"),
        )
        if gpu is not None:
            found.append(gpu)
    return tuple(found)


def _gpu(
    name: str | None, *, vendor_text: str | None, device: str | None, memory: str | None, shared_memory: str | None,
    cores: str | None,
) -> Gpu | None:  # fmt: skip
    said = f"{vendor_text or ''} {name or ''}".lower()
    vendor = next((vendor for word, vendor in _VENDORS if re.search(rf"(?<![a-z0-9]){word}|_{word}", said)), None)
    if vendor is None and re.search(r"\b(geforce|quadro)\b", said):
        vendor = Vendor.NVIDIA
    if vendor is None and "radeon" in said:
        vendor = Vendor.AMD
    if vendor is None:
        return None  # a virtual machine's display, an adapter of DisplayLink
    number = re.search(r"0x([0-9a-f]{4})", (device or "").lower())
    return Gpu(
        vendor=vendor,
        name=name,
        memory_bytes=parse_size(memory),
        pci_id=f"{_VENDOR_IDS[vendor]}:{number[1]}" if number and vendor in _VENDOR_IDS else None,
        cores=int(cores) if cores and cores.isdecimal() and len(cores) < 5 else None,  # noqa: PLR2004  # thousands at most
        # Intel's share the memory; Radeon cards of old laptops are also said to have "dynamic" memory.
        integrated=True if vendor is Vendor.APPLE or (vendor is Vendor.INTEL and shared_memory) else None,
    )


def parse_size(text: str | None) -> int | None:
    """``8 GB`` or ``1536 MB`` in bytes."""
    match = re.match(r"(\d{1,6})\s*(MB|GB)", text or "")
    return int(match[1]) * (GIB if match[2] == "GB" else GIB // 1024) if match else None


def parse_macos_version(text: str) -> str | None:
    """The version that sw_vers prints."""
    match = re.search(r"(?:ProductVersion:\s*)?(\d{1,3}(?:\.\d{1,3}){1,2}|\d{2,3})\b", text)
    return match[1] if match else None


def parse_vm_stat(text: str) -> int | None:
    """Bytes that are free or can be freed at once: free, inactive and speculative pages."""
    size = re.search(r"page size of (\d{1,7}) bytes", text)
    counts = re.findall(r"^Pages (?:free|inactive|speculative):\s+(\d{1,12})\.", text, re.MULTILINE)
    return int(size[1]) * sum(map(int, counts)) if size and counts else None


def probe_macos(around: Surroundings) -> Part:
    """A Mac: everything but its Pythons and tools."""
    asked, versions, profile, pages = around.run_all(
        ("/usr/sbin/sysctl", "-i", *SYSCTL_NAMES),
        ("/usr/bin/sw_vers", "-productVersion"),
        (PROFILER, "SPDisplaysDataType", "-json"),
        ("/usr/bin/vm_stat",),
    )
    if not asked.stdout:  # before macOS 10.15 there is no -i; unknown names are then complained of and passed over
        asked = around.run("/usr/sbin/sysctl", *SYSCTL_NAMES)
    sysctl, said = parse_sysctl(asked.stdout), parse_macos_version(versions.stdout)
    # In old Pythons mac_ver() reports 10.16; sw_vers reports the real version.
    version = facts("sw_vers", os_version=said) or facts("platform", os_version=around.platform.mac_version or None)
    apple_silicon = around.arch == "arm64" or sysctl.get("hw.optional.arm64") == "1"
    gpus, problems = _displays(around, profile)
    found = {
        **version,
        **facts("uname", kernel=around.platform.release or None),
        **(facts("sysctl hw.optional.arm64", arch="arm64") if apple_silicon and around.arch != "arm64" else {}),
        **_translated(around, sysctl, apple_silicon=apple_silicon),
        **(
            facts("sysctl kern.hv_vmm_present", virtual_machine="yes")
            if sysctl.get("kern.hv_vmm_present") == "1"
            else {}
        ),
        **facts("vm_stat", memory_available_bytes=parse_vm_stat(pages.stdout)),
        **facts("sysctl", cpu=_cpu(around, sysctl, gpus)),
    }
    memory = _number(sysctl.get("hw.memsize"))
    return Part(facts=found, gpus=tuple(_finished(gpu, memory) for gpu in gpus), problems=problems)


def _translated(around: Surroundings, sysctl: dict[str, str], *, apple_silicon: bool) -> dict[str, Any]:
    if sysctl.get("sysctl.proc_translated") == "1":
        return facts("sysctl sysctl.proc_translated", translated=True)
    if apple_silicon and around.arch == "x86_64":
        return facts("sysctl hw.optional.arm64 and uname", translated=True)
    return {}


def _displays(around: Surroundings, completed: Completed) -> tuple[list[Sourced[Gpu]], tuple[Problem, ...]]:
    gpus = parse_displays_json(completed.stdout)
    if not gpus and not completed.timed_out:
        completed = around.run(PROFILER, "SPDisplaysDataType")
        gpus = parse_displays_text(completed.stdout)
    if completed.timed_out:
        return [], (Problem(probe="system_profiler", code="timeout", detail=f"no answer in {around.timeout:g} s"),)
    return [sourced(gpu, "system_profiler") for gpu in gpus], ()


def _cpu(around: Surroundings, sysctl: dict[str, str], gpus: list[Sourced[Gpu]]) -> Cpu:
    cores, threads = around.host.cpu_count()
    model = sysctl.get("machdep.cpu.brand_string")
    if model is None or model.startswith(("VirtualApple", "Apple processor")):
        # Under Rosetta the chip hides its name; its GPU tells it.
        model = next((gpu.value.name for gpu in gpus if gpu.value.vendor == Vendor.APPLE), model)
    words = set(f"{sysctl.get('machdep.cpu.features', '')} {sysctl.get('machdep.cpu.leaf7_features', '')}".split())
    features = [name for word, name in _X86_FEATURES.items() if word in words]
    features += [name for key, name in _ARM_FEATURES.items() if sysctl.get(key) == "1"]
    return Cpu(
        model=model,
        cores=_number(sysctl.get("hw.physicalcpu")) or cores,
        threads=_number(sysctl.get("hw.logicalcpu")) or threads,
        features=tuple(features),
    )


def _finished(gpu: Sourced[Gpu], memory: int | None) -> Sourced[Gpu]:
    """Apple's GPU shares the memory; other cards are completed from the table."""
    if gpu.value.vendor == Vendor.APPLE:
        value = msgspec.structs.replace(gpu.value, memory_bytes=memory)
        return Sourced(
            value=value,
            sources=gpu.sources | ({"memory_bytes": "unified memory (sysctl hw.memsize)"} if memory else {}),
        )
    value, filled = load_gpu_table().fill(gpu.value)
    return Sourced(value=value, sources=gpu.sources | filled)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 19 and int(text) else None  # noqa: PLR2004  # fits 63 bits
