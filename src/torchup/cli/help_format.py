"""click's help in the current language: its own few texts translated, lines broken by columns, not characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.types

from torchup.i18n import current, render
from torchup.model import message
from torchup.report.columns import cells, fill, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.model import Message

# click's texts that a user of torchup can meet, as click spells them. The doubled braces are click's own fields.
_TEXTS: dict[str, Message] = {
    "Usage:": message("click.usage", "Usage:"),
    "Options": message("click.options", "Options"),
    "Commands": message("click.commands", "Commands"),
    "Show this message and exit.": message("click.help", "Show this message and exit"),
    "default: {default}": message("click.default", "default: {{default}}"),
    "No such option {name!r}.": message("click.no-such-option", "There is no option {{name}}"),
    "No such command {name!r}.": message("click.no-such-command", "There is no command {{name}}"),
    "Missing argument": message("click.missing-argument", "Missing argument"),
    "Missing option": message("click.missing-option", "Missing option"),
    "Missing parameter": message("click.missing-parameter", "Missing parameter"),
    "Missing command.": message("click.missing-command", "Missing command"),
    "Invalid value: {message}": message("click.invalid", "Invalid value: {{message}}"),
    "Invalid value for {param_hint}: {message}": message(
        "click.invalid-for", "Invalid value for {{param_hint}}: {{message}}"
    ),
    "{value!r} is not a valid {number_type}.": message(
        "click.not-a-number", "`{{value}}` is not a valid {{number_type}}"
    ),
    "{value} is not in the range {range}.": message("click.not-in-range", "{{value}} is not in the range {{range}}"),
    "Option {name!r} does not take a value.": message("click.no-value", "Option {{name}} does not take a value"),
}


def _translate(english: str) -> str:
    return render(_TEXTS[english]) if english in _TEXTS and current() != "en" else english


def translate_click() -> None:
    """Give click our texts: it reads them through a gettext function that each of its modules holds by name."""
    for module in (click.core, click.decorators, click.exceptions, click.formatting, click.types):
        if hasattr(module, "_"):
            setattr(module, "_", _translate)  # noqa: B010  # no attribute that click declares
    click.Context.formatter_class = click.HelpFormatter if current() == "en" else WideFormatter


class WideFormatter(click.HelpFormatter):
    """Help that counts columns, for languages whose characters take two and whose words have no spaces."""

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
