"""A file that is written in pieces, in any order, by several threads."""

from __future__ import annotations

import os
import threading
from typing import Self


class PartFile:
    """Random access to one file; made where it is not there. Methods raise `OSError` as the system does."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        self._lock = threading.Lock()

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of ``data`` from ``offset`` (bytes) on."""
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def read_at(self, offset: int, count: int) -> bytes:
        """At most ``count`` bytes from ``offset`` on."""
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, count)

    def truncate(self, size: int) -> None:
        """Set the length."""
        os.truncate(self._descriptor, size)

    def sync(self) -> None:
        """Have the content on the disk when this returns."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Give the file up."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
