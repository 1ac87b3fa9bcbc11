"""`torchup mcp`: the same verbs as tools of an agent or an editor."""

from __future__ import annotations

import click

from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.errors import UsageError
from torchup.i18n import text
from torchup.model import message
from torchup.own_commands import add_to_torchup


@click.command(
    cls=Verb,
    name="mcp",
    help=text(
        "mcp.help",
        "Serve agents and editors over the Model Context Protocol on standard input and output, with tools to "
        "detect, plan, diagnose, verify, measure and install. The server ends when the client disconnects.",
    ),
)
@common_options
def command(session: Session) -> Answer:
    """Serve until the client hangs up."""
    try:
        from torchup.agents.server import serve  # noqa: PLC0415  # the extra; 1 s to import
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "torchup":
            raise
        raise UsageError(
            message("mcp.missing", "`torchup mcp` needs the package `{name}`", name=(error.name or "mcp")),
            hint=message(
                "mcp.missing.hint", "run `{command}` to install the package", command=add_to_torchup("torchup[mcp]")
            ),
        ) from error
    if session.attended:
        session.note(
            message("mcp.attended", "agents and editors start this command themselves; press Ctrl-C to stop it")
        )
    session.as_json = False  # stdout is the protocol's
    serve(session.host)
    return Answer(command="mcp", data=None, text=str)
