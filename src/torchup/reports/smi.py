"""nvidia-smi of every layout (table, ``-L``, ``-q``, queries), from 2017's without CUDA to 610's new names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.reports.labels import read_driver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.draft import Draft

_BANNER = r"NVIDIA-SMI (?:version\s*:?\s*)?([\d.]+)"
_DRIVER = r"(?:Driver|KMD) Version\s*: ?([\d.]+)"
_CUDA = r"CUDA (?:UMD )?Version\s*: ?(\d+\.\d+)"
# | 0  NVIDIA GeForce RTX 3060    Off | 00000000:09:00.0  On |
_GPU_ROW = r"^\W{0,40}(\d{1,2})\s{1,6}(\S.*?)\s{1,}(On|Off|TCC|WDDM|MCDM|N/A)\s*\|\s*([0-9A-Fa-f]{4,8}:[0-9A-Fa-f:.]+)"
_MEMORY_ROW = r"(\d+)\s?MiB\s*/\s*(\d+)\s?MiB"
_MODE = r"\b(Default|E\. ?(?:Process|Thread)|Exclusive\w*|Prohibited)\b"
_MIG = r"\|\s*(Enabled|Disabled)\*?\s*\|?\s*$"
_LISTED = r"^\s*GPU (\d+)\s*:\s*(.+?)(?:\s*\(UUID.*)?$"
_MIG_DEVICE = r"^\s*MIG \d+\w?g?\.\d+\w*.*Device\s+\d+"


def read_smi(draft: Draft, lines: Sequence[str]) -> None:
    """Read whatever of nvidia-smi is among the lines."""
    current: dict[str, str] | None = None
    for line in lines:
        if "Version" in line or "NVIDIA-SMI" in line:
            _read_banner(draft, line)
        if (row := re.match(_GPU_ROW, line)) is not None:
            current = draft.add_gpu(_name(row[2]), row[1], vendor="nvidia")
            draft.smi_worked = True
        elif "MiB" in line and current is not None:
            _read_memory(current, line)
        elif current is not None and (mig := re.search(_MIG, line)) is not None:
            current.setdefault("mig_mode", mig[1].lower())
        _read_listing(draft, line)


def _read_banner(draft: Draft, line: str) -> None:
    banner = re.search(_BANNER, line)
    driver = re.search(_DRIVER, line)
    if banner and driver:
        draft.smi_worked = True
    if driver and (banner or "KMD" in line or line.strip().startswith("Driver Version")):
        read_driver(draft, driver[1])
    cuda = re.search(_CUDA, line)
    if cuda and (banner or "UMD" in line):
        draft.first(draft.nvidia, "cuda_api", cuda[1])


def _name(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _read_memory(gpu: dict[str, str], line: str) -> None:
    memory = re.search(_MEMORY_ROW, line)
    if memory is None:
        return
    gpu.setdefault("used", memory[1])
    gpu.setdefault("total", memory[2])
    mode = re.search(_MODE, line[memory.end() :])
    if mode:
        word = mode[1].lower()
        value = "prohibited" if word.startswith("p") else "default" if word.startswith("d") else "exclusive-process"
        gpu.setdefault("mode", value)


def _read_listing(draft: Draft, line: str) -> None:
    listed = re.match(_LISTED, line)
    if listed and not re.search(r"[=;]|capacity|\bout of\b", listed[2]):
        draft.add_gpu(listed[2], listed[1])
    elif re.match(_MIG_DEVICE, line) and draft.gpus:
        gpu = draft.gpus[-1]
        gpu["mig"] = str(int(gpu.get("mig", "0")) + 1)
        gpu.setdefault("mig_mode", "enabled")
