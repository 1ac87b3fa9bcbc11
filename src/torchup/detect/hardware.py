"""Processor, memory and disk."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from torchup.catalog.gpus import DATA
from torchup.data_files import read_data
from torchup.detect.parts import Part, facts
from torchup.model import Cpu, Fact, Os

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings
    from torchup.host import Host

# What torch's CPU kernels look for (aten/src/ATen/cpu), in /proc/cpuinfo's spelling. ARM's names are beside x86's.
FEATURES = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile",
    "amx_bf16", "amx_int8", "asimd", "asimdhp", "asimddp", "sve", "sve2", "i8mm", "bf16", "sme",
)  # fmt: skip
UNLIMITED = 1 << 60  # cgroup v1 writes a huge number for "no limit"


def parse_cpuinfo(text: str) -> Cpu:
    """Model and features of the first processor in /proc/cpuinfo; its counts come from elsewhere."""
    first: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            first.setdefault(name.strip(), value.strip())
    words = set((first.get("flags") or first.get("Features") or "").split())
    model = first.get("model name") or _arm_model(first) or first.get("cpu") or first.get("Hardware")
    return Cpu(model=model or None, features=tuple(name for name in FEATURES if name in words))


def _arm_model(first: dict[str, str]) -> str | None:
    implementer, part = first.get("CPU implementer", "").lower(), first.get("CPU part", "").lower()
    return arm_cores().get(implementer, {}).get(part)


@cache
def arm_cores() -> dict[str, dict[str, str]]:
    """Names of ARM cores by implementer and part (/proc/cpuinfo has only the numbers)."""
    return read_data(DATA / "arm_cores.toml", dict[str, dict[str, dict[str, str]]])["core"]


def parse_meminfo(text: str) -> dict[str, int]:
    """Bytes by name from /proc/meminfo."""
    return {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d{1,15}) kB", text, re.MULTILINE)}


def memory_limit(host: Host) -> Fact[int] | None:
    """The lowest memory limit of the control groups this process is in (v1 and v2), in bytes."""
    limits = []
    for path in _limit_files(host.read_text("/proc/self/cgroup", 65536) or ""):
        text = (host.read_text(path, 64) or "").strip()
        if text.isdecimal() and 0 < int(text) < UNLIMITED:
            limits.append(Fact(value=int(text), source=path))
    return min(limits, key=lambda fact: fact.value, default=None)


def _limit_files(cgroups: str) -> list[str]:
    """Files that may hold a limit: the process's own group and each above it."""
    found = []
    for line in cgroups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0":
            root, file = "/sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in group.split("/") if part not in {"", "..", "."}][:32]
        found += [f"{root}/{'/'.join([*parts[:depth], file])}" for depth in range(len(parts), -1, -1)]
    return found


def probe_hardware(around: Surroundings) -> Part:
    """Processor, memory and disk by the ways that all systems share, and Linux's files."""
    host = around.host
    cores, threads = host.cpu_count()
    total = host.memory_total()
    found: dict[str, Fact[Any]] = {}
    if around.os == Os.LINUX:
        read = parse_cpuinfo(host.read_text("/proc/cpuinfo", 65536) or "")
        cpu = Cpu(model=read.model, cores=cores, threads=threads, features=read.features)
        found |= facts("/proc/cpuinfo", cpu=cpu)
        limit = memory_limit(host)
        if limit is not None and (total is None or limit.value < total):
            found["memory_limit_bytes"] = limit
        available = parse_meminfo(host.read_text("/proc/meminfo", 65536) or "").get("MemAvailable")
        found |= facts("/proc/meminfo", memory_available_bytes=available)
    found |= facts("operating system", memory_bytes=total)
    found |= facts("file system of the data folder", disk_free_bytes=host.disk_free(host.folders().data))
    return Part(facts=found)
