"""KFD, the kernel's table of AMD compute devices in sysfs: it is there without ROCm installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import Value

if TYPE_CHECKING:
    from torchup.host import Host

ROOT = "/sys/class/kfd/kfd/topology/nodes"
AMD = 0x1002  # NVIDIA's open modules and CPUs have nodes too
FRAME_BUFFER = {1, 2}  # HSA_HEAPTYPE_FRAME_BUFFER_PUBLIC, _PRIVATE (kfd_topology.h)


class KfdNode(Value, frozen=True, kw_only=True):
    """One AMD GPU as the kernel sees it. ``slot`` is its PCI address; partitions of one card share it."""

    gfx: str
    device_id: int
    slot: str
    has_cpu: bool = False  # an APU's shared node
    memory_bytes: int | None = None


def parse_properties(text: str) -> dict[str, int]:
    """``name number`` lines; anything else is passed over."""
    return {name: int(number) for name, number in re.findall(r"^(\w{1,60})\s+(\d{1,20})\s*$", text, re.MULTILINE)}


def gfx_name(version: int) -> str | None:
    """``gfx90a`` from 90010, ``gfx1100`` from 110000: major, minor, stepping, the last two as hexadecimal digits."""
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    if not 6 <= major <= 99 or minor > 15 or stepping > 15:  # noqa: PLR2004  # GCN began with gfx6; one digit each
        return None
    return f"gfx{major}{minor:x}{stepping:x}"


def parse_node(text: str) -> KfdNode | None:
    """An AMD GPU's node; ``None`` for a CPU, another vendor's GPU, or what is not a node."""
    properties = parse_properties(text)
    gfx = gfx_name(properties.get("gfx_target_version", 0))
    if gfx is None or properties.get("vendor_id") != AMD or not properties.get("simd_count"):
        return None
    location, domain = properties.get("location_id", 0), properties.get("domain", 0)
    return KfdNode(
        gfx=gfx,
        device_id=properties.get("device_id", 0),
        slot=f"{domain:04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}.{location & 7:x}",
        has_cpu=properties.get("cpu_cores_count", 0) > 0,
        memory_bytes=properties.get("local_mem_size") or None,
    )


def parse_bank(text: str) -> int:
    """Bytes of a memory bank that is the GPU's own; 0 for any other."""
    properties = parse_properties(text)
    return properties.get("size_in_bytes", 0) if properties.get("heap_type") in FRAME_BUFFER else 0


def read_nodes(host: Host) -> tuple[KfdNode, ...]:
    """Every AMD GPU in the topology, in the kernel's order (which is ROCm's)."""
    found = []
    for name in sorted(host.list_dir(ROOT) or (), key=lambda name: (len(name), name)):
        node = parse_node(host.read_text(f"{ROOT}/{name}/properties", 8192) or "")
        if node is not None:
            banks = f"{ROOT}/{name}/mem_banks"
            size = sum(
                parse_bank(host.read_text(f"{banks}/{bank}/properties", 4096) or "")
                for bank in host.list_dir(banks) or ()
            )
            found.append(
                node
                if not size
                else KfdNode(
                    **{f: getattr(node, f) for f in ("gfx", "device_id", "slot", "has_cpu")}, memory_bytes=size
                )
            )
    return tuple(found)
