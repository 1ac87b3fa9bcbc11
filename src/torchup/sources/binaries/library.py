"""One library read in a single pass over its bytes, as they come out of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.sources.binaries import elf, mach_o, pe
from torchup.sources.binaries.fatbin import Architectures, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torchup.model import Library

HEAD = 96 << 20  # bytes from the beginning that are kept: symbols and names of the largest libraries lie in them
NEAR = 16 << 20  # the same of a file on disk: linkers write symbols and names first
_DYNAMIC = 1 << 16  # bytes of a dynamic section


def read_library(chunks: Iterable[bytes]) -> Library | None:
    """What a library says; ``None`` for a file that is not a library. Holds at most `HEAD` bytes."""
    head, held, position = bytearray(), bytearray(), 0
    where: elf.Layout | None = None
    code = Architectures()
    for chunk in chunks:
        if position == 0 and not chunk.startswith((elf.MAGIC, pe.MAGIC, mach_o.MAGIC)):
            return None
        code.feed(chunk)
        head += chunk[: max(0, HEAD - len(head))]
        where = where or elf.layout(bytes(head[: 1 << 16]))
        if where is not None:
            held += _part(chunk, position, where)
        position += len(chunk)
    found = _read(bytes(head), bytes(held), where)
    return replace(found, architectures=names(code.found)) if found is not None else None


def read_linked(part: Callable[[int, int], tuple[bytes, int] | None]) -> Library | None:
    """What an installed library is linked with, from the parts of its file that say it; no GPU code is looked for.

    Args:
        part: (start, length) -> bytes and the file's size; ``None`` where it cannot be read.
    """
    first = part(0, NEAR)
    if first is None or not first[0].startswith((elf.MAGIC, pe.MAGIC, mach_o.MAGIC)):
        return None
    where = elf.layout(first[0])
    short = where is None and first[1] > NEAR  # other formats name their libraries anywhere
    head = (part(0, HEAD) or first)[0] if short else first[0]
    held = part(where.dynamic[0], min(where.dynamic[1], _DYNAMIC)) if where is not None else None
    return _read(head, held[0] if held is not None else b"", where)


def _part(chunk: bytes, position: int, where: elf.Layout) -> bytes:
    """The bytes of a piece that belong to the dynamic section."""
    start, size = where.dynamic
    return chunk[max(0, start - position) : max(0, start + min(size, _DYNAMIC) - position)]


def _read(head: bytes, dynamic: bytes, where: elf.Layout | None) -> Library | None:
    if where is not None:
        return elf.library(where, head, dynamic)
    if (windows := pe.layout(head)) is not None:
        return pe.library(windows, head)
    return mach_o.library(head)
