"""Rows of the catalogue as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.report.plan_text import size_text
from torchup.report.style import Style, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.types import Row


def catalog_text(rows: Sequence[Row], style: Style) -> str:
    """One line a row: build, platform, Pythons, code, what it needs, companions, size, where published."""
    headers = (
        text("catalog.column.build", "Build"),
        text("catalog.column.platform", "Platform"),
        "Python",
        text("catalog.column.code", "Code for"),
        text("catalog.column.needs", "Needs"),
        text("catalog.column.companions", "Companions"),
        text("catalog.column.size", "Size"),
        text("catalog.column.where", "Published"),
    )
    return table(headers, [_row(row) for row in rows], style)


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
        size_text(row.size_bytes) if row.size_bytes else "",
        places if row.certainty == "listed" else f"{places} ({row.certainty})",
    )


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
