"""`torchup env bundle`: everything that a machine without a network needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.cli.answer import Answer
from torchup.cli.install_progress import install_progress
from torchup.cli.session import Session, common_options
from torchup.encoding import from_builtins
from torchup.envs import records, registry
from torchup.envs.project import environment_name
from torchup.errors import UsageError
from torchup.i18n import text
from torchup.install.bundle import PLATFORMS, collect
from torchup.model import Plan, message

if TYPE_CHECKING:
    from torchup.host import Host


@click.command(
    name="bundle",
    help=text("env.bundle.help", "Collect the wheels of an environment, or of a plan, for machines without a network"),
)
@click.argument("name", required=False)
@click.option("-o", "--output", required=True, metavar="DIR", help=text("env.bundle.output", "A new folder"))
@click.option(
    "--platform",
    type=click.Choice(tuple(PLATFORMS)),
    help=text("env.bundle.platform", "For another kind of machine than this one"),
)
@click.option(
    "--plan", "plan_file", metavar="FILE", help=text("env.bundle.plan", "Bundle this plan (`torchup plan --json`)")
)
@common_options
def command(session: Session, name: str | None, output: str, platform: str | None, plan_file: str | None) -> Answer:
    """`torchup env bundle [NAME] -o DIR`."""
    host = session.host
    # for another kind of machine its own versions of what torch needs are looked up
    chosen = environment_name(host, name)
    plan = read_plan(host, plan_file) if plan_file else recorded_plan(host, chosen, pinned=platform is None)
    with install_progress(session) as progress:
        bundle = collect(host, plan, output, platform=platform, progress=progress)
    done = text(
        "env.bundle.done",
        "{count} wheels are in {folder}; on the other machine: torchup up --from {folder}",
        count=len(bundle.files),
        folder=output,
    )
    return Answer(command="env bundle", data=bundle, text=lambda: done)


def read_plan(host: Host, file: str) -> Plan:
    """The plan in a file that `torchup plan --json` or `--export json` wrote. Raises `UsageError`."""
    try:
        document = msgspec.json.decode(host.read_bytes(file) or b"", type=dict[str, Any])
        return from_builtins(document.get("data", document), Plan)
    except msgspec.DecodeError as error:
        text_ = message("env.bundle.no-plan", "{file} holds no plan: {error}", file=file, error=error)
        raise UsageError(text_) from error


def recorded_plan(host: Host, name: str, *, pinned: bool) -> Plan:
    """The plan that an environment was made by; ``pinned``: with every package as it is now. Raises `UsageError`."""
    registry.find(host, name)
    record = registry.read_record(host, name)
    plan = None if record is None else records.pinned_plan(record) if pinned else record.plan
    if plan is None:
        text_ = message("env.no-plan", "`{name}` was adopted; where its packages come from is not known", name=name)
        raise UsageError(text_)
    return plan
