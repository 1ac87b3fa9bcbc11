"""`torchup env repair`: recreate an environment as it was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.cli.answer import Answer
from torchup.cli.display import DISPLAY
from torchup.cli.env import NAME, agree
from torchup.cli.install_progress import install_progress
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.verb import Verb
from torchup.envs.damage import said
from torchup.envs.project import environment_name
from torchup.i18n import render, text
from torchup.i18n.sentences import sentence
from torchup.install import steps
from torchup.jobs.restore import Broken, examine, restore
from torchup.model import message, verbatim

if TYPE_CHECKING:
    from torchup.model import Environment

SHOWN = 10  # damaged files that are listed; --json has them all


@click.command(
    cls=Verb,
    name="repair",
    help=text("env.repair.help", "Restore a damaged environment with the versions that were verified"),
)
@NAME
@changing_options
@common_options
def command(session: Session, name: str | None) -> Answer:
    """`torchup env repair [NAME]`."""
    broken = _examined(session, environment_name(session.host, name))
    if broken.sound:
        return _sound(broken)
    if session.dry_run:
        return _would(broken)
    if not session.as_json:
        session.note(verbatim(_listed(broken)))
    agree(session, _question(broken))
    with install_progress(session) as tell:
        environment = restore(session.host, broken, tell)
    return _done(broken, environment)


def _examined(session: Session, name: str) -> Broken:
    """What is damaged; a person sees what takes the seconds."""
    if session.interactive:
        DISPLAY.show(text("env.repair.comparing", "checking every file of `{name}`", name=name))
    try:
        return examine(session.host, name)
    finally:
        if session.interactive:
            DISPLAY.close()


def _question(broken: Broken) -> Any:
    return message(
        "env.repair.ask",
        "recreate `{name}` with torch {build} (torchup keeps the damaged environment as {path}.previous)?",
        name=broken.environment.name,
        build=broken.plan.build.label,
        path=broken.environment.path,
    )


def _data(broken: Broken, environment: Environment, *, repaired: bool) -> dict[str, Any]:
    return {"environment": environment, "damage": broken.damage, "repaired": repaired}


def _sound(broken: Broken) -> Answer:
    name = broken.environment.name
    return Answer(
        command="env repair",
        data=_data(broken, broken.environment, repaired=False),
        text=lambda: text(
            "env.repair.sound",
            "nothing to repair: every file of `{name}` is as it was installed; run `torchup doctor --env {name}` if "
            "PyTorch does not work",
            name=name,
        ),
    )


def _would(broken: Broken) -> Answer:
    plan = msgspec.structs.replace(broken.plan, steps=steps(broken.plan, broken.environment.path))
    return Answer(
        command="env repair",
        data={"damage": broken.damage, "plan": plan},
        text=lambda: "\n".join(
            (
                _listed(broken),
                text(
                    "env.repair.would",
                    "would recreate `{name}` with torch {build}",
                    name=broken.environment.name,
                    build=plan.build.label,
                ),
            )
        ),
    )


def _done(broken: Broken, environment: Environment) -> Answer:
    return Answer(
        command="env repair",
        data=_data(broken, environment, repaired=True),
        text=lambda: text(
            "env.repair.done",
            "repaired `{name}`: every file is as it was installed; the damaged environment is in {path}.previous",
            name=environment.name,
            path=environment.path,
        ),
    )


def _listed(broken: Broken) -> str:
    """What is damaged, one a line."""
    lines = [render(sentence(said(one))) for one in broken.damage[:SHOWN]]
    if not broken.starts:
        lines.insert(
            0,
            text(
                "env.repair.no-python",
                "the Python interpreter is missing, does not start or does not belong to this environment",
            ),
        )
    if len(broken.damage) > SHOWN:
        lines.append(text("env.repair.more", "and {count} more", count=len(broken.damage) - SHOWN))
    return "\n".join(lines)
