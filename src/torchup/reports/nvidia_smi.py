"""nvidia-smi of every layout (table, ``-L``, ``-q``, ``--version``, queries), from 2017's to 610's new names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern
from torchup.reports.values import compute_mode, cuda_api, gpu
from torchup.reports.values import driver as read_driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.reports.collected import Collected

_BANNER = lazy_pattern(r"NVIDIA-SMI (?:version\s{0,9}:?\s{0,9})?(\d{3}\.[\d.]{1,12})")
_DRIVER = lazy_pattern(r"(?:Driver|KMD) Version\s{0,60}: ?(\d{3}\.[\d.]{1,12})", re.IGNORECASE)
_CUDA = lazy_pattern(r"CUDA (?:UMD )?Version\s{0,60}: ?(\d{1,2}\.\d)", re.IGNORECASE)
# | 0  NVIDIA GeForce RTX 3060    Off | 00000000:09:00.0  On |
_GPU_ROW = lazy_pattern(
    r"\W{0,40}(\d{1,2})\s{1,6}(\S.{0,80}?)\s{1,40}(On|Off|TCC|WDDM|MCDM|"
    r"N/A)\s{0,40}\|\s{0,40}([0-9A-Fa-f]{4,8}:[0-9A-Fa-f:.]{1,20}|N/A)"
)
_MEMORY_ROW = lazy_pattern(r"(\d{1,9})\s?MiB\s{0,9}/\s{0,9}(\d{1,9})\s?MiB")
_MODE = lazy_pattern(r"\b(Default|E\. ?(?:Process|Thread)|Exclusive\w{0,20}|Prohibited)\b")
_MIG = lazy_pattern(r"(?:^|\|)\s{0,80}(Enabled|Disabled)\*?\s{0,9}\|?\s*$")
_LISTED = lazy_pattern(r"\s{0,40}GPU (\d{1,2})\s{0,9}:\s{0,9}(\S.{0,120})")
_MIG_DEVICE = lazy_pattern(r"\s{0,40}MIG \d{1,2}\w?g?\.\d{1,3}\w{0,8}.{0,40}Device\s{1,9}\d")
_QUERY = lazy_pattern(r"--query-gpu[= ]([\w.,]{2,300})")
_FIELD = lazy_pattern(
    r"\s{0,4}(name|gpu_name|index|uuid|driver_version|compute_cap|compute_mode|mig\.mode\.current|"
    r"[a-z_.]{3,40})(?: \[[\w%]{1,8}\])?\s{0,4}"
)
_LOG_AHEAD = 12  # lines of `-q` from its title to the CUDA version


def read_smi(collected: Collected, lines: Sequence[str]) -> None:
    """Read whatever of nvidia-smi is among the lines."""
    current: dict[str, str] | None = None
    title = -_LOG_AHEAD
    for position, line in enumerate(lines):
        if "NVSMI LOG" in line or "NVIDIA-SMI version" in line:
            title = position
        if "ersion" in line or "NVIDIA-SMI" in line:
            _read_banner(collected, line, in_log=position - title < _LOG_AHEAD)
        if (row := _GPU_ROW.match(line)) is not None:
            current = collected.add_gpu(" ".join(row[2].split()), row[1], vendor="nvidia")
            collected.smi_worked = True
            collected.jetson |= "nvgpu" in row[2]
        elif "MiB" in line and current is not None:
            _read_memory(current, line)
        elif current is not None and "abled" in line and (mig := _MIG.search(line)) is not None:
            current.setdefault("mig_mode", mig[1].lower())
        elif "No MIG devices found" in line:
            _without_instances(collected)
        _read_listing(collected, line)
    _read_queries(collected, lines)


def _read_banner(collected: Collected, line: str, *, in_log: bool) -> None:
    banner = _BANNER.search(line)
    driver = _DRIVER.search(line)
    if banner and driver:
        collected.smi_worked = True
    if driver and (banner or in_log or "KMD" in line or line.strip().startswith("Driver Version")):
        read_driver(collected, driver[1])
    cuda = _CUDA.search(line)
    if cuda and (banner or in_log or "UMD" in line):
        cuda_api(collected, cuda[1])
        if collected.nvidia.get("toolkit") == cuda[1]:
            del collected.nvidia["toolkit"]  # the label alone looked like a toolkit's


def _read_memory(device: dict[str, str], line: str) -> None:
    memory = _MEMORY_ROW.search(line)
    if memory is None:
        return
    device.setdefault("used", memory[1])
    device.setdefault("total", memory[2])
    mode = _MODE.search(line, memory.end())
    if mode:
        word = mode[1].lower()
        value = "prohibited" if word.startswith("p") else "default" if word.startswith("d") else "exclusive-process"
        device.setdefault("mode", value)


def _without_instances(collected: Collected) -> None:
    """MIG is on and nothing was made of it: such a GPU runs no program."""
    for device in collected.gpus:
        if device.get("mig_mode") == "enabled":
            device.setdefault("mig", "0")


def _read_listing(collected: Collected, line: str) -> None:
    listed = _LISTED.match(line) if "GPU " in line else None
    if listed and not re.search(r"[=;]|capacity|\bout of\b", listed[2]):
        collected.add_gpu(listed[2].split("(UUID", maxsplit=1)[0].strip(), listed[1])
    elif "MIG " in line and _MIG_DEVICE.match(line) and collected.gpus:
        device = collected.gpus[-1]
        device["mig"] = str(int(device.get("mig", "0")) + 1)
        device.setdefault("mig_mode", "enabled")


def _read_queries(collected: Collected, lines: Sequence[str]) -> None:
    """The rows below a header of CSV fields, or below the command that asked for them."""
    fields: list[str] = []
    for line in lines:
        asked = _QUERY.search(line) if "--query-gpu" in line else None
        if asked is not None:
            fields = asked[1].strip(",").split(",")
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if (header := _header(cells)) is not None:
            fields = header
        elif fields and len(cells) == len(fields) and line.strip():
            _read_row(collected, dict(zip(fields, cells, strict=True)))
        else:
            fields = []


def _header(cells: list[str]) -> list[str] | None:
    """The names of a header line; a line of prose has no field that only nvidia-smi knows."""
    names = [match[1] if (match := _FIELD.fullmatch(cell)) else "" for cell in cells]
    known = {"driver_version", "compute_cap", "gpu_name", "mig.mode.current", "memory.total", "compute_mode"}
    return names if all(names) and known & set(names) else None


def _read_row(collected: Collected, row: dict[str, str]) -> None:
    name = row.get("name") or row.get("gpu_name")
    device: dict[str, str] | None = None
    if name and re.search(r"[A-Za-z]", name) and "=" not in name:
        gpu(collected, f"GPU {row['index']}: {name}" if row.get("index", "").isdecimal() else name)
        device = collected.gpus[-1] if collected.gpus else None
    readers: dict[str, Callable[[Collected, str], None]] = {"driver_version": read_driver, "compute_mode": compute_mode}
    for field, reader in readers.items():
        if field in row and row[field] != "[N/A]":
            reader(collected, row[field])
    capability = re.fullmatch(r"\d{1,2}\.\d", row.get("compute_cap", ""))
    if capability and (device or len(collected.gpus) == 1):
        (device or collected.gpus[0]).setdefault("capability", capability[0])
    elif capability and not collected.gpus:
        collected.add_gpu("NVIDIA GPU", vendor="nvidia", capability=capability[0])
