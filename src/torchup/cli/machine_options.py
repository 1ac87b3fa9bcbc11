"""The options that name another machine: ``--machine FILE``, ``--assume KEY=VALUE``, ``--from DIR``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.errors import UsageError
from torchup.i18n import render, text
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Host
    from torchup.model import Machine


SIZE_LIMIT = 1 << 20  # characters; a machine with 16 GPUs has 20 KB


_TO_WRITE = message(
    "cli.machine.missing.hint",
    "check the path; to write a machine file, run `torchup detect --json > FILE` on the machine that it is for",
)


class NamedMachine(Value, frozen=True, kw_only=True):
    """A machine and where its facts came from. ``here``: it is this one, so its sources can be asked."""

    name: str
    machine: Machine
    here: bool = False
    recorded: bool = False  # of a recording, which shows what the recorded machine shows


class Unreadable(Value, frozen=True, kw_only=True):
    """A file in a folder that is not a machine document; the other files are still planned."""

    name: str
    failure: str
    hint: str | None = None


def machine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--machine``, ``--assume`` and ``--from`` as ``machine_path``, ``assumed``, ``recording``.

    The verb takes a folder of machines, too (`machines_in`).
    """
    return _with_options(
        function,
        metavar="FILE|DIR",
        machine=text(
            "cli.machine.files",
            "Machine file from `torchup detect --json`, or a folder of machine files (default: this machine)",
        ),
    )


def one_machine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`machine_options` for a verb that takes one machine only."""
    machine = text("cli.machine.file", "Machine file from `torchup detect --json` (default: this machine)")
    return _with_options(function, metavar="FILE", machine=machine)


def _with_options(function: Callable[..., Any], *, metavar: str, machine: str) -> Callable[..., Any]:
    decorated = function
    for option in reversed(
        (
            click.option("--machine", "machine_path", metavar=metavar, help=machine),
            click.option(
                "--assume",
                "assumed",
                metavar="KEY=VALUE",
                multiple=True,
                help=text(
                    "cli.machine.assume",
                    "Fact to assume about the machine, e.g. driver=550.54, gpu='RTX 4090' or os=windows "
                    "(repeatable; default: none)",
                ),
            ),
            click.option(
                "--from",
                "recording",
                metavar="DIR",
                help=text(
                    "cli.machine.from",
                    "Recording of a machine from `torchup detect --record DIR` (default: this machine)",
                ),
            ),
        )
    ):
        decorated = option(decorated)
    return decorated


def named_machines(
    host: Host, machine_path: str | None, assumed: Sequence[str], recording: str | None
) -> tuple[NamedMachine, ...]:
    """The machines to plan for; this one when nothing else was named.

    Raises:
        UsageError: options that exclude each other, a file that is missing or not a machine, a folder.
    """
    if machine_path and recording:
        raise UsageError(
            message("cli.machine.both", "--machine and --from cannot be used together"),
            hint=message(
                "cli.machine.both.hint", "leave out --machine or --from; --assume can be combined with either of them"
            ),
        )
    if machine_path and host.is_dir(machine_path):
        raise UsageError(
            message(
                "cli.machine.folder", "{path} is a folder, but this command takes one machine file", path=machine_path
            ),
            hint=message(
                "plan.one-machine.hint", "choose one machine file with `--machine {path}/NAME.json`", path=machine_path
            ),
        )
    if machine_path:
        return (NamedMachine(name=machine_path, machine=_assumed(_read(host, machine_path), assumed)),)
    found = _detected(host, recording)
    if not assumed:
        return (found,)
    return (NamedMachine(name=found.name, machine=_assumed(found.machine, assumed), recorded=found.recorded),)


def _assumed(machine: Machine, assumed: Sequence[str]) -> Machine:
    if not assumed:
        return machine
    from torchup.detect.pretend import assume  # noqa: PLC0415  # only for pretended machines

    return assume(machine, assumed)


def _detected(host: Host, recording: str | None) -> NamedMachine:
    from torchup.detect import detect_machine  # noqa: PLC0415  # not for --machine

    if recording is None:
        return NamedMachine(name="-", machine=detect_machine(host), here=True)
    from torchup.cli.detect import recorded_host  # noqa: PLC0415  # only for --from

    return NamedMachine(name=recording, machine=detect_machine(recorded_host(host, recording)), recorded=True)


def machines_in(host: Host, folder: str, assumed: Sequence[str]) -> tuple[NamedMachine | Unreadable, ...]:
    """Every machine (``*.json``) of a folder, by name; a file that holds none says why.

    Raises:
        UsageError: there is no such file, or what is assumed is wrong.
    """
    listed = host.list_dir(folder)
    names = [name for name in listed or () if name.endswith(".json")]
    if listed is None and not host.exists(folder):
        raise UsageError(
            message("cli.machine.missing", "{path} does not exist or cannot be read", path=folder),
            hint=_TO_WRITE,
        )
    if not names:
        raise no_machines(folder)
    found: list[NamedMachine | Unreadable] = []
    for name in names:
        try:
            machine = _read(host, f"{folder}/{name}")
        except UsageError as error:
            hint = render(error.hint) if error.hint else None
            found.append(Unreadable(name=name, failure=render(error.text), hint=hint))
        else:
            found.append(NamedMachine(name=name, machine=_assumed(machine, assumed)))
    return tuple(found)


def no_machines(folder: str) -> UsageError:
    """That a folder has no machine in it."""
    return UsageError(
        message("cli.machine.empty", "{path} contains no machine files (*.json)", path=folder),
        hint=message(
            "cli.machine.empty.hint",
            "run `torchup detect --json > NAME.json` on each machine, then copy the files to {path}",
            path=folder,
        ),
    )


def one_machine_only(option: str, folder: str) -> UsageError:
    """That an option was given with a folder of machines."""
    return UsageError(
        message(
            "plan.one-machine",
            "{option} works with one machine, but {path} is a folder of machines",
            option=option,
            path=folder,
        ),
        hint=message("plan.one-machine.hint", "choose one machine file with `--machine {path}/NAME.json`", path=folder),
    )


def _read(host: Host, path: str) -> Machine:
    from torchup.detect.pretend import load_machine  # noqa: PLC0415  # only for pretended machines

    content = host.read_text(path, SIZE_LIMIT + 1)
    if content is not None and len(content) > SIZE_LIMIT:
        raise UsageError(
            message(
                "cli.machine.large", "{path} is larger than {limit} KB, too large for a machine file", path=path,
                limit=SIZE_LIMIT >> 10,
            ),
            hint=_TO_WRITE,
        )  # fmt: skip
    if content is None:
        raise UsageError(
            message("cli.machine.missing", "{path} does not exist or cannot be read", path=path),
            hint=_TO_WRITE,
        )
    try:
        return load_machine(content)
    except UsageError as error:
        raise UsageError(
            message("cli.machine.invalid", "{path}: {reason}", path=path, reason=error.text), hint=error.hint
        ) from error
