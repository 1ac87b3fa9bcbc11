"""Which environment a verb works on: one of torchup's by name, or any Python by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.errors import UsageError
from torchup.i18n import text
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.cli.session import Session


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--python``; resolve it with `target_python`."""
    return click.option(
        "--python", metavar="PATH", help=text("target.python", "Use this Python instead of torchup's own environment")
    )(function)


def target_python(session: Session, python: str | None) -> str:
    """The interpreter to use. Raises `UsageError` when it is not there."""
    found = session.host.which(python) if python else None
    if found is None:
        raise UsageError(
            message("target.python.missing", "there is no Python at {path}", path=python or "-"),
            hint=message("target.python.missing.hint", "give the path of an interpreter: --python PATH"),
        )
    return found
