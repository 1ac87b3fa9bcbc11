"""Remedies that install nothing: variables, groups, containers, jobs; and rows of commands by system.

A cause's file names a kind (`RemedyKind`) and, for the kind ``commands``, rows; `make` turns both into a `Remedy`.
"""

from __future__ import annotations

import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.cause import RemedyKind
from torchup.doctor.remedy.build import leftovers, reinstall
from torchup.doctor.remedy.choice import Wish
from torchup.doctor.remedy.driver import driver_remedy
from torchup.doctor.remedy.install_commands import interpreter_of, python_words
from torchup.doctor.remedy.quoting import set_variable, unset_variable
from torchup.doctor.remedy.shells import shell_of
from torchup.doctor.remedy.tables import ContainerRow, tables
from torchup.model import Manager, Message, Os, Remedy, Shell, Value, Vendor
from torchup.plan.drivers import DriverAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts

Commands = tuple[tuple[str, ...], ...]
_USUAL_GROUPS = ("render", "video")  # of device nodes, by systemd's udev rules
PYTHON = "{python}"  # a word of a row: the environment's interpreter, with its flags


class CommandRow(Value, frozen=True, kw_only=True):
    """One command and where it holds; an unset condition holds everywhere. `words` may hold `PYTHON`."""

    argv: tuple[str, ...]
    os: Os | None = None
    wsl: bool | None = None
    container: bool | None = None
    vendor: Vendor | None = None
    managers: tuple[Manager, ...] = ()
    shells: tuple[Shell, ...] = ()


class RemedyRow(Value, frozen=True, kw_only=True):
    """A remedy as a cause's file says it.

    ``packages``: further requirements of an installation. ``names``: variables to unset. ``variables``: to set.
    ``floor``: the oldest driver that is enough.
    """

    kind: RemedyKind = RemedyKind.TEXT
    commands: tuple[CommandRow, ...] = ()
    packages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    floor: str | None = None
    needs_root: bool = False
    needs_reboot: bool = False


def make(
    row: RemedyRow, facts: Facts, catalog: Catalog, text: Message, values: Mapping[str, str] | None = None
) -> Remedy:
    """The remedy of a row for this user; that of the kinds ``none`` and ``rule`` is the text alone.

    Args:
        row: what the cause's file says.
        facts: what is known of machine and environment.
        catalog: the published builds.
        text: the cause's words.
        values: for ``{name}`` in the words of commands, packages and variables, e.g. a sign's groups.
    """
    return _MAKE[row.kind](_filled(row, values or {}), facts, catalog, text)


def _filled(row: RemedyRow, values: Mapping[str, str]) -> RemedyRow:
    """The row with its placeholders filled; a command that lacks a value is left out."""

    def fill(words: tuple[str, ...]) -> tuple[str, ...] | None:
        try:
            return tuple(word if word == PYTHON else word.format_map(values) for word in words)
        except (KeyError, IndexError, ValueError):
            return None

    commands = tuple(
        CommandRow(**{name: getattr(command, name) for name in command.__struct_fields__} | {"argv": filled})
        for command in row.commands
        if (filled := fill(command.argv)) is not None
    )
    changed = {
        "commands": commands,
        "packages": fill(row.packages) or (),
        "names": fill(row.names) or (),
        "variables": {name: filled[0] for name, value in row.variables.items() if (filled := fill((value,)))},
    }
    return RemedyRow(**{name: getattr(row, name) for name in row.__struct_fields__} | changed)


def commands_for(rows: Iterable[CommandRow], facts: Facts) -> Commands:
    """The commands of the rows that hold on this system, with the environment's own interpreter."""
    return tuple(_with_python(row.argv, facts) for row in rows if _holds(row, facts))


def _holds(row: CommandRow, facts: Facts) -> bool:
    vendors = {gpu.vendor for gpu in facts.gpus}
    manager = facts.manager or Manager.PIP
    os = facts.system.os or (Os.WINDOWS if shell_of(facts) is not Shell.SH else Os.LINUX)
    return (
        row.os in {None, os}
        and row.wsl in {None, facts.system.wsl}
        and row.container in {None, facts.system.container}
        and (row.vendor is None or row.vendor in vendors)
        and (not row.managers or manager in row.managers)
        and (not row.shells or shell_of(facts) in row.shells)
    )


def _with_python(argv: tuple[str, ...], facts: Facts) -> tuple[str, ...]:
    python = python_words(interpreter_of(facts))
    return tuple(part for word in argv for part in (python if word == PYTHON else (word,)))


# ---------------------------------------------------------------- containers and jobs


def container_commands(facts: Facts) -> Commands:
    """How the GPU gets into the container: in the user's own command where the report shows it."""
    vendor = Vendor.AMD if facts.of(Vendor.AMD) or facts.torch.hip else Vendor.NVIDIA
    vendor = Vendor.INTEL if facts.of(Vendor.INTEL) and not facts.of(Vendor.NVIDIA) else vendor
    kind = facts.system.container_kind or "container"
    row = next((row for row in tables().container if kind in row.kinds and row.vendor is vendor), None)
    if row is None:
        return ()
    own = next((found for command in facts.commands if (found := _own(command, row)) is not None), None)
    return _of_program((own or (*row.run, *row.options, *row.rest),), facts)


def engine_commands(facts: Facts) -> Commands:
    """How this container engine learns of NVIDIA's runtime, and the start with the GPU behind it."""
    kind = facts.system.container_kind or "container"
    row = next((row for row in tables().engine if kind in row.kinds), None)
    return (*(row.commands if row is not None else ()), *container_commands(facts))


def restart_commands(facts: Facts) -> Commands:
    """How this kind of container is restarted; empty: what runs it is not known, or has no such command."""
    row = next((row for row in tables().restart if facts.system.container_kind in row.kinds), None)
    return _of_program(row.commands, facts) if row is not None else ()


def _of_program(commands: Commands, facts: Facts) -> Commands:
    """The commands for nerdctl where the report's own commands use it: it takes Docker's words."""
    named = {word for command in facts.commands for word in command.split()[:2]}
    if "nerdctl" not in named or "docker" in named:
        return commands
    return tuple(tuple("nerdctl" if word == "docker" else word for word in command) for command in commands)


def _own(command: str, row: ContainerRow) -> tuple[str, ...] | None:
    """The user's command with the options behind ``run``; ``None``: another command, or one that is cut off."""
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        return None
    bare = words[1:] if words[:1] == ("sudo",) else words
    if bare[: len(row.run)] != row.run or len(bare) == len(row.run) or set(row.options) <= set(bare):
        return None
    return (*words[: len(words) - len(bare)], *row.run, *row.options, *bare[len(row.run) :])


def job_commands(facts: Facts) -> Commands:
    """How a job asks this cluster's scheduler for a GPU."""
    name = facts.system.scheduler or "slurm"
    return tuple(row.argv for row in tables().scheduler if row.name == name)


def group_commands(facts: Facts) -> Commands:
    """Membership in the groups that own the closed nodes, the usual ones where these are not known; none for root's."""
    closed = [node for node in facts.nodes if not node.accessible]
    groups = sorted({node.group for node in closed if node.group is not None} - set(facts.groups))
    if not groups and any(node.mode is not None for node in closed):
        return ()  # no group opens them, or the user is in each
    names = [name for name in groups if not name.isdigit()] or list(_USUAL_GROUPS)
    return (("sudo", "usermod", "-aG", ",".join(names), "$USER"),)


# ---------------------------------------------------------------- kinds


def _plain(commands: Commands, row: RemedyRow, facts: Facts, text: Message) -> Remedy:
    return Remedy(
        text=text,
        commands=commands,
        interpreter=interpreter_of(facts),
        shell=shell_of(facts),
        needs_root=row.needs_root,
        needs_reboot=row.needs_reboot,
    )


def _typed(make_commands: Callable[[RemedyRow, Facts], Commands]) -> Callable[..., Remedy]:
    def maker(row: RemedyRow, facts: Facts, catalog: Catalog, text: Message) -> Remedy:
        del catalog
        return _plain(make_commands(row, facts), row, facts, text)

    return maker


# What each kind that installs asks the planner for.
WISHES: Mapping[RemedyKind, Wish] = MappingProxyType(
    {
        RemedyKind.REINSTALL: Wish(),
        RemedyKind.REQUESTED: Wish(requested=True),
        RemedyKind.KEEP_TORCH: Wish(keep_torch=True),
        RemedyKind.COMPANIONS: Wish(companions_only=True),
        RemedyKind.NEW_ENVIRONMENT: Wish(fresh=True),
    }
)


def _install(row: RemedyRow, facts: Facts, catalog: Catalog, text: Message) -> Remedy:
    wish = WISHES[row.kind]
    remove = leftovers(facts) if wish.keep_torch else ()
    return reinstall(facts, catalog, msgspec.structs.replace(wish, packages=row.packages, remove=remove), text=text)


def _driving(action: DriverAction | None) -> Callable[..., Remedy]:
    def maker(row: RemedyRow, facts: Facts, catalog: Catalog, text: Message) -> Remedy:
        return driver_remedy(facts, catalog, action, floor=row.floor, text=text)

    return maker


def _groups(row: RemedyRow, facts: Facts, catalog: Catalog, text: Message) -> Remedy:
    del row, catalog
    return Remedy(text=text, commands=group_commands(facts), shell=shell_of(facts), needs_root=True)


_MAKE: dict[RemedyKind, Callable[..., Remedy]] = {
    **dict.fromkeys((RemedyKind.NONE, RemedyKind.RULE, RemedyKind.TEXT), _typed(lambda _row, _facts: ())),
    RemedyKind.COMMANDS: _typed(lambda row, facts: commands_for(row.commands, facts)),
    **dict.fromkeys(WISHES, _install),
    RemedyKind.DRIVER: _driving(None),
    RemedyKind.DRIVER_INSTALL: _driving(DriverAction.INSTALL),
    RemedyKind.DRIVER_UPDATE: _driving(DriverAction.UPDATE),
    RemedyKind.DRIVER_BACK: _driving(DriverAction.BACK),
    RemedyKind.DRIVER_REBOOT: _driving(DriverAction.REBOOT),
    RemedyKind.DRIVER_RELOAD: _driving(DriverAction.RELOAD),
    RemedyKind.UNSET: _typed(lambda row, _facts: tuple(map(unset_variable, row.names))),
    RemedyKind.SET: _typed(lambda row, _facts: tuple(set_variable(*pair) for pair in row.variables.items())),
    RemedyKind.GROUPS: _groups,
    RemedyKind.CONTAINER_GPU: _typed(lambda _row, facts: container_commands(facts)),
    RemedyKind.CONTAINER_ENGINE: _typed(lambda _row, facts: engine_commands(facts)),
    RemedyKind.CONTAINER_RESTART: _typed(lambda _row, facts: restart_commands(facts)),
    RemedyKind.JOB_GPU: _typed(lambda _row, facts: job_commands(facts)),
}
