"""A pseudo-terminal in this process: what a person sees who types a line into a colour terminal of some width."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import sys
import termios
import threading
from typing import TYPE_CHECKING
from unittest import mock

from torchup.report.columns import cells

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PIECES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+")
_LEFTOVER = re.compile(r"\x1b|\[\d+(?:;\d+)*m")
_WORD = re.compile(r"\S*`[^`]*`\S*|\S+")  # a command is one word
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """What came out, once the `terminal` is closed."""

    def __init__(self) -> None:
        self.raw = ""

    @property
    def colours(self) -> list[str]:
        """The colour codes that the terminal obeyed."""
        return _COLOUR.findall(self.raw)

    @property
    def seen(self) -> str:
        """The text as it is read: escape codes are obeyed, not shown."""
        return _STEERING.sub("", self.raw).replace("\r\n", "\n")

    @property
    def left(self) -> list[str]:
        """The lines that are there in the end: what bars wrote and took away again is gone."""
        lines, row, column = [""], 0, 0
        for piece in _PIECES.findall(self.raw):
            if piece == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif piece == "\r":
                column = 0
            elif piece.startswith("\x1b"):
                row -= int(piece[2:-1] or 1) if piece.endswith("A") else 0
                lines[row] = "" if piece.endswith("K") else lines[row]
            else:
                lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + len(piece) :]
                column += len(piece)
        return [line.rstrip() for line in lines]


def leftovers(screen: Screen) -> list[str]:
    """Escape codes that are read as text."""
    return _LEFTOVER.findall(screen.seen)


def too_wide(screen: Screen, width: int) -> list[str]:
    """Lines that outrun the terminal, but for a command on a line of its own and a word that is longer than a line."""
    wide = [line for line in re.split("[\r\n]", screen.seen) if cells(line) > width]
    return [line for line in wide if not re.match(" {8}\\S", line) and len(_WORD.findall(line.strip("，。；："))) > 1]


@contextlib.contextmanager
def terminal(width: int) -> Iterator[Screen]:
    """Put stdout and stderr on a terminal of ``width`` columns."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    screen, chunks = Screen(), list[bytes]()
    reader = threading.Thread(target=_read, args=(master, chunks))
    reader.start()
    with (
        open(slave, "w", encoding="utf-8") as stream,  # noqa: PTH123  # a descriptor
        mock.patch.object(sys, "stdout", stream),
        mock.patch.object(sys, "stderr", stream),
    ):
        yield screen
    reader.join(10)
    os.close(master)
    screen.raw = b"".join(chunks).decode("utf-8", "replace")


def _read(master: int, chunks: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # the other side is closed
        while chunk := os.read(master, 65536):
            chunks.append(chunk)
