"""A plan written for other tools. Pure; one function a format, listed in `FORMATS`.

A lock file (``pylock``) needs the whole dependency graph and so a resolver: `torchup.sources.lock` makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.encoding import to_json
from torchup.errors import UsageError
from torchup.model import message
from torchup.plan.exports import NAMES
from torchup.plan.exports.ansible import ansible
from torchup.plan.exports.container import dockerfile
from torchup.plan.exports.devcontainer import devcontainer
from torchup.plan.exports.environments import environment_yml, pixi
from torchup.plan.exports.kubernetes import kubernetes
from torchup.plan.exports.requirements import pyproject, requirements
from torchup.plan.exports.scripts import script_ps1, script_sh
from torchup.plan.exports.slurm import slurm
from torchup.plan.exports.workflow import github_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.model import Machine, Plan
    from torchup.plan.exports.fleet import LeftOut, Planned

FORMATS: dict[str, Callable[[Plan, Machine], str]] = {
    "requirements": requirements,
    "pyproject": pyproject,
    "environment.yml": environment_yml,
    "pixi": pixi,
    "dockerfile": dockerfile,
    "script-sh": script_sh,
    "script-ps1": script_ps1,
    "json": lambda plan, _: to_json(plan),
}

FLEET: dict[str, Callable[[Sequence[Planned], Sequence[LeftOut]], str]] = {
    "ansible": ansible,
    "slurm": slurm,
    "devcontainer": devcontainer,
    "github-actions": github_actions,
    "kubernetes": kubernetes,
}


def export(plan: Plan, machine: Machine, kind: str) -> str:
    """Write a plan in one of `FORMATS`.

    Args:
        plan: what `resolve` decided.
        machine: the machine it is for; says which platform the file names.
        kind: a key of `FORMATS`.

    Raises:
        UsageError: there is no such format, or it cannot hold this plan (a Dockerfile for Windows, pip's formats for a
            conda plan).
    """
    if kind not in FORMATS:
        text = message("export.unknown", "there is no export format `{kind}`", kind=kind)
        raise UsageError(text, hint=message("export.known", "choose one of: {names}", names=", ".join(NAMES)))
    return FORMATS[kind](plan, machine)
