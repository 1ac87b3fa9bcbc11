"""click's own texts as messages, so that users read them in their language and JSON has them in English."""

from __future__ import annotations

from typing import Self

import click
import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.termui
import click.types

from torchup.i18n import render
from torchup.model import Message, message

# The texts that a user of torchup can meet, as click spells them (the plural where it has two forms).
_TEXTS: dict[str, Message] = {
    "Usage:": message("click.usage", "Usage:"),
    "Options": message("click.options", "Options"),
    "Commands": message("click.commands", "Commands"),
    "Show this message and exit.": message("click.help", "Show this message and exit"),
    "required": message("click.required", "required"),
    "default: {default}": message("click.default", "default: {default}"),
    "Error: invalid input": message("click.yes-or-no", "answer y or n"),
    "Missing command.": message("click.missing-command", "a command is missing"),
    "{value!r} is not a valid {number_type}.": message("click.not-a-number", "`{value}` is not a {number_type}"),
    "{value} is not in the range {range}.": message("click.not-in-range", "{value} is not in the range {range}"),
    "{value!r} is not one of {choices}.": message("click.not-a-choice", "`{value}` is not one of {choices}"),
    "{name} {filename!r} is a directory.": message("click.is-a-folder", "`{filename}` is a folder"),
    "Option {name!r} does not take a value.": message("click.no-value", "the option `{name}` takes no value"),
    "Option {name!r} requires {nargs} arguments.": message("click.needs-a-value", "the option `{name}` needs a value"),
    "Got unexpected extra arguments ({args})": message("click.extra", "unexpected argument `{args}`"),
}
_NUMBERS: dict[object, Message] = {
    "integer": message("click.whole-number", "whole number"),
    "integer range": message("click.whole-number", "whole number"),
    "float": message("click.number", "number"),
    "float range": message("click.number", "number"),
}


class Phrase(str):
    """A text as click handles it, which remembers its message: `str` is the current language, `message` none."""

    __slots__ = ("message",)

    message: Message

    def __new__(cls, value: Message, content: str | None = None) -> Self:
        """The phrase of a message; ``content`` where its fields are still to be filled."""
        phrase = super().__new__(cls, render(value) if content is None else content)
        phrase.message = value
        return phrase

    def format(self, *_: object, **values: object) -> Phrase:
        """Fill the fields; click names them all."""
        filled = tuple((name, _plain(name, value)) for name, value in values.items())
        return Phrase(Message(self.message.code, self.message.template, filled))


def _plain(name: str, value: object) -> object:
    """A value without the quotation marks that click puts around names."""
    if name == "number_type":
        return _NUMBERS.get(value, value)
    return value.replace("'", "") if name == "choices" and isinstance(value, str) else value


def _translated(english: str) -> str:
    known = _TEXTS.get(english)
    if known is None:
        return english
    return Phrase(known, known.template) if "{" in known.template else Phrase(known)


def _plural(singular: str, plural: str, number: int) -> str:
    return _translated(plural) if plural in _TEXTS else singular if number == 1 else plural


def translate_click() -> None:
    """Give click our texts: it reads them through gettext functions that each of its modules holds by name."""
    for module in (
        click.core,
        click.decorators,
        click.exceptions,
        click.formatting,
        click.parser,
        click.termui,
        click.types,
    ):
        for name, function in (("_", _translated), ("ngettext", _plural)):
            if hasattr(module, name):
                setattr(module, name, function)
