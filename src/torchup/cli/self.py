"""`torchup self`: what torchup has written on this machine, and taking it away again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, changing_options, common_options
from torchup.envs.owned import owned, remove_all, shared
from torchup.envs.transaction import in_use
from torchup.errors import InstallError, UsageError
from torchup.i18n import text
from torchup.install.uv import uv_binary
from torchup.model import message
from torchup.own_commands import remove_torchup
from torchup.report.columns import fill
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.envs.owned import Owned
    from torchup.host import Host


@click.group(
    cls=VerbGroup, name="self", help=text("self.help", "Show and remove what torchup has written on this machine")
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(name="paths", help=text("self.paths.help", "List all of torchup's own files and folders"))
@common_options
def paths_command(session: Session) -> Answer:
    """`torchup self paths`."""
    host = session.host
    places, others = owned(host), _shared(host)
    folders = host.folders()
    standard = {"data": folders.data, "cache": folders.cache, "config": folders.config, "log": folders.log}
    return Answer(
        command="self paths",
        data={"folders": standard, "owned": places, "shared_with_uv": others},
        text=lambda: _text(session, places, others),
    )


@command.command(
    name="uninstall",
    help=text(
        "self.uninstall.help",
        "Remove torchup's own files (environments, kernels, results, caches), but not torchup itself",
    ),
)
@changing_options
@common_options
def uninstall_command(session: Session) -> Answer:
    """`torchup self uninstall`."""
    host = session.host
    places, others = owned(host), _shared(host)
    if session.dry_run:
        would = text("self.uninstall.would", "torchup would remove:")
        return Answer(
            command="self uninstall",
            data={"would_remove": places, "shared_with_uv": others},
            text=lambda: f"{would}\n{_text(session, places, others)}",
        )
    question = message(
        "self.uninstall.ask",
        "remove all of torchup's own folders and files ({count}), including all results and all environments "
        "that torchup created?",
        count=len(places),
    )
    if places and not session.confirm(question):
        raise UsageError(
            message("env.not-agreed", "nothing was changed"),
            hint=message("env.not-agreed.hint", "use --yes to answer yes"),
        )
    try:
        removed = remove_all(host)
    except OSError as error:
        raise in_use(error.filename or host.folders().data, error) from error
    done = text(
        "self.uninstall.done",
        "removed folders and files: {count}; to remove torchup itself, run\n    {command}",
        count=len(removed),
        command=remove_torchup(),
    )
    return Answer(command="self uninstall", data={"removed": removed, "shared_with_uv": others}, text=lambda: done)


@command.command(
    name="completion",
    help=text("self.completion.help", "Print the script that lets your shell complete torchup's commands with Tab"),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish", "powershell")))
@common_options
def completion_command(session: Session, shell: str) -> Answer:  # noqa: ARG001  # every verb gets it
    """`torchup self completion SHELL`."""
    from torchup.cli.completion import script  # noqa: PLC0415  # a setting that is made once

    source = script(shell)
    return Answer(command="self completion", data={"shell": shell, "script": source}, text=lambda: source)


def _shared(host: Host) -> tuple[str, ...]:
    try:
        return shared(host, uv_binary())
    except InstallError:
        return ()  # without uv its cache is empty


def _text(session: Session, places: Sequence[Owned], others: Sequence[str]) -> str:
    rows = [(place.kind if place.name is None else f"{place.kind} {place.name}", place.path) for place in places]
    lines = (
        [table(("", ""), rows, session.style)]
        if rows
        else [text("self.paths.none", "torchup has not written anything yet")]
    )
    if others:
        others_text = text(
            "self.paths.shared", "shared with uv and not removed by torchup: {paths}", paths=", ".join(others)
        )
        lines.append(fill(others_text, session.style.width, rest="    "))
    return "\n".join(lines)
