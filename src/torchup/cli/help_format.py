"""click's help in a language of wide characters: lines are broken by columns, not characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.i18n import current, text
from torchup.report.columns import cells, fill, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable


def use_columns() -> None:
    """Let help count columns where characters are wide; click's own formatter counts characters."""
    click.Context.formatter_class = click.HelpFormatter if current() == "en" else WideFormatter


class WideFormatter(click.HelpFormatter):
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
        left = min(max((cells(term) for term, _ in rows), default=0), col_max) + col_spacing
        rest = margin + " " * left
        for term, words in rows:
            lead = pad(margin + term, len(rest)) if cells(term) <= left - col_spacing else f"{margin}{term}\n{rest}"
            first, *others = wrap(words, self.width, first=rest, rest=rest)
            self.write("\n".join([lead + first.removeprefix(rest), *others]) + "\n")
