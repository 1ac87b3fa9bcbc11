"""`torchup env bundle`: everything that a machine without a network needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.cli.answer import Answer
from torchup.cli.download_options import download_options
from torchup.cli.install_progress import install_progress
from torchup.cli.session import Session, common_options
from torchup.cli.target import environment_names
from torchup.cli.verb import Verb
from torchup.encoding import UNREADABLE, decode_problem, from_builtins
from torchup.envs import records, registry
from torchup.envs.project import environment_name
from torchup.errors import UsageError
from torchup.i18n import text
from torchup.install.bundle import PLATFORMS, collect
from torchup.model import Plan, message
from torchup.plan.foreign import SIZE_LIMIT, checked_plan

if TYPE_CHECKING:
    from torchup.host import Host


@click.command(
    cls=Verb,
    name="bundle",
    help=text("env.bundle.help", "Collect the wheels of an environment or a plan, for machines without a network"),
)
@click.argument("name", required=False, shell_complete=environment_names)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    help=text("env.bundle.output", "New or empty folder for the bundle"),
)
@click.option(
    "--platform",
    type=click.Choice(tuple(PLATFORMS)),
    help=text("env.bundle.platform", "Platform to bundle for (default: this machine's)"),
)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    help=text(
        "env.bundle.plan", "Plan to bundle: the output of `torchup plan --json` (default: bundle an environment)"
    ),
)
@download_options
@common_options
def command(
    session: Session, name: str | None, *, output: str, platform: str | None, plan_file: str | None, connections: int
) -> Answer:
    """`torchup env bundle [NAME] -o DIR`."""
    host = session.host
    # for another kind of machine its own versions of what torch needs are looked up
    chosen = environment_name(host, name)
    plan = read_plan(host, plan_file) if plan_file else recorded_plan(host, chosen, pinned=platform is None)
    with install_progress(session) as progress:
        bundle = collect(host, plan, output, platform=platform, progress=progress, connections=connections)
    done = text(
        "env.bundle.done",
        "wheels in {folder}: {count}; copy the folder to the machine without a network and run `torchup up "
        "--from DIR` there",
        count=len(bundle.files),
        folder=output,
    )
    return Answer(command="env bundle", data=bundle, text=lambda: done)


def read_plan(host: Host, file: str) -> Plan:
    """The plan in a file that `torchup plan --json` or `--export json` wrote. Raises `UsageError`."""
    hint = message(
        "env.bundle.no-plan.hint", "run `torchup plan --json > plan.json` to write a plan, then use `--plan plan.json`"
    )
    raw = host.read_bytes(file, SIZE_LIMIT + 1)
    if raw is None:
        raise UsageError(message("env.bundle.plan-unreadable", "cannot read the file {file}", file=file), hint=hint)
    if len(raw) > SIZE_LIMIT:
        text_ = message("env.bundle.plan-large", "{file} is too large for a plan", file=file)
        raise UsageError(text_, hint=hint)
    try:
        document = msgspec.json.decode(raw, type=dict[str, Any])
        plan = from_builtins(document.get("data", document), Plan)
    except UNREADABLE as error:
        problem = decode_problem(error)
        text_ = message("env.bundle.no-plan", "{file} contains no plan: {error}", file=file, error=problem)
        raise UsageError(text_, hint=hint) from error
    return checked_plan(plan, file)


def recorded_plan(host: Host, name: str, *, pinned: bool) -> Plan:
    """The plan that an environment was made by; ``pinned``: with every package as it is now. Raises `UsageError`."""
    registry.find(host, name)
    record = registry.read_record(host, name)
    if record is None:
        raise UsageError(
            message("env.no-record", "torchup's record of `{name}` is missing or damaged", name=name),
            hint=message(
                "env.no-record.hint",
                "run `torchup env remove {name}`, then `torchup up --env {name}` to make a new environment",
                name=name,
            ),
        )
    plan = records.pinned_plan(record) if pinned else record.plan
    if plan is None:
        text_ = message("env.no-plan", "torchup does not know where the packages of `{name}` came from", name=name)
        hint = message(
            "env.no-plan.hint",
            "run `torchup plan --export requirements` to export a plan; run `torchup plan --json > plan.json` "
            "and `torchup env bundle --plan plan.json -o DIR` to bundle one",
        )
        raise UsageError(text_, hint=hint)
    return plan
