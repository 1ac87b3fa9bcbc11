"""A wrong command line as a `UsageError`: what is wrong, and the nearest thing that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.click_texts import Phrase
from torchup.errors import UsageError
from torchup.model import Message, message, verbatim
from torchup.near_names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


def usage_error(error: click.ClickException, path: str) -> UsageError:
    """The error in torchup's words; ``path`` is the command that was typed (``torchup env list``)."""
    hint = message("cli.usage.hint", "run `{command} --help`", command=path)
    if isinstance(error, click.NoSuchOption):
        text = message("click.no-such-option", "there is no option `{name}`", name=error.option_name)
        return UsageError(text, hint=_nearest_option(error) or hint)
    if isinstance(error, click.MissingParameter):
        text = message("click.missing", "{name} is missing", name=_name(error))
        return UsageError(text, hint=hint)
    if isinstance(error, click.BadParameter):
        reason = _words(error.message)
        text = message("click.invalid", "{name}: {reason}", name=_name(error), reason=reason)
        return UsageError(text, hint=_nearest_choice(error, reason) or hint)
    return UsageError(_words(error.message), hint=hint)


def command_path(app: click.Group, argv: Sequence[str]) -> tuple[str, ...]:
    """The verb and subverb that a command line names; empty where it names none."""
    found: list[str] = []
    command: click.Command = app
    for word in argv:
        if word == "--" or not isinstance(command, click.Group):
            break
        below = command.get_command(click.Context(command), word)
        if below is not None:
            found.append(word)
            command = below
    return tuple(found)


def _words(text: str) -> Message:
    return text.message if isinstance(text, Phrase) else verbatim(text)


def _name(error: click.BadParameter) -> str:
    """How the user writes the parameter: the long name of an option, an argument as the usage line shows it."""
    parameter = error.param
    if isinstance(parameter, click.Option):
        return f"`{max(parameter.opts, key=len)}`"
    if parameter is not None:
        return f"`{parameter.human_readable_name}`"
    return str(error.param_hint or "")


def _nearest_option(error: click.NoSuchOption) -> Message | None:
    """Compared without the dashes: they are the same in all and would make any two options alike."""
    options = error.ctx.command.params if error.ctx else ()
    names = {name.lstrip("-"): name for option in options for name in option.opts if name.startswith("--")}
    return did_you_mean(error.option_name.lstrip("-"), names, prefix="--")


def _nearest_choice(error: click.BadParameter, reason: Message) -> Message | None:
    kind = getattr(error.param, "type", None)
    value = dict(reason.values).get("value")
    if not isinstance(kind, click.Choice) or not isinstance(value, str):
        return None
    return did_you_mean(value, [str(choice) for choice in kind.choices])
