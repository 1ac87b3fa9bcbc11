"""A program started through a warden, so that it ends with torchup (see `warden`); torchup's side of it.

Windows ends a job with its last handle, and needs no warden.
"""

from __future__ import annotations

import contextlib
import os
import sys

WARDEN = os.path.abspath(os.path.join(os.path.dirname(__file__), "warden.py"))


def can_tie() -> bool:
    """Whether there are wardens here: on POSIX, where torchup runs in an interpreter that can be started again."""
    return sys.platform != "win32" and bool(sys.executable)


class Tie:
    """Two pipes to a warden; it ends its program when this end of the first one closes, by whatever."""

    def __init__(self) -> None:
        hold, self._hold = os.pipe()
        self._word, word = os.pipe()
        self.descriptors: tuple[int, int] = (hold, word)  # the warden's ends

    def words(self, kind: str, argv: list[str]) -> list[str]:
        """The command that starts ``argv`` through a warden of this ``kind``."""
        return [sys.executable, "-I", "-S", WARDEN, *map(str, self.descriptors), kind, *argv]

    def begun(self) -> None:
        """The warden has its ends: let go of them, so that their closing can be seen."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = (-1, -1)

    def child(self) -> int | None:
        """The program's process, waited for; ``None``: the warden died before. Raises `OSError`: it did not start."""
        kind, _, number = os.read(self._word, 64).decode().partition(" ")
        if kind == "errno":
            raise OSError(int(number), os.strerror(int(number)))
        return int(number) if kind == "pid" else None

    def close(self) -> None:
        """Close every end."""
        for descriptor in (self._hold, self._word, *self.descriptors):
            with contextlib.suppress(OSError):
                os.close(descriptor)
