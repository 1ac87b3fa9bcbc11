"""What nvidia-smi prints, in every layout since 2017: CSV queries, ``-q -x`` XML, the banner, its complaints.

Pure parsers: text -> `Reading`. Untrusted text gives an empty reading, never an exception.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import ComputeCapability, Gpu, Value, Vendor
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

MIB = 1024**2
# Asked in this order; a field that an old driver does not know is named in its complaint and left out.
FIELDS = (
    "name", "compute_cap", "memory.total", "memory.used", "driver_version", "pci.device_id", "mig.mode.current",
    "compute_mode",
)  # fmt: skip
_VERSION = lazy_pattern(r"\d{2,4}\.\d{1,3}(?:\.\d{1,3})?")
_CUDA = lazy_pattern(r"\d{1,2}\.\d{1,2}")
_UNKNOWN = {"", "n/a", "[n/a]", "not supported", "[not supported]", "unknown error", "[unknown error]", "err!", "none"}
# The tool's own words -> problem code of `model.Driver`. The first that fits counts.
_COMPLAINTS = (
    (r"driver/library version mismatch", "library-version-mismatch"),
    (r"gpu access blocked by the operating system", "blocked-by-os"),
    (r"couldn.?t communicate with the nvidia driver|driver not loaded|not loaded", "not-loaded"),
    (r"no devices were found", "no-devices"),
    (r"insufficient permissions|permission denied", "no-permission"),
    (r"gpu is lost|fallen off the bus", "gpu-lost"),
    (r"couldn.?t find libnvidia-ml|shared library not found|libnvidia-ml\.so", "library-not-found"),
    (r"gpu requires reset|reset required", "reset-required"),
    (r"failed to initialize nvml|unable to determine the device handle", "nvml-error"),
)


class Reading(Value, frozen=True, kw_only=True):
    """What one answer of the tool says."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    cuda_api: str | None = None
    problem: str | None = None
    detail: str | None = None


def known(text: str | None) -> str | None:
    """A cell's text, or ``None`` for each of the tool's ways to say that it does not know."""
    cleaned = (text or "").strip()
    return None if cleaned.lower() in _UNKNOWN else cleaned


def mebibytes(text: str | None) -> int | None:
    """``81559MiB``, ``81559 MiB`` or ``81559`` in bytes."""
    match = re.fullmatch(r"(\d{1,9})\s*(?:MiB|MB)?", known(text) or "")
    return int(match[1]) * MIB if match else None


def pci_id_of(text: str | None) -> str | None:
    """``10de:2216`` from NVIDIA's ``0x221610DE``: device in the upper half, vendor in the lower."""
    match = re.fullmatch(r"(?:0x)?([0-9a-f]{4})(10de)", (text or "").strip().lower())
    return f"{match[2]}:{match[1]}" if match else None


def mode(text: str | None) -> str | None:
    """``Exclusive_Process`` as ``exclusive-process``; "N/A" is unknown."""
    value = known(text)
    return re.sub(r"[\s_]+", "-", value.lower())[:40] if value else None


def mig(text: str | None) -> str | None:
    """Enabled or disabled; cards without MIG say N/A."""
    value = mode(text)
    return value if value in {"enabled", "disabled"} else None


def capability(text: str | None) -> str | None:
    """``8.9`` where the text is a compute capability."""
    parsed = ComputeCapability.parse(text or "")
    return str(parsed) if parsed else None


def version(text: str | None) -> str | None:
    """A driver version; since 610 old fields read ``610.62 [Deprecated...]``."""
    match = _VERSION.match((text or "").strip())
    return match[0] if match else None


def cuda_version(text: str | None) -> str | None:
    """A CUDA version such as ``12.4``; ``ERR!`` and ``N/A`` are unknown."""
    match = _CUDA.match((text or "").strip())
    return match[0] if match and not match[0].startswith("0") else None


def complaint(text: str) -> tuple[str, str] | None:
    """(problem code, the tool's words) where the text says that something is wrong."""
    for pattern, code in _COMPLAINTS:
        if found := re.search(pattern, text, re.IGNORECASE):
            start = text.rfind("\n", 0, found.start()) + 1
            end = text.find("\n", found.end())
            return code, text[start : end if end >= 0 else None].strip()[:300]
    return None


def refused_field(text: str) -> str | None:
    """The field of a query that this driver does not know."""
    match = re.search(r'Field "([\w.]{1,60})" is not a valid field', text)
    return match[1] if match else None


def parse_query(text: str, fields: Sequence[str]) -> Reading:
    """``--query-gpu=FIELDS --format=csv,noheader,nounits``: one line a GPU."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == len(fields):
            rows.append(dict(zip(fields, cells, strict=True)))
    gpus = tuple(
        Gpu(
            vendor=Vendor.NVIDIA,
            name=known(row.get("name")),
            compute_capability=capability(row.get("compute_cap")),
            memory_bytes=mebibytes(row.get("memory.total")),
            memory_used_bytes=mebibytes(row.get("memory.used")),
            pci_id=pci_id_of(row.get("pci.device_id")),
            mig_mode=mig(row.get("mig.mode.current")),
            compute_mode=mode(row.get("compute_mode")),
        )
        for row in rows
    )
    driver = next((found for row in rows if (found := version(row.get("driver_version")))), None)
    return _with_complaint(Reading(gpus=gpus, driver=driver), text)


def parse_xml(text: str) -> Reading:
    """``nvidia-smi -q -x`` of drivers 340 to 6xx (nvsmi_device_v5 to v13)."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415  # 15 ms; entities are refused below

    start = text.find("<nvidia_smi_log")
    if start < 0 or "<!ENTITY" in text:
        return _with_complaint(Reading(), text)
    try:
        log = ET.fromstring(text[start:])  # noqa: S314  # the document type, and with it any entity, is cut off
    except (ET.ParseError, ValueError):
        return _with_complaint(Reading(), text)
    return Reading(
        gpus=tuple(_xml_gpu(gpu) for gpu in log.findall("gpu")),
        driver=version(log.findtext("kmd_version")) or version(log.findtext("driver_version")),
        cuda_api=cuda_version(log.findtext("cuda_umd_version")) or cuda_version(log.findtext("cuda_version")),
    )


def _xml_gpu(gpu: Element) -> Gpu:
    mig_mode = mig(gpu.findtext("mig_mode/current_mig"))
    return Gpu(
        vendor=Vendor.NVIDIA,
        name=known(gpu.findtext("product_name")),
        memory_bytes=mebibytes(gpu.findtext("fb_memory_usage/total")),
        memory_used_bytes=mebibytes(gpu.findtext("fb_memory_usage/used")),
        pci_id=pci_id_of(gpu.findtext("pci/pci_device_id")),
        mig_mode=mig_mode,
        mig_instances=len(gpu.findall("mig_devices/mig_device")) if mig_mode == "enabled" else None,
        compute_mode=mode(gpu.findtext("compute_mode")),
        virtual=virtualization(gpu.findtext("gpu_virtualization_mode/virtualization_mode")),
    )


def virtualization(text: str | None) -> str | None:
    """``passthrough``, ``vgpu``...; a bare-metal card says None."""
    value = mode(text)
    return {"pass-through": "passthrough", "passthrough": "passthrough"}.get(value or "", value)


def parse_banner(text: str) -> Reading:
    """The table that plain ``nvidia-smi`` prints. Names may be cut ("NVIDIA GeForce RTX 2080 ...")."""
    driver = re.search(r"(?:Driver Version|KMD Version):\s*(\S+)", text)
    cuda = re.search(r"CUDA (?:UMD )?Version:\s*(\S+)", text)
    lines = text.splitlines()
    gpus = tuple(
        gpu
        for number, line in enumerate(lines)
        if (gpu := _banner_gpu(line, lines[number + 1 : number + 3])) is not None
    )
    if not driver and not gpus:
        return _with_complaint(Reading(), text)
    reading = Reading(gpus=gpus, driver=version(driver[1] if driver else None))
    return Reading(gpus=gpus, driver=reading.driver, cuda_api=cuda_version(cuda[1] if cuda else None))


_GPU_LINE = lazy_pattern(
    r"\|\s+(\d{1,3})\s{2,}(\S.{2,60}?)\s+(?:On|Off|N/A|WDDM|TCC|MCDM)\s*\|\s*(?:[0-9A-F]{4,8}:[0-9A-F]{2}:|N/A)"
)


def _banner_gpu(line: str, following: list[str]) -> Gpu | None:
    match = _GPU_LINE.search(line[:200])
    if match is None:
        return None
    cells = [cell.strip() for cell in (following[0] if following else "")[:200].split("|")]
    memory = re.match(r"(\d+)MiB\s*/\s*(\d+)MiB", cells[2]) if len(cells) > 2 else None  # noqa: PLR2004  # third column
    compute = cells[3].rsplit("  ", 1)[-1] if len(cells) > 3 else None  # noqa: PLR2004  # "0%      Default"
    last = [cell.strip() for cell in (following[1] if len(following) > 1 else "")[:200].split("|")]
    return Gpu(
        vendor=Vendor.NVIDIA,
        name=match[2].strip(),
        memory_bytes=mebibytes(memory[2]) if memory else None,
        memory_used_bytes=mebibytes(memory[1]) if memory else None,
        mig_mode=mig(last[3]) if len(last) > 3 else None,  # noqa: PLR2004  # fourth column
        compute_mode=_compute_mode(compute),
    )


def _compute_mode(text: str | None) -> str | None:
    value = mode(text) or ""
    if value.startswith("e.-process") or "exclusive" in value:
        return "exclusive-process"  # the banner shortens it to "E. Process"
    return value if value in {"default", "prohibited"} else None


def parse_list(text: str) -> tuple[tuple[str, int], ...]:
    """(name, MIG devices) of each GPU in ``nvidia-smi -L``."""
    found: list[tuple[str, int]] = []
    for line in text.splitlines():
        if match := re.match(r"GPU \d+: (.{1,100}?) \(UUID", line):
            found.append((match[1], 0))
        elif found and re.match(r"\s+MIG \S+", line):
            found[-1] = (found[-1][0], found[-1][1] + 1)
    return tuple(found)


_KERNEL_MODULE = lazy_pattern(
    r"NVRM version: .{0,200}?Kernel Module(?P<open> for \S+)?\s+(?P<version>\d{2,4}\.[\d.]{1,12})"
)


def parse_kernel_module(text: str) -> tuple[str | None, str | None]:
    """(version, flavor) from /proc/driver/nvidia/version: both wordings, proprietary and open."""
    match = _KERNEL_MODULE.search(text)
    if match is None:
        return None, None
    return match["version"], "open" if "Open Kernel Module" in match[0] else "proprietary"


def _with_complaint(reading: Reading, text: str) -> Reading:
    if reading.gpus:
        return reading
    found = complaint(text)
    return Reading(driver=reading.driver, problem=found[0], detail=found[1]) if found else reading
