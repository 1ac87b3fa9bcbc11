"""`torchup explain FILE.whl`: what a wheel is for, from the file alone, and whether it goes with this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from torchup.cli.answer import Answer
from torchup.errors import ExitCode
from torchup.report.env_text import torch_label

if TYPE_CHECKING:
    from torchup.cli.session import Session


def wheel_answer(session: Session, path: str, env: str) -> Answer:
    """Read the file, hold it against this machine and the environment's torch."""
    from torchup.cli.plan import current_catalog  # noqa: PLC0415  # causes need no catalogue
    from torchup.detect import detect_machine  # noqa: PLC0415  # same
    from torchup.envs import registry  # noqa: PLC0415  # same
    from torchup.jobs.explain_wheel import explain_wheel  # noqa: PLC0415  # same
    from torchup.report.wheel_contents_text import explained_text  # noqa: PLC0415  # same

    given = click.get_current_context().get_parameter_source("env") is ParameterSource.COMMANDLINE
    environment = registry.find(session.host, env) if given else registry.get(session.host, env)
    python = environment.python if environment else None
    torch = torch_label(environment) if environment and environment.torch else None
    found = explain_wheel(
        session.host, path, detect_machine(session.host), current_catalog(session), torch=torch, python=python
    )
    return Answer(
        command="explain",
        data=found,
        text=lambda: explained_text(found),
        exit_code=ExitCode.OK if found.fits else ExitCode.FINDINGS,
    )
