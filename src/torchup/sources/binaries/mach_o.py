"""Mach-O: the load commands of a macOS library (``mach-o/loader.h``)."""

from __future__ import annotations

import struct

from torchup.model import Library
from torchup.sources.binaries.limits import NAMES, name_at

MAGIC = b"\xcf\xfa\xed\xfe"
_MACHINES = {0x0100000C: "arm64", 0x01000007: "x86_64"}
_LIBRARIES = {0xC, 0x80000018, 0x8000001F, 0x20}  # LC_LOAD_DYLIB, weak, re-exported, lazy
_SYMTAB = 0x2
_HEADER, _SYMBOL = 32, 16
_EXTERNAL, _TYPE = 0x01, 0x0E


def library(data: bytes) -> Library | None:
    """What the load commands say; ``None`` for anything but a 64-bit file."""
    if len(data) < _HEADER or data[:4] != MAGIC:
        return None
    cpu, count = struct.unpack_from("<4xI8xI", data)
    needed: list[str] = []
    undefined: list[str] = []
    position = _HEADER
    for _ in range(min(count, 1000)):
        if position + 24 > len(data):
            break
        command, size, first = struct.unpack_from("<III", data, position)
        if command in _LIBRARIES and (name := name_at(data, position + first)):
            needed.append(name.rpartition("/")[2])
        elif command == _SYMTAB:
            undefined = _undefined(data, *struct.unpack_from("<IIII", data, position + 8))
        if size < 8:  # noqa: PLR2004  # a command's own head
            break
        position += size
    return Library(kind="mach-o", machine=_MACHINES.get(cpu), needed=tuple(needed), undefined=tuple(undefined))


def _undefined(data: bytes, symbols: int, count: int, strings: int, size: int) -> list[str]:
    names, found = data[strings : strings + size], list[str]()
    for index in range(min(count, 50 * NAMES)):
        position = symbols + index * _SYMBOL
        if position + _SYMBOL > len(data) or len(found) >= NAMES:
            break
        offset, kind = struct.unpack_from("<IB", data, position)
        if kind & _EXTERNAL and not kind & _TYPE and (name := name_at(names, offset)):
            found.append(name.removeprefix("_"))
    return found
