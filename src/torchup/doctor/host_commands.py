"""Commands that change the machine below a container are not for the container: said in words, for its host. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from torchup.data_files import read_data
from torchup.model import Remedy, Value, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.doctor.facts import Facts


class HostCommands(Value, frozen=True, kw_only=True):
    """The whole file: how such commands begin, which packages they install, and what is typed on the host anyway."""

    begins: tuple[tuple[str, ...], ...]
    packages: tuple[str, ...]
    installers: tuple[str, ...]
    on_host: tuple[str, ...]


@cache
def _table() -> HostCommands:
    return read_data(Path(__file__).parent / "data" / "host_commands.toml", HostCommands)


def changes_host(command: Sequence[str]) -> bool:
    """Whether a command changes kernel, driver or services: not a container's own."""
    bare = tuple(command[1:] if command[:1] == ("sudo",) else command)
    if any(bare[: len(words)] == words for words in _table().begins):
        return True
    return bare[:1] != () and bare[0] in _table().installers and any(map(_is_of_host, bare[1:]))


def _is_of_host(package: str) -> bool:
    return any(fnmatchcase(package, pattern) for pattern in _table().packages)


def for_container(remedy: Remedy, facts: Facts) -> Remedy:
    """The remedy without the commands that do nothing inside a container; its text names them for the host."""
    if not facts.system.container or not remedy.commands:
        return remedy
    programs = {word for command in remedy.commands for word in command[:2]}
    below = tuple(command for command in remedy.commands if changes_host(command))
    if not below or programs & set(_table().on_host):
        return remedy
    from torchup.doctor.remedy.quoting import line  # noqa: PLC0415  # its package loads the planner

    words = message(
        "doctor.remedy.on-host",
        "{text}; run on the container's host, not inside the container: {commands}",
        text=remedy.text,
        commands=", ".join(f"`{line(command, remedy.shell)}`" for command in below),
    )
    kept = tuple(command for command in remedy.commands if command not in below)
    return msgspec.structs.replace(remedy, text=words, commands=kept)
