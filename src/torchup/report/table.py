"""Tables in a terminal's width; where words would have to be broken, each row becomes a few lines of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import printable
from torchup.report.columns import cells, fill, pad, pieces, wrap

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torchup.report.style import Style

_BETWEEN = "   "
_MARGIN = " "
_LONG = 16  # a longer word may take the room of the columns to its right


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, whole: Collection[int] = ()) -> str:
    """Lay out a table in ``style.width`` columns; wide (Chinese) characters count two. Cells are made printable.

    No word is parted: a long one takes the room to its right, whose cells then begin a line below; where that is not
    enough, there is no table. ``whole``: positions of columns whose cells are not parted, since people copy them.
    """
    safe = [[printable(cell) for cell in row] for row in rows]
    columns = list(zip(headers, *safe, strict=True))
    natural = [max(_longest(cell.split("\n")) for cell in column) for column in columns]
    last = len(columns) - 1
    least = [
        natural[at] if at in whole else max(_least(cell, _LONG if at < last else None) for cell in column)
        for at, column in enumerate(columns)
    ]
    room = style.width - len(_BETWEEN) * last - 2 * len(_MARGIN)
    if sum(least) > room:
        return records(headers, safe, style)
    lines = _grid(headers, safe, _widths(natural, least, room), style)
    fits = all(cells(line) <= style.width for line in lines)
    return "\n".join(lines) if fits else records(headers, safe, style)


def _longest(parts: Sequence[str]) -> int:
    return max(map(cells, parts), default=0)


def _least(cell: str, limit: int | None) -> int:
    """The columns of the longest word that has to fit; words over the limit need not."""
    return _longest([word for word in pieces(cell) if limit is None or cells(word) <= limit])


def _widths(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """What each column gets: all that it wants, else the widest give way first, down to their longest word."""
    widths = list(natural)
    while sum(widths) > room:
        widest = max((at for at, width in enumerate(widths) if width > least[at]), key=lambda at: widths[at])
        widths[widest] -= 1
    return widths


def _grid(headers: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], style: Style) -> list[str]:
    lines = [line for row in rows for line in _row(row, widths)]
    if not any(headers):
        return lines
    rule = ("─" if style.unicode else "-") * (sum(widths) + len(_BETWEEN) * (len(widths) - 1))
    return [*_row(headers, widths), _MARGIN + rule, *lines]


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The lines of a row. Where a word outruns its column, the cells to its right begin below it."""
    lines: list[str] = []
    offset, below = len(_MARGIN), 0
    for cell, width in zip(row, widths, strict=True):
        parts = [line for part in cell.split("\n") for line in wrap(part, width)]
        for position, part in enumerate(parts, start=below):
            lines += [""] * (position + 1 - len(lines))
            lines[position] = pad(lines[position], offset) + part
        below += max((at for at, part in enumerate(parts, start=1) if cells(part) > width), default=0)
        offset += width + len(_BETWEEN)
    return [line.rstrip() for line in lines]


def records(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    """Each row by itself: its name (with the sign before it), then a line for each other cell."""
    named = next((position for position, header in enumerate(headers) if header), 0)
    return "\n".join(line for row in rows for line in _record(headers, row, named, style.width))


def _record(headers: Sequence[str], row: Sequence[str], named: int, width: int) -> list[str]:
    lines = [fill(" ".join(filter(None, row[: named + 1])), width, rest="  ")]
    for header, cell in list(zip(headers, row, strict=True))[named + 1 :]:
        said = f"{header}: {cell}" if header else cell
        lines += [fill(said, width, first="  ", rest="    ")] if cell.strip() else []
    return lines
