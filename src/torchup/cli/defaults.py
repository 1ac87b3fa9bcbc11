"""Settings as click's defaults, so that a flag beats a variable, a variable torchup.toml, and that the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.errors import UsageError
from torchup.model import message
from torchup.settings import load_settings, unknown_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host

_NOT_BY_CLICK = {"lang"}  # chosen before the command line is parsed
# What a variable or a file may say for the user. The rest is the command line's alone: a torchup.toml comes with a
# project that was cloned, and must neither answer a question (--yes, --fix, --force), nor name a program to run or a
# file to write. So nothing is here by default, and an option whose value is a place never is (`_PLACES`).
_SETTABLE = frozenset({
    "torch", "variant", "python", "profile", "with", "require", "cpu", "channel", "mirror", "installer", "offline",
    "env", "budget", "epochs", "repeats", "recipe", "device", "precision", "threads", "nproc", "no-bench",
    "timeout", "compile", "only", "ignore", "strict", "threshold", "across", "no-baseline", "platform", "all", "for",
    "connections", "progress",
})  # fmt: skip
_OTHER_MEANING = frozenset({("bench", "profile")})  # torch's profiler; elsewhere a profile is a set of packages
_PLACES = frozenset({"PATH", "DIR", "FILE", "FILE|DIR"})


def defaults_for(command: click.Command, verb: str, host: Host) -> dict[str, Any]:
    """The ``default_map`` of a verb, its subcommands included.

    Raises:
        UsageError: torchup.toml is wrong, or names an option that the verb does not have.
    """
    settings = load_settings(host)
    general = {key: value for key, value in settings.values.items() if key not in _NOT_BY_CLICK}
    own = settings.verbs.get(verb, {})
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    known = tuple(sorted({name for one in commands for name in _names(one)}))
    for key in own:
        name = key.replace("_", "-")
        if name not in known and any(name in _flags(option) for one in commands for option in one.params):
            raise _command_line_only(f"{verb}.{key}", settings.path)
        if name in known and not isinstance(own[key], (str, int, float, list)):  # a date, a table
            raise _not_a_value(f"{verb}.{key}", _form(name, commands), settings.path)
        if name not in known:
            raise unknown_key(f"{verb}.{key}", tuple(f"{verb}.{name}" for name in known), settings.path)
    chosen = general | {key.replace("_", "-"): value for key, value in own.items()}
    table = _map(command, chosen)
    if isinstance(command, click.Group):
        table |= {name: _map(sub, chosen) for name, sub in command.commands.items()}
    return table


def _map(command: click.Command, chosen: dict[str, Any]) -> dict[str, Any]:
    """Parameter name -> value; options are found by what the user types (``--with`` fills ``packages``)."""
    names = _names(command)
    return {names[key]: value for key, value in chosen.items() if key in names}


def _names(command: click.Command) -> dict[str, str]:
    """What a file may set -> the parameter's name."""
    return {
        flag: str(option.name)
        for option in command.params
        if option.metavar not in _PLACES
        for flag in _flags(option)
        if flag in _SETTABLE and (command.name, flag) not in _OTHER_MEANING
    }


def _flags(option: click.Parameter) -> tuple[str, ...]:
    names = option.opts if isinstance(option, click.Option) else ()
    return tuple(name.removeprefix("--") for name in names if name.startswith("--"))


def _form(name: str, commands: Sequence[click.Command]) -> str:
    """What a line of the file looks like: a number, a flag, a list or a text, as the option takes it."""
    option = next(option for one in commands for option in one.params if name in _flags(option))
    if isinstance(option, click.Option) and option.is_flag:
        value = "true"
    elif isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
        value = "10"
    else:
        value = '"..."'
    return f"{name} = {f'[{value}]' if option.multiple else value}" if isinstance(option, click.Option) else f"{name} ="


def _not_a_value(key: str, form: str, path: str | None) -> UsageError:
    return UsageError(
        message("settings.type", "{path}: the value of `{key}` has the wrong type", path=path, key=key),
        hint=message("settings.type.hint", "write `{form}`", form=form),
    )


def _command_line_only(key: str, path: str | None) -> UsageError:
    return UsageError(
        message(
            "settings.command-line-only",
            "{path} sets `{key}`, but torchup never reads it from a file",
            path=path,
            key=key,
        ),
        hint=message(
            "settings.command-line-only.hint",
            "remove the setting from the file, and use the option on the command line",
        ),
    )
