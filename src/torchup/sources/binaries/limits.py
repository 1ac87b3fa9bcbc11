"""Limits, and how names are read."""

from __future__ import annotations

NAMES = 20_000  # symbols and libraries of one file that are read
LONGEST = 600  # characters of one name


def name_at(data: bytes, offset: int) -> str | None:
    """A zero-terminated name, ``None`` outside the data or without an end."""
    if not 0 <= offset < len(data):
        return None
    end = data.find(b"\x00", offset, offset + LONGEST)
    return data[offset:end].decode("latin-1") if end >= 0 else None
