"""`torchup hub`: JupyterHub of an environment, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.serve import Server, data_of, named, serve, server_options
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.verb import Verb
from torchup.envs import activation, registry
from torchup.envs.distributions import versions
from torchup.envs.hub import PORTS, Ports, configuration_file, hub_command
from torchup.envs.project import environment_name
from torchup.errors import UsageError
from torchup.host.network import LOOPBACK, free_port
from torchup.i18n import text
from torchup.jobs.hub import HUB, prepare_hub
from torchup.model import message, verbatim

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Environment


@click.command(
    cls=Verb,
    name="hub",
    help=text(
        "hub.help",
        "Start the JupyterHub of an environment; only you can log in, or everyone with an account on this "
        "machine if you start it as root",
    ),
)
@server_options(
    "JUPYTERHUB'S OPTIONS", text("hub.option.port", "Port to use (default: the first free one from 8000 on)")
)
@changing_options
@common_options
def command(session: Session, *, words: tuple[str, ...], port: int | None) -> Answer | None:
    """`torchup hub [NAME]`."""
    host = session.host
    name, more = named(words)
    found = registry.find(host, environment_name(host, name))
    _check(host, found)
    ports = _ports(port)
    server = Server(
        command="hub",
        name="JupyterHub",
        argv=(*hub_command(host, found.path, found.name, verbose=session.verbose), *more),
        variables={**activation.run_environment(host, found.path), **ports.variables()},
        port=ports.public,
        url=f"http://{LOOPBACK}:{ports.public}/",
        first=ports.own,  # the proxy is there earlier, and reports each request as an error until the hub is
        environment=found.name,
        said=(
            message("hub.log-in", "Log in with the name and the password of your account on this machine."),
            message("hub.loopback", "By default, only this machine can reach the hub, so it needs no TLS."),
            message("hub.configuration", "Settings of this hub: {path}", path=configuration_file(host, found.name)),
        ),
    )
    if session.dry_run:
        would = text("lab.would-start", "would start {line}", line=verbatim(" ".join(server.argv)))
        return Answer(command="hub", data=data_of(server, ready=False), text=lambda: would)
    prepare_hub(host, found, session.note, lambda line: _detail(session, line))
    return serve(session, server)


def _check(host: Host, found: Environment) -> None:
    if HUB in versions(host, found.path):
        return
    raise UsageError(
        message("hub.missing", "the environment `{name}` does not contain JupyterHub", name=found.name),
        hint=message(
            "hub.missing.hint", "run `torchup up --profile hub --env {name}` to add JupyterHub", name=found.name
        ),
    )


def _ports(public: int | None) -> Ports:
    """Three free ports; the one for people as asked for."""
    first = public or free_port(PORTS[0], PORTS[1:])
    proxy = free_port(PORTS[1], (first,))
    return Ports(public=first, proxy=proxy, own=free_port(PORTS[2], (first, proxy)))


def _detail(session: Session, line: str) -> None:
    if session.verbose:
        session.note(verbatim(line))
