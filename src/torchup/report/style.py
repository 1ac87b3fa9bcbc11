"""How a text report may look: width, colour, and whether the console can show ticks and Chinese."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from torchup.i18n import printable
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_MARKS: dict[str, tuple[str, str]] = {
    "pass": ("✓", "[ok]"),
    "error": ("✗", "[x]"),
    "warning": ("!", "[!]"),
    "info": ("·", "[i]"),
    "skip": ("-", "[-]"),
}
_COLOURS = {"pass": "32", "error": "31", "warning": "33", "info": "36", "skip": "2"}


class Style(Value, frozen=True, kw_only=True):
    """What the reader's console can do."""

    width: int = 80
    unicode: bool = True
    color: bool = False


def mark(style: Style, status: str) -> str:
    """The sign before a line: pass, error, warning, info or skip. Colour only repeats what the sign says."""
    sign = _MARKS[status][0 if style.unicode else 1]
    return f"\x1b[{_COLOURS[status]}m{sign}\x1b[0m" if style.color else sign


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, whole: Collection[int] = ()) -> str:
    """Lay out a table in ``style.width`` columns; wide (Chinese) characters count two. Cells are made printable.

    ``whole``: positions of columns whose cells are not parted, since people copy them.
    """
    from rich.box import ASCII, SIMPLE_HEAD  # noqa: PLC0415  # rich costs 40 ms; only reports pay it
    from rich.console import Console  # noqa: PLC0415  # same
    from rich.table import Table  # noqa: PLC0415  # same
    from rich.text import Text  # noqa: PLC0415  # same

    output = StringIO()
    grid = Table(box=SIMPLE_HEAD if style.unicode else ASCII, pad_edge=False, show_header=any(headers))
    for position, header in enumerate(headers):
        grid.add_column(header, overflow="fold", no_wrap=position in whole)
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))
    Console(file=output, width=style.width, color_system=None, legacy_windows=False).print(grid)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip("\n")
