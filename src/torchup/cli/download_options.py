"""The options of verbs that download: how many connections, and progress for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.cli.session import Session
from torchup.fetch.order import CONNECTIONS, MOST_CONNECTIONS
from torchup.i18n import text

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = ("text", "json")


def _choose(context: click.Context, _: click.Parameter, value: str) -> None:
    context.ensure_object(Session).events = value == "json"


def download_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--connections``, which it receives, and ``--progress``, which the session keeps."""
    connections = click.option(
        "--connections",
        type=click.IntRange(1, MOST_CONNECTIONS),
        metavar="N",
        default=CONNECTIONS,
        show_default=True,
        help=text("cli.option.connections", "Number of parallel connections to one server for a large file"),
    )
    progress = click.option(
        "--progress",
        type=click.Choice(FORMS),
        default="text",
        expose_value=False,
        callback=_choose,
        help=text(
            "cli.option.progress",
            "Format of the progress on stderr; json: one JSON object per line, for programs (default: text)",
        ),
    )
    return connections(progress(function))
