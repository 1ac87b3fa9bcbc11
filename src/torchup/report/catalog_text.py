"""Rows of the catalogue as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import printable, text
from torchup.report.columns import cells, fill, pad
from torchup.report.plan_text import size_text
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.types import Row
    from torchup.report.style import Style


_TABLE_WIDTH = 120  # columns; below it the cells of the table would break inside words


def catalog_text(rows: Sequence[Row], style: Style) -> str:
    """A row each: build, platform, Pythons, code, what it needs, companions, size, where published.

    A console that is too narrow for so many columns gets a paragraph a row.
    """
    if style.width < _TABLE_WIDTH:
        return "\n".join(_paragraph(row, style) for row in rows)
    headers = (
        text("catalog.column.build", "Build"),
        text("catalog.column.platform", "Platform"),
        "Python",
        text("catalog.column.code", "GPU code"),
        text("catalog.column.needs", "Needs"),
        text("catalog.column.companions", "Companions"),
        text("catalog.column.size", "Size"),
        text("catalog.column.where", "Published on"),
    )
    return table(headers, [_row(row) for row in rows], style)


def _paragraph(row: Row, style: Style) -> str:
    build, platform, python, code, needs, companions, size, places = _row(row)
    named = (
        (text("catalog.column.needs", "Needs"), needs),
        (text("catalog.column.companions", "Companions"), companions),
        (text("catalog.column.code", "GPU code"), code),
        (text("catalog.column.where", "Published on"), places),
    )
    head = "  ".join(part for part in (build, platform, f"Python {python}", size) if part)
    width = max(cells(label) for label, _ in named) + 2
    lines = [
        fill(words, style.width, first=pad(f"    {label}", width + 4), rest=" " * (width + 4))
        for label, words in named
        if words
    ]
    return printable("\n".join([head, *lines]))


def _row(row: Row) -> tuple[str, ...]:
    code = row.arch.text if row.arch else "" if row.arch_known else text("catalog.unknown", "unknown")
    places = ", ".join(place.name for place in row.publications)
    return (
        row.label,
        row.platform,
        row.python_range,
        code,
        ", ".join(_needs(row)),
        " ".join(f"{name} {found.version}" for name, found in row.companions.items()),
        _size(row),
        places if row.certainty == "listed" else f"{places} ({_certainty(row.certainty)})",
    )


def _size(row: Row) -> str:
    if not row.size_bytes:
        return ""
    size = size_text(row.size_bytes)
    return text("plan.size.estimated", "{size} (estimate)", size=size) if row.size_estimated else size


def _certainty(word: str) -> str:
    return text("catalog.unsure", "unsure") if word == "unsure" else text("catalog.likely", "likely")


def _needs(row: Row) -> list[str]:
    needs = []
    if row.driver:
        windows = row.platform.startswith("windows")
        needs.append(text("catalog.driver", "driver {floor}", floor=row.driver.floor(windows=windows)))
    if row.glibc:
        needs.append(f"glibc {row.glibc}")
    if row.macos:
        needs.append(f"macOS {row.macos}")
    if row.mps:
        needs.append(f"MPS: macOS {row.mps}")
    return needs
