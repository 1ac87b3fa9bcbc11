"""ELF: program headers -> dynamic section -> needed libraries, undefined symbols, symbol versions (System V gABI)."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.model import Library, Value
from torchup.sources.binaries.limits import NAMES, name_at

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x7fELF"
_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x16: "s390x", 0x03: "x86"}
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SYMTAB, _STRSZ, _VERNEED, _VERNEEDNUM = 1, 5, 6, 10, 0x6FFFFFFE, 0x6FFFFFFF
_HEADER, _PROGRAM, _SYMBOL, _ENTRY = 64, 56, 24, 16
_GLIBC = re.compile(r"GLIBC_(\d+\.\d+(?:\.\d+)?)")


class Layout(Value, frozen=True, kw_only=True):
    """Where to look in a file, from its first bytes."""

    machine: str | None
    loads: tuple[tuple[int, int, int], ...]  # (address, offset, size in the file)
    dynamic: tuple[int, int]  # offset, size


def layout(head: bytes) -> Layout | None:
    """The program headers of a 64-bit little-endian file; ``None`` for anything else."""
    if len(head) < _HEADER or head[:4] != MAGIC or head[4:6] != b"\x02\x01":
        return None
    start, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    if size != _PROGRAM or count > 200 or start + size * count > len(head):  # noqa: PLR2004  # real files have a dozen
        return None
    rows = [struct.unpack_from("<IIQQQQ", head, start + index * size) for index in range(count)]
    dynamic = next(((row[2], row[5]) for row in rows if row[0] == _DYNAMIC), (0, 0))
    loads = tuple((row[3], row[2], row[5]) for row in rows if row[0] == _LOAD)
    return Layout(machine=_MACHINES.get(struct.unpack_from("<H", head, 18)[0]), loads=loads, dynamic=dynamic)


def library(where: Layout, head: bytes, dynamic: bytes) -> Library:
    """What the dynamic section says; ``head`` holds the file's beginning, where symbols and names lie."""
    tags = list(_tags(dynamic))
    first = dict(reversed(tags))
    strings = _strings(where, head, first)
    needed = tuple(name for tag, value in tags if tag == _NEEDED and (name := name_at(strings, value)))
    return Library(
        kind="elf",
        machine=where.machine,
        needed=needed[:NAMES],
        undefined=tuple(_undefined(where, head, first, strings)),
        glibc=_glibc(where, head, first, strings),
    )


def _tags(dynamic: bytes) -> Iterator[tuple[int, int]]:
    for position in range(0, len(dynamic) - _ENTRY + 1, _ENTRY):
        tag, value = struct.unpack_from("<qQ", dynamic, position)
        if tag == 0:
            return
        yield tag, value


def _offset(where: Layout, address: int | None) -> int | None:
    if address is None:
        return None
    found = (offset + address - start for start, offset, size in where.loads if start <= address < start + size)
    return next(found, None)


def _strings(where: Layout, head: bytes, tags: dict[int, int]) -> bytes:
    start = _offset(where, tags.get(_STRTAB))
    return b"" if start is None else head[start : start + tags.get(_STRSZ, 0)]


def _undefined(where: Layout, head: bytes, tags: dict[int, int], strings: bytes) -> Iterator[str]:
    """Symbols without a section. The table has no length of its own; the names follow it in every linker's layout."""
    start, end = _offset(where, tags.get(_SYMTAB)), _offset(where, tags.get(_STRTAB))
    if start is None or end is None or end <= start:
        return
    count = min((min(end, len(head)) - start) // _SYMBOL, 50 * NAMES)
    found = 0
    for index in range(1, count):
        name, section = struct.unpack_from("<I2xH", head, start + index * _SYMBOL)
        if section == 0 and name and found < NAMES and (text := name_at(strings, name)):
            found += 1
            yield text


def _glibc(where: Layout, head: bytes, tags: dict[int, int], strings: bytes) -> str | None:
    """The newest version of glibc among the symbol versions that are asked for."""
    position, found = _offset(where, tags.get(_VERNEED)), set[str]()
    for _ in range(min(tags.get(_VERNEEDNUM, 0), 500)):
        if position is None or position + 16 > len(head):
            break
        count, auxiliary, following = struct.unpack_from("<2xH4xII", head, position)
        entry = position + auxiliary
        for _ in range(min(count, 500)):
            if entry + 16 > len(head):
                break
            name, step = struct.unpack_from("<8xII", head, entry)
            match = _GLIBC.fullmatch(name_at(strings, name) or "")
            found |= {match[1]} if match else set()
            entry += step
        position += following
    return max(found, key=version_key, default=None)
