"""`torchup env export`: an environment, every package as it is now, written for other tools."""

from __future__ import annotations

import click

from torchup.cli.answer import Answer
from torchup.cli.env_bundle import recorded_plan
from torchup.cli.session import Session, common_options
from torchup.cli.target import environment_names
from torchup.cli.verb import Verb
from torchup.detect import detect_machine
from torchup.envs.project import environment_name
from torchup.i18n import text
from torchup.plan.export import export
from torchup.plan.exports import LOCK, NAMES


@click.command(cls=Verb, name="export", help=text("env.export.help", "Print an environment as a file for another tool"))
@click.argument("name", required=False, shell_complete=environment_names)
@click.option(
    "--format",
    "kind",
    type=click.Choice(NAMES),
    default="requirements",
    show_default=True,
    metavar="FORMAT",
    help=text("env.export.format", "Format of the file: {names}", names=", ".join(NAMES)),
)
@common_options
def command(session: Session, name: str | None, kind: str) -> Answer:
    """`torchup env export [NAME]`."""
    host = session.host
    plan = recorded_plan(host, environment_name(host, name), pinned=True)
    machine = detect_machine(host)
    if kind == LOCK:
        from torchup.install.lock import lock  # noqa: PLC0415  # runs uv

        content = lock(host, plan, machine, here=True)
    else:
        content = export(plan, machine, kind)
    return Answer(
        command="env export",
        data={"format": kind, "content": content},
        text=lambda: content.removesuffix("\n"),
        document=True,
    )
