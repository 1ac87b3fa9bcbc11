"""A server on this terminal until Ctrl-C: its address is said when it answers, and that it is waited for until then."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from torchup.cli.answer import Answer, envelope
from torchup.cli.display import DISPLAY
from torchup.cli.target import environment_names
from torchup.host.network import web_status
from torchup.host.threads import thread
from torchup.model import Message, Value, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.cli.session import Session

LOOK = 0.2  # seconds between two looks at the address
SETTLE = 60.0  # seconds that an address may answer "not found" or "server error" before it is shown anyway
REMIND = 5.0  # seconds between two words while it starts


class Server(Value, frozen=True, kw_only=True):
    """What is started, and what is said of it."""

    command: str  # the verb: "lab"
    name: str  # what people call it
    argv: tuple[str, ...]
    variables: Mapping[str, str | None]
    port: int
    url: str  # to open in a browser
    first: int | None = None  # a port that is open before the page is there; until then the page is not asked for
    environment: str
    said: tuple[Message, ...] = ()  # after the address, before how to stop it
    install: tuple[str, ...] = ()  # packages that the environment lacked


def server_options(rest: str, port_help: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The words ``[NAME] [-- OPTION ...]`` and ``--port``; ``rest`` names the server's own options in the help."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        port = click.option("--port", type=click.IntRange(1, 65535), metavar="N", help=port_help)
        words = click.argument(
            "words", nargs=-1, shell_complete=environment_names, type=click.UNPROCESSED, metavar=f"[NAME] [-- {rest}]"
        )
        return words(port(function))

    return decorate


def named(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """``[NAME] [-- OPTION ...]``, of which click has taken the ``--`` away: the environment's name, and the rest."""
    has_name = bool(words) and not words[0].startswith("-")
    return (words[0] if has_name else None), words[1 if has_name else 0 :]


def serve(session: Session, server: Server) -> Answer | None:
    """Run it until it ends; its exit code is the answer's. With ``--json`` the document comes when it answers."""
    over, ready = threading.Event(), threading.Event()
    watch = thread(_watch, session, server, over, ready)
    watch.start()
    try:
        with DISPLAY.suspended():
            code = session.host.run_attached(server.argv, environment=server.variables, keep_stdout=True)
    finally:
        over.set()
        watch.join()  # it may be about to say that the server is ready
    if ready.is_set():
        session.note(message("serve.ended", "{name} stopped", name=server.name))
        return None if session.as_json else Answer(command=server.command, data=None, text=str)
    session.note(
        message(
            "serve.failed",
            "{name} exited with code {code} before it responded; its output is above",
            name=server.name,
            code=code,
        )
    )
    return Answer(command=server.command, data=data_of(server, ready=False), text=str, exit_code=code or 1)


def data_of(server: Server, *, ready: bool) -> dict[str, object]:
    """What programs get of a server."""
    return {
        "environment": server.environment,
        "url": server.url,
        "port": server.port,
        "argv": server.argv,
        "ready": ready,
        "install": server.install,
    }


def _watch(session: Session, server: Server, over: threading.Event, ready: threading.Event) -> None:
    started = told = session.host.monotonic()
    answered: float | None = None
    while not over.wait(LOOK):
        status, now = _status(server), session.host.monotonic()
        answered = now if answered is None and status is not None else answered
        if _is_ready(status) or (answered is not None and now - answered >= SETTLE):
            ready.set()
            _tell(session, server)
            return
        if now - told >= REMIND:
            told = now
            session.note(
                message("serve.waiting", "{name} is starting ({seconds} s)", name=server.name,
                        seconds=round(now - started))
            )  # fmt: skip


def _status(server: Server) -> int | None:
    if server.first is not None and web_status(server.first, "/") is None:
        return None
    address = urlsplit(server.url)
    return web_status(server.port, f"{address.path}?{address.query}" if address.query else address.path)


def _is_ready(status: int | None) -> bool:
    """Whether the page is there: JupyterHub's proxy answers "not found" until the hub has started."""
    return status is not None and status != HTTPStatus.NOT_FOUND and status < HTTPStatus.INTERNAL_SERVER_ERROR


def _tell(session: Session, server: Server) -> None:
    if session.as_json:
        answer = Answer(command=server.command, data=data_of(server, ready=True), text=str)
        click.echo(envelope(answer, own=True))
        return
    session.note(message("serve.ready", "{name} is ready; open this address in a browser:", name=server.name))
    click.echo(f"\n        {server.url}\n")  # with its token, which a text of torchup's would not show
    for line in (*server.said, message("serve.end", "Press Ctrl-C to stop the server.")):
        session.note(line)
