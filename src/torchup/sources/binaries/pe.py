"""PE: the import tables of a Windows library (PE/COFF specification, "The .idata Section")."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from torchup.model import Library, Value
from torchup.sources.binaries.limits import NAMES, name_at

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"MZ"
_MACHINES = {0x8664: "x86_64", 0xAA64: "aarch64", 0x014C: "x86"}
_PE32_PLUS = 0x20B
_SECTION, _DESCRIPTOR, _DELAYED = 40, 20, 32
_ORDINAL = 1 << 63
_IMPORTS, _DELAYS = 1, 13  # entries of the data directory


class Layout(Value, frozen=True, kw_only=True):
    """Where the sections and the import tables are."""

    machine: str | None
    sections: tuple[tuple[int, int, int], ...]  # (address, file offset, size in the file)
    imports: int
    delayed: int


def layout(head: bytes) -> Layout | None:
    """The headers of a 64-bit library; ``None`` for anything else."""
    if len(head) < 64 or head[:2] != MAGIC:  # noqa: PLR2004  # the old header
        return None
    start = struct.unpack_from("<I", head, 60)[0]
    if head[start : start + 4] != b"PE\x00\x00" or start + 264 > len(head):
        return None
    machine, count, optional = struct.unpack_from("<HH12xH", head, start + 4)
    if struct.unpack_from("<H", head, start + 24)[0] != _PE32_PLUS or count > 200:  # noqa: PLR2004  # real files have ten
        return None
    table = start + 24 + optional
    if table + count * _SECTION > len(head):
        return None
    rows = [struct.unpack_from("<8x4I", head, table + index * _SECTION) for index in range(count)]
    directory = start + 24 + 112
    return Layout(
        machine=_MACHINES.get(machine),
        sections=tuple((address, offset, size) for _, address, size, offset in rows),
        imports=struct.unpack_from("<I", head, directory + _IMPORTS * 8)[0],
        delayed=struct.unpack_from("<I", head, directory + _DELAYS * 8)[0],
    )


def library(where: Layout, data: bytes) -> Library:
    """What the import tables say, each symbol with its library (``c10.dll!?f@@``); ``data`` is the file's beginning."""
    needed: list[str] = []
    undefined: list[str] = []
    for name, thunks in _descriptors(where, data):
        needed.append(name)
        undefined += [f"{name}!{symbol}" for symbol in _names(where, data, thunks)]
    return Library(kind="pe", machine=where.machine, needed=tuple(needed[:NAMES]), undefined=tuple(undefined[:NAMES]))


def _offset(where: Layout, address: int) -> int | None:
    found = (offset + address - start for start, offset, size in where.sections if start <= address < start + size)
    return next(found, None)


def _descriptors(where: Layout, data: bytes) -> Iterator[tuple[str, int]]:
    """(name of the library, address of its list of symbols), of plain and of delayed imports."""
    for table, size, thunk_at, name_at_ in ((where.imports, _DESCRIPTOR, 0, 12), (where.delayed, _DELAYED, 16, 4)):
        position = _offset(where, table) if table else None
        for _ in range(500):
            if position is None or position + size > len(data):
                break
            thunks = struct.unpack_from("<I", data, position + thunk_at)[0]
            name = name_at(data, _offset(where, struct.unpack_from("<I", data, position + name_at_)[0]) or -1)
            if not name:
                break
            yield name, thunks
            position += size


def _names(where: Layout, data: bytes, thunks: int) -> list[str]:
    position, found = _offset(where, thunks), list[str]()
    while position is not None and position + 8 <= len(data) and len(found) < NAMES:
        value = struct.unpack_from("<Q", data, position)[0]
        if value == 0:
            break
        if not value & _ORDINAL and (name := name_at(data, (_offset(where, value) or -3) + 2)):
            found.append(name)
        position += 8
    return found
