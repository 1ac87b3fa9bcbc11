"""Text by columns: Chinese characters take two and have no spaces to break at."""

from __future__ import annotations

import re
import unicodedata

# A word with the space before it, or one wide character: what may begin a new line.
_WIDE = r"\u2e80-\u9fff\uff00-\uffef\u3000-\u303f"
# A command in backticks is one piece: half of one cannot be copied.
_PIECE = rf"\s*[(\[（「『《“]*(?:`[^`\n]{{1,60}}`[^\s{_WIDE}]*|[{_WIDE}]|[^\s{_WIDE}]+)"
_NEVER_FIRST = "，。；：、！？）」』》”"  # closing marks stay with what they close, one column over if need be


def cells(text: str) -> int:
    """Columns that a text takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def pad(text: str, width: int) -> str:
    """A text filled with spaces to ``width`` columns."""
    return text + " " * (width - cells(text))


def wrap(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text into lines of at most ``width`` columns; ``first`` and ``rest`` begin the first and other lines.

    Words longer than a line are not parted. An empty text is one line: ``first``.
    """
    lines, line, empty = [], first, True
    for match in re.finditer(_PIECE, text.replace("\n", " ")):
        piece = match.group()
        if empty:
            piece = piece.lstrip()
        elif cells(line) + cells(piece) > width and piece.strip() not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line, piece = rest, piece.lstrip()
        line, empty = line + piece, False
    return [*lines, line.rstrip()]


def fill(text: str, width: int, *, first: str = "", rest: str = "") -> str:
    """`wrap`, joined."""
    return "\n".join(wrap(text, width, first=first, rest=rest))
