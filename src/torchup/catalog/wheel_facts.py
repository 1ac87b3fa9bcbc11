"""What the files inside a torch wheel say of it. Pure: text and bytes in, values out; the bytes are untrusted."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from torchup.model import ComputeCapability, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

_ASSIGNMENT = re.compile(r"^(\w{1,20})(?:: [\w\[\]. ]{1,40})? = ['\"]([^'\"\n]{1,80})['\"]$", re.MULTILINE)
_HIP = re.compile(r"(\d{1,3})\.(\d{1,3})")
# `torch.cuda.get_arch_list()` is one string of the library that binds CUDA to Python, its end marked by a zero byte.
_NVIDIA = re.compile(rb"((?:(?:sm|compute)_\d{2,3}[af]? ){0,40}(?:sm|compute)_\d{2,3}[af]?)\x00")
_AMD = re.compile(rb"((?:gfx[0-9a-f]{3,5} ){0,60}gfx[0-9a-f]{3,5})\x00")
_LONGEST = 1024  # bytes of such a string; what two pieces of a library share when it is looked through
_MPS = re.compile(rb"MPS backend[^\x00]{0,160}?[mM]acOS (\d\d(?:\.\d)?)")
_MACH_O_64, _BUILD_VERSION, _VERSION_MIN = 0xFEEDFACF, 0x32, 0x24
_HEADER = 32  # bytes of a 64-bit Mach-O header


class VersionFacts(Value, frozen=True, kw_only=True):
    """What ``torch/version.py`` says."""

    torch: str  # without its local part
    variant: str  # cu132, rocm7.2, xpu, cpu
    cuda: str | None = None
    hip: str | None = None


def version_facts(text: str) -> VersionFacts | None:
    """Read ``torch/version.py``; ``None`` where it names no version."""
    said = dict(_ASSIGNMENT.findall(text))
    version = said.get("__version__")
    if version is None:
        return None
    torch, _, local = version.partition("+")
    cuda, hip = said.get("cuda"), said.get("hip")
    return VersionFacts(torch=torch, variant=_variant(local, cuda, hip, said.get("xpu")), cuda=cuda, hip=hip)


def _variant(local: str, cuda: str | None, hip: str | None, xpu: str | None) -> str:
    if re.fullmatch(r"cpu|xpu|cu\d{2,4}|rocm\d[\d.]*", local):
        return local
    if cuda:
        return "cu" + cuda.replace(".", "")
    if hip and (found := _HIP.match(hip)):
        return f"rocm{found[1]}.{found[2]}"
    return "xpu" if xpu else "cpu"


def architectures(chunks: Iterable[bytes], *, amd: bool = False) -> tuple[str, ...] | None:
    """The targets that a build was compiled for, as torch names them; ``None`` where the library does not say.

    A list of two or more names is taken at once; a single name is taken when it is the only one in the library,
    because single names also stand in messages.
    """
    pattern = _AMD if amd else _NVIDIA
    single: set[bytes] = set()
    held = b""
    for chunk in chunks:
        held += chunk
        for match in pattern.finditer(held):
            names = match[1].split()
            if len(names) > 1:
                return tuple(name.decode() for name in names)
            single.add(match[1])
        held = held[-_LONGEST:]
    return (single.pop().decode(),) if len(single) == 1 else None


def native(names: Iterable[str]) -> tuple[ComputeCapability, ...]:
    """The capabilities with native code (``sm_86``)."""
    return _capabilities(name for name in names if name.startswith("sm_"))


def ptx(names: Iterable[str]) -> tuple[ComputeCapability, ...]:
    """The capabilities with PTX (``compute_90``)."""
    return _capabilities("sm_" + name.removeprefix("compute_") for name in names if name.startswith("compute_"))


def _capabilities(names: Iterable[str]) -> tuple[ComputeCapability, ...]:
    return tuple(sorted({found for found in map(ComputeCapability.parse, names) if found is not None}))


def mps_floor(chunks: Iterable[bytes]) -> str | None:
    """The macOS that the error text of the MPS backend asks for, ``14.0``; ``None`` where no such text is."""
    held = b""
    for chunk in chunks:
        held += chunk
        if match := _MPS.search(held):
            return match[1].decode()
        held = held[-_LONGEST:]
    return None


def mach_o_floor(head: bytes) -> str | None:
    """The oldest macOS that loads a 64-bit Mach-O library, from its load commands; ``None`` where it does not say."""
    if len(head) < _HEADER or struct.unpack_from("<I", head)[0] != _MACH_O_64:
        return None
    count, position = struct.unpack_from("<I", head, 16)[0], _HEADER
    for _ in range(min(count, 500)):
        if position + 16 > len(head):
            return None
        command, size = struct.unpack_from("<II", head, position)
        if command in {_BUILD_VERSION, _VERSION_MIN}:
            packed = struct.unpack_from("<I", head, position + (12 if command == _BUILD_VERSION else 8))[0]
            return f"{packed >> 16}.{packed >> 8 & 0xFF}"
        if size < 8:  # noqa: PLR2004  # a command's own head
            return None
        position += size
    return None
