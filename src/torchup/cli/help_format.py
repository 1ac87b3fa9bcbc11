"""click's help in a language of wide characters: lines are broken by columns, not characters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from torchup.cli.session import style_of
from torchup.host import RealHost
from torchup.i18n import current, text
from torchup.report.columns import cells, fill, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLICKS_LEAST = 52


def use_columns() -> None:
    """Let help count columns where characters are wide; click's own formatter counts characters."""
    click.Context.formatter_class = NarrowFormatter if current() == "en" else WideFormatter


class NarrowFormatter(click.HelpFormatter):
    """click's help, which also fits terminals of fewer than the 50 columns that click takes at least."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        columns = style_of(sys.stdout, RealHost().environ()).width
        narrow = columns - 2 if columns < _CLICKS_LEAST else None
        super().__init__(indent_increment, width or narrow, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of terms and their explanations, terms taking at most a third of a narrow line."""
        super().write_dl(tuple(rows), self.widest_term(col_max), col_spacing)

    def widest_term(self, usual: int) -> int:
        """Columns that a term may take before its explanation begins on the next line."""
        return usual if self.width >= _CLICKS_LEAST - 2 else self.width // 3


class WideFormatter(NarrowFormatter):
    """Help that counts columns, for languages whose characters take two and whose words have no spaces."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line; its words are options and names, which break at spaces."""
        lead = text("click.usage", "Usage:") if prefix is None else prefix
        rest = " " * (self.current_indent + cells(f"{lead} {prog} "))
        self.write(fill(args, self.width, first=f"{lead}{prog} ", rest=rest) + "\n")

    def write_heading(self, heading: str) -> None:
        """Write the title of a section."""
        self.write(" " * self.current_indent + text("cli.help.heading", "{title}:", title=heading) + "\n")

    def write_text(self, text: str) -> None:
        """Write a text, its paragraphs broken at the width."""
        margin = " " * self.current_indent
        for paragraph in text.split("\n\n"):
            self.write(fill(paragraph, self.width, first=margin, rest=margin) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of terms and their explanations."""
        rows = tuple(rows)
        margin = " " * self.current_indent
        left = min(max((cells(term) for term, _ in rows), default=0), self.widest_term(col_max)) + col_spacing
        rest = margin + " " * left
        for term, words in rows:
            lead = pad(margin + term, len(rest)) if cells(term) <= left - col_spacing else f"{margin}{term}\n{rest}"
            first, *others = wrap(words, self.width, first=rest, rest=rest)
            self.write("\n".join([lead + first.removeprefix(rest), *others]) + "\n")
