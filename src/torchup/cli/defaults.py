"""Settings as click's defaults, so that a flag beats a variable, a variable torchup.toml, and that the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.settings import load_settings, unknown_key

if TYPE_CHECKING:
    from torchup.host import Host

_NOT_BY_CLICK = {"lang"}  # chosen before the command line is parsed


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
        if key.replace("_", "-") not in known:
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
    return {
        flag.removeprefix("--"): str(option.name)
        for option in command.params
        if isinstance(option, click.Option)
        for flag in option.opts
        if flag.startswith("--")
    }
