"""`torchup env create`: what `up` does, up to the verification, for a named environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from torchup.cli import up
from torchup.cli.answer import Answer
from torchup.cli.session import Session
from torchup.cli.verb import Verb
from torchup.envs import registry
from torchup.i18n import text
from torchup.report.env_text import torch_label

if TYPE_CHECKING:
    from torchup.model import Environment

NOT_HERE = {"name", "no_bench", "budget", "epochs"}


def _create(name: str, **options: Any) -> Answer:
    context = click.get_current_context()
    there = registry.get(context.ensure_object(Session).host, name)
    if there is not None and there.verified_at and not _asked(context, options):
        return _nothing_to_do(there)
    answer: Answer = context.invoke(up.command, name=name, no_bench=True, **options)
    return msgspec.structs.replace(answer, command="env create")


def _asked(context: click.Context, options: dict[str, Any]) -> bool:
    """Whether the command line says anything about what is wanted; then a plan must be made to compare with."""
    return any(context.get_parameter_source(name) == ParameterSource.COMMANDLINE for name in options)


def _nothing_to_do(environment: Environment) -> Answer:
    said = text(
        "env.create.there",
        "nothing to do: `{name}` has torch {torch}; run `torchup up --env {name}` to look for a newer torch",
        name=environment.name,
        torch=torch_label(environment),
    )
    return Answer(command="env create", data={"environment": environment, "reused": True}, text=lambda: said)


# The parameters are those of `up`, so that none can be forgotten here.
command: click.Command = Verb(
    name="create",
    callback=_create,
    help=text("env.create.help", "Make an environment: detect, plan, install, verify (`torchup up` also measures)"),
    params=[click.Argument(["name"]), *(option for option in up.command.params if option.name not in NOT_HERE)],
)
