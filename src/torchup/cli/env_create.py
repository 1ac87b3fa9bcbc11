"""`torchup env create`: what `up` does, up to the verification, for a named environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.cli import up
from torchup.i18n import text

if TYPE_CHECKING:
    from torchup.cli.answer import Answer

NOT_HERE = {"name", "no_bench", "budget", "epochs"}


def _create(name: str, **options: Any) -> Answer:
    context = click.get_current_context()
    answer: Answer = context.invoke(up.command, name=name, no_bench=True, **options)
    return msgspec.structs.replace(answer, command="env create")


# The parameters are those of `up`, so that none can be forgotten here.
command = click.Command(
    name="create",
    callback=_create,
    help=text("env.create.help", "Make an environment: detect, plan, install, verify (`torchup up` also measures)"),
    params=[click.Argument(["name"]), *(option for option in up.command.params if option.name not in NOT_HERE)],
)
