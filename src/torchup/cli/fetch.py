"""`torchup fetch`: everything that a machine needs for its plan, in a folder; resumable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.download_options import download_options
from torchup.cli.install_progress import install_progress
from torchup.cli.machine_options import NamedMachine, named_machines, one_machine_options
from torchup.cli.plan import ask_sources, current_catalog, needs_network
from torchup.cli.request_options import request_options
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.envs.paths import join
from torchup.i18n import text
from torchup.install.bundle import PLATFORMS, collect, no_platform
from torchup.model import message
from torchup.plan import resolve
from torchup.report.plan_text import build_line, size_text

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.install.bundle_check import Bundle
    from torchup.model import Request


@click.command(
    cls=Verb,
    name="fetch",
    help=text(
        "fetch.help",
        "Download what a machine needs for its plan into a folder, from which `torchup up --from DIR` installs "
        "without a network. If the download is interrupted, repeat the command to continue.",
    ),
)
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    required=True,
    help=text("fetch.option.to", "Folder for the download: new, empty, or from an interrupted download"),
)
@request_options
@one_machine_options
@download_options
@common_options
def command(
    session: Session,
    *,
    folder: str,
    request: Request,
    machine_path: str | None,
    assumed: tuple[str, ...],
    recording: str | None,
    connections: int,
) -> Answer:
    """Plan, then collect."""
    needs_network(request, "`torchup fetch`")
    target = _one(session.host, machine_path, assumed, recording)
    catalog = current_catalog(session)
    plan = resolve(target.machine, request, catalog, ask_sources(session, target, request, catalog))
    machine = machine_path or recording or message("fetch.here", "this machine")
    session.note(message("fetch.plan", "{build}, for {machine}", build=build_line(plan), machine=machine))
    platform = None if target.here else f"{target.machine.os}_{target.machine.arch}"
    with install_progress(session) as progress:
        bundle = collect(session.host, plan, folder, platform=platform, progress=progress, connections=connections)
    done = text(
        "fetch.done",
        "{folder} contains the download (files: {count}; {size}); copy the folder to the machine without a "
        "network and run `torchup up --from DIR` there",
        count=len(bundle.files),
        size=size_text(_size(session.host, folder, bundle)),
        folder=folder,
    )
    return Answer(command="fetch", data=bundle, text=lambda: done)


def _one(host: Host, machine_path: str | None, assumed: tuple[str, ...], recording: str | None) -> NamedMachine:
    """The machine; raises `UsageError` for a kind of machine that nothing is fetched for."""
    target = named_machines(host, machine_path, assumed, recording)[0]
    platform = f"{target.machine.os}_{target.machine.arch}"
    if not target.here and platform not in PLATFORMS:
        raise no_platform(platform)
    return target


def _size(host: Host, folder: str, bundle: Bundle) -> int:
    return sum(host.size(join(join(folder, "wheels"), name)) or 0 for name in bundle.files)
