"""NVIDIA's fat binaries inside a library: the architectures that it has code for.

A container begins with a magic number, its own header's size and the size of what follows; each entry has a header
with its kind (1: PTX, 2: native code), its sizes and its architecture. NVIDIA documents none of it; the layout is the
one that cuobjdump reads, checked against its output.
"""

from __future__ import annotations

import struct

MAGIC = b"\x50\xed\x55\xba"
_HEADER, _ENTRY = 16, 32
_KINDS = {1: "compute", 2: "sm"}
_LOWEST, _HIGHEST = 20, 200  # architectures that exist, 10 x capability


class Architectures:
    """Looks through a library piece by piece; memory is bounded by one piece."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._held = b""
        self._start = 0  # where the held bytes begin
        self._entry: int | None = None  # where the next entry's header is
        self._end = 0  # where the container ends

    def feed(self, chunk: bytes) -> None:
        """The next piece of the file."""
        self._held += chunk
        while self._step():
            pass
        keep = min(self._next() - self._start, len(self._held))
        self._held, self._start = self._held[keep:], self._start + keep

    def _next(self) -> int:
        """The position from which on bytes are still wanted."""
        if self._entry is not None:
            return self._entry
        return self._start + max(0, len(self._held) - _HEADER)

    def _step(self) -> bool:
        if self._entry is None:
            return self._container()
        if self._entry + _ENTRY > self._end:
            self._entry = None
            return True
        at = self._entry - self._start
        if at + _ENTRY > len(self._held):
            return False
        kind, header, size, arch = struct.unpack_from("<H2xIQ12xI", self._held, at)
        if kind not in _KINDS or not _LOWEST <= arch <= _HIGHEST or header < _ENTRY:
            self._entry = None  # not what it looked like; go on behind the magic number
            return True
        self.found.add(f"{_KINDS[kind]}_{arch}")
        self._entry += header + size
        return True

    def _container(self) -> bool:
        at = self._held.find(MAGIC)
        if at < 0 or at + _HEADER > len(self._held):
            return False
        header, size = struct.unpack_from("<6xHQ", self._held, at)
        begins = self._start + at
        self._held, self._start = self._held[at + 4 :], begins + 4
        if header == _HEADER and size:
            self._entry, self._end = begins + header, begins + header + size
        return True


def names(found: set[str]) -> tuple[str, ...]:
    """In order: native code, then PTX, each by architecture."""
    return tuple(sorted(found, key=lambda name: (name.startswith("compute"), int(name.rpartition("_")[2]))))
