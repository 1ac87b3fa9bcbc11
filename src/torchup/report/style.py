"""How a text report may look: width, colour, and whether the console can show ticks and Chinese.

Reports are plain text. Colour comes last, in `paint`, when every value has been made safe and every line has its width.
"""

from __future__ import annotations

import re

from torchup.i18n import printable
from torchup.model import Value
from torchup.patterns import lazy_pattern
from torchup.report.columns import cells, fill

_MARKS: dict[str, tuple[str, str]] = {
    "pass": ("✓", "[ok]"),
    "error": ("✗", "[x]"),
    "warning": ("!", "[!]"),
    "info": ("·", "[i]"),
    "skip": ("-", "[-]"),
}
_COLOURS = {"pass": "32", "error": "31", "warning": "33", "info": "36"}
_SIGNS = {sign: _COLOURS[status] for status, signs in _MARKS.items() if status in _COLOURS for sign in signs}
_ANYWHERE = "✓✗"  # the other signs are also punctuation: they are signs only where a line begins
# A sign stands at most this far in; a separator (·) that begins a line stands below the text that it separates.
_SIGN = lazy_pattern(rf"(?m)^( {{0,8}})({'|'.join(map(re.escape, _SIGNS))})(?=\s)|(?<!\S)([{_ANYWHERE}])(?!\S)")
_COMMAND = lazy_pattern(" {8}\\S")  # such a line is a command: never wrapped, since people copy it


class Style(Value, frozen=True, kw_only=True):
    """What the reader's console can do."""

    width: int = 80
    unicode: bool = True
    color: bool = False


def mark(style: Style, status: str) -> str:
    """The sign before a line: pass, error, warning, info or skip; `paint` gives it its colour."""
    return _MARKS[status][0 if style.unicode else 1]


def on_terminal(plain: str, style: Style, *, strong: str = "") -> str:
    """A finished text as a terminal shows it: nothing in it steers the terminal, no line is too wide, then colour."""
    lines = (_fitted(line, style.width) for line in printable(plain).split("\n"))
    words = "\n".join(lines)
    return paint(words, strong=printable(strong)) if style.color else words


def _fitted(line: str, width: int) -> str:
    if cells(line) <= width or _COMMAND.match(line):
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return fill(line.strip(), width, first=indent, rest=indent + ("  " if indent else ""))


def paint(plain: str, *, strong: str = "") -> str:
    """Colour the signs of a text, which colour only repeats, and set off the words of ``strong`` (the one answer)."""
    painted = _SIGN.sub(_painted, plain)
    if not strong.split():
        return painted
    answer = re.compile(r"\s+".join(map(re.escape, strong.split())))
    return answer.sub(lambda found: re.sub(r"(?m)\S.*$", "\x1b[1m\\g<0>\x1b[0m", found[0]), painted, count=1)


def _painted(found: re.Match[str]) -> str:
    sign = found[2] or found[3]
    return f"{found[1] or ''}\x1b[{_SIGNS[sign]}m{sign}\x1b[0m"
