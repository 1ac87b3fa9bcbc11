"""What rocminfo, amd-smi, rocm-smi and hipconfig print. Pure parsers: untrusted text in, values out, no exception."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from torchup.encoding import UNREADABLE
from torchup.model import Gpu, Vendor

MIB = 1024**2
_COMPLAINTS = (
    (r"unable to open /dev/kfd[^\n]*permission denied", "no-permission"),
    (r"unable to open /dev/kfd[^\n]*no such file", "not-loaded"),
    (r"rock module is not loaded", "not-loaded"),
    (r"unable to open /dev/kfd", "kfd-error"),
    (r"no gpus? (?:were )?found|no json data to report|unable to detect any gpu", "no-devices"),
)


def complaint(text: str) -> tuple[str, str] | None:
    """(problem code, the tool's words) where a tool says why it cannot see a GPU."""
    for pattern, code in _COMPLAINTS:
        if found := re.search(pattern, text, re.IGNORECASE):
            return code, found[0].strip()[:300]
    return None


def parse_rocminfo(text: str) -> tuple[Gpu, ...]:
    """The GPU agents: target, marketing name, memory (the largest coarse-grained global pool), PCI id."""
    gpus = []
    # An agent begins with its name, two columns in; the heading above may be missing in excerpts.
    for agent in re.split(r"^(?= {2}Name:)", text, flags=re.MULTILINE):
        fields = {
            name.strip(): value.strip()
            for name, value in reversed(re.findall(r"^ {2}(\S[^:\n]{0,40}):[ \t]*([^\n]{0,200})$", agent, re.MULTILINE))
        }
        gfx = gfx_target(fields.get("Name"))
        if fields.get("Device Type") != "GPU" or gfx is None:
            continue
        chip = re.match(r"(\d{1,6})\(", fields.get("Chip ID", ""))
        sizes = re.findall(r"Segment:\s+GLOBAL; FLAGS: COARSE GRAINED\s*\n\s+Size:\s+(\d{1,15})\(", agent)
        marketing = fields.get("Marketing Name") or None
        gpus.append(
            Gpu(
                vendor=Vendor.AMD,
                name=marketing if marketing != gfx else None,
                gfx=gfx,
                memory_bytes=max(map(int, sizes)) * 1024 if sizes else None,
                pci_id=f"1002:{int(chip[1]):04x}" if chip and int(chip[1]) else None,
            )
        )
    return tuple(gpus)


def gfx_target(text: str | None) -> str | None:
    """``gfx942`` from ``gfx942`` or ``amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-``; rocm-smi's decimal gfx9010 too."""
    match = re.search(r"\bgfx(\d{1,2}[0-9a-f]{2}|\d{4,5})\b", text or "")
    if match is None:
        return None
    return {"gfx9010": "gfx90a"}.get(match[0], match[0])


def parse_amd_smi(text: str) -> tuple[Gpu, ...]:
    """``amd-smi static --json``: a list, or since 7.0 an object with ``gpu_data``; warnings may come before it."""
    data = _json_after_noise(text)
    rows = data.get("gpu_data") if isinstance(data, dict) else data
    gpus = []
    for row in rows if isinstance(rows, list) else ():
        asic = _part(row, "asic")
        if not asic:
            continue
        vram = _part(row, "vram").get("size")
        if isinstance(vram, dict):
            vram = vram.get("value")
        gpus.append(
            Gpu(
                vendor=Vendor.AMD,
                name=_text(asic.get("market_name")),
                gfx=gfx_target(_text(asic.get("target_graphics_version"))),
                memory_bytes=_mib(vram),
                pci_id=_pci(asic.get("device_id")),
            )
        )
    return tuple(gpus)


def parse_rocm_smi(text: str) -> tuple[tuple[Gpu, ...], str | None]:
    """(GPUs, driver version) of ``rocm-smi -a --json`` and ``--showproductname --json``, in any year's spelling."""
    data = _json_after_noise(text)
    if not isinstance(data, dict):
        return (), None
    gpus = []
    for key, card in data.items():
        if not re.fullmatch(r"card\d{1,3}", str(key)) or not isinstance(card, dict):
            continue
        fields = {str(name).lower(): value for name, value in card.items()}
        names = (_text(fields.get(name)) for name in ("card series", "device name", "card model"))
        total = _text(fields.get("vram total memory (b)"))
        gpus.append(
            Gpu(
                vendor=Vendor.AMD,
                name=next((name for name in names if name and not name.startswith("0x")), None),
                gfx=gfx_target(_text(fields.get("gfx version"))),
                memory_bytes=int(total) if total and total.isdecimal() and len(total) < 16 else None,  # noqa: PLR2004  # a petabyte
                pci_id=_pci(fields.get("gpu id")) or _pci(fields.get("device id")),
            )
        )
    return tuple(gpus), _text(_part(data, "system").get("Driver version"))


def parse_rocm_version(text: str) -> str | None:
    """``6.2.0`` from ``6.2.0-66`` (/opt/rocm/.info/version); ``6.2`` from hipconfig's ``6.2.41133-dd7f95766``."""
    match = re.match(r"\s*(\d{1,2}\.\d{1,2}(?:\.\d{1,3})?)(?!\d)", text)
    return match[1] if match else None


def _json_after_noise(text: str) -> Any:
    """The JSON document in a text that may begin with Python's warnings; ``None`` where there is none."""
    for match in re.finditer(r"^[\[{]", text, re.MULTILINE):
        try:
            return msgspec.json.decode(text[match.start() :])
        except UNREADABLE:
            continue
    return None


def _part(value: object, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    cleaned = value.strip() if isinstance(value, str) else None
    return cleaned if cleaned and cleaned.upper() not in {"N/A", "UNKNOWN", "NONE"} else None


def _pci(value: object) -> str | None:
    match = re.fullmatch(r"0x([0-9a-f]{4})", str(value).lower())
    return f"1002:{match[1]}" if match else None


def _mib(value: object) -> int | None:
    match = re.match(r"(\d{1,9})\s*(?:MB|MiB)?$", str(value).strip())
    return int(match[1]) * MIB if match else None
