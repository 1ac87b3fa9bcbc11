"""`torchup web`: the page that chooses a build and diagnoses reports in a browser, served from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.download_lines import download_lines
from torchup.cli.session import Session, common_options, say
from torchup.cli.verb import Verb
from torchup.envs.paths import join
from torchup.errors import UsageError
from torchup.host.serving import serving, show
from torchup.i18n import render, text
from torchup.model import message
from torchup.web.document import POLICY
from torchup.web.pieces import fetched, from_folder, load_runtime
from torchup.web.site import write_site

if TYPE_CHECKING:
    from torchup.host.serving import FolderServer
    from torchup.web.site import Site

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked again each time: another torchup makes another page
}


@click.command(
    "web",
    cls=Verb,
    help=text(
        "web.help",
        "Open a page in the browser that chooses a build and diagnoses pasted reports. The page runs on this "
        "machine and sends nothing. torchup downloads the page's runtime ({size} MB) once.",
        size=f"{sum(piece.size for piece in load_runtime().piece) / 1e6:.1f}",
    ),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help=text("web.option.port", "Port to serve on (default: a free one)"),
)
@click.option("--no-open", is_flag=True, help=text("web.option.no-open", "Do not open the browser"))
@click.option(
    "--write",
    "target",
    metavar="DIR",
    help=text(
        "web.option.write",
        "Folder to write the page's files to, for use on a web server (default: serve the page here)",
    ),
)
@click.option(
    "--from",
    "source",
    metavar="DIR",
    help=text("web.option.from", "Folder that has the page's runtime files (default: download them)"),
)
@click.option("--offline", is_flag=True, help=text("cli.request.offline", "Do not access the network"))
@common_options
def command(
    session: Session, *, port: int, no_open: bool, target: str | None, source: str | None, offline: bool
) -> Answer:
    """Put the page together; then serve it until Ctrl-C, or write it and end."""
    if session.as_json and target is None:
        raise UsageError(
            message("web.json.alone", "--json works only together with --write"),
            hint=message("web.json.alone.hint", "add --write DIR, or leave out --json"),
        )
    pieces = from_folder(session.host, source) if source else _pieces(session, offline=offline)
    session.note(message("web.building", "building the page"))
    site = write_site(session.host, pieces, target or join(session.host.folders().cache, "web"))
    if target is not None:
        return Answer(command="web", data=site, text=lambda: _written(site))
    _serve(site, port, show_it=not no_open)
    return Answer(command="web", data=site, text=str)


def _pieces(session: Session, *, offline: bool) -> dict[str, str]:
    with download_lines(session, message("web.fetching", "downloading the runtime of the page (only once)")) as tell:
        return fetched(session.host, tell, offline=offline)


def _serve(site: Site, port: int, *, show_it: bool) -> None:
    try:
        with serving(site.folder, port, HEADERS) as server:
            _until_stopped(server, show_it=show_it)
    except OSError as error:
        raise UsageError(
            message("web.port", "port {port} cannot be used: {reason}", port=port, reason=error.strerror),
            hint=message("web.port.hint", "leave out --port to use a free port"),
        ) from error


def _until_stopped(server: FolderServer, *, show_it: bool) -> None:
    say(render(message("web.serving", "{url}  (press Ctrl-C to stop)", url=server.url)))
    if show_it:
        show(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say(render(message("web.stopped", "stopped")))


def _written(site: Site) -> str:
    return text(
        "web.written",
        "wrote {files} files to {folder}: {bytes} MB ({compressed} MB if the server compresses them)",
        files=site.files,
        folder=site.folder,
        bytes=f"{site.bytes / 1e6:.1f}",
        compressed=f"{site.compressed / 1e6:.1f}",
    )
