"""`torchup cache`: the large files that torchup downloaded, and giving their space back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, changing_options, common_options
from torchup.errors import InstallError, UsageError
from torchup.fetch import store
from torchup.i18n import text
from torchup.model import message
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.fetch.store import Stored
    from torchup.report.style import Style

DAY = 86400.0  # seconds


@click.group(cls=VerbGroup, name="cache", help=text("cache.help", "Show and remove downloaded files"))
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(name="show", help=text("cache.show.help", "List downloaded files with size and age"))
@common_options
def show_command(session: Session) -> Answer:
    """`torchup cache show`."""
    files = store.contents(session.host)
    return Answer(
        command="cache show",
        data={"folder": store.folder(session.host), "files": files, "bytes": sum(file.size for file in files)},
        text=lambda: _table(files, session.style),
    )


@command.command(name="prune", help=text("cache.prune.help", "Remove downloaded files"))
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    default=0.0,
    help=text("cache.option.older-than", "Minimum age in days of the files to remove (default: 0, all files)"),
)
@changing_options
@common_options
def prune_command(session: Session, older_than: float) -> Answer:
    """`torchup cache prune`."""
    files = [file for file in store.contents(session.host) if file.age >= older_than * DAY]
    if session.dry_run:
        return Answer(command="cache prune", data={"would_remove": files}, text=lambda: _table(files, session.style))
    ask = message(
        "cache.prune.ask", "remove downloaded files ({count} in total, {size})?", count=len(files), size=_size(files)
    )
    if files and not session.confirm(ask):
        raise UsageError(
            message("env.not-agreed", "nothing was changed"),
            hint=message("env.not-agreed.hint", "use --yes to answer yes"),
        )
    try:
        removed = store.prune(session.host, older_than * DAY)
    except OSError as error:
        raise InstallError(
            message("cache.prune.failed", "cannot remove {path}: {error}", path=error.filename, error=error.strerror),
            hint=message(
                "cache.prune.failed.hint",
                "close the programs that use the file, or check the file's permissions; then repeat the command",
            ),
        ) from error
    done = text(
        "cache.prune.done",
        "removed downloaded files ({count} in total, {size})",
        count=len(removed),
        size=_size(removed),
    )
    return Answer(command="cache prune", data={"removed": removed}, text=lambda: done)


def _table(files: Sequence[Stored], style: Style) -> str:
    if not files:
        return text("cache.empty", "no downloaded files")
    heads = (text("cache.file", "file"), text("cache.size", "size"), text("cache.age", "age"), "")
    unfinished = text("cache.unfinished", "unfinished")
    rows = [
        (
            file.name,
            _size([file]),
            text("cache.days", "{days} d", days=f"{file.age / DAY:.1f}"),
            "" if file.complete else unfinished,
        )
        for file in files
    ]
    return table(heads, rows, style)


def _size(files: Sequence[Stored]) -> str:
    return f"{sum(file.size for file in files) / 1e6:.1f} MB"
