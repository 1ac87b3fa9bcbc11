"""Recreate an environment of torchup as it was verified: the repair of whatever happened to its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs import registry
from torchup.envs.damage import START_TIMEOUT, Damage, find_damage
from torchup.envs.restorable import restoring_plan
from torchup.envs.verification import verify_environment
from torchup.errors import UsageError
from torchup.install.engine import install
from torchup.model import Environment, Plan, Value, message

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.install.base import Progress


class Broken(Value, frozen=True, kw_only=True):
    """An environment, what is not as it was installed, and the plan that recreates it."""

    environment: Environment
    plan: Plan
    damage: tuple[Damage, ...]
    starts: bool  # its Python runs, and runs in it

    @property
    def sound(self) -> bool:
        """Whether there is nothing to repair."""
        return self.starts and not self.damage


def examine(host: Host, name: str) -> Broken:
    """Hash every file of an environment. Raises `UsageError`: there is none, or torchup did not make it."""
    environment = registry.find(host, name)
    record = registry.read_record(host, name)
    plan = None if record is None or environment.adopted else restoring_plan(host, record, environment.path)
    if plan is None:
        raise _not_ours(environment)
    return Broken(
        environment=environment,
        plan=plan,
        damage=find_damage(host, environment.path, deep=True),
        starts=_starts(host, environment.path),
    )


def _starts(host: Host, prefix: str) -> bool:
    """Whether the environment's Python runs, and takes this environment for its own."""
    python = registry.find_python(host, prefix)
    if python is None:
        return False
    asked = host.run((python, "-I", "-c", "import sys; print(sys.prefix)"), timeout=START_TIMEOUT)
    return asked.ok and host.real_path(asked.stdout.strip()) == host.real_path(prefix)


def restore(host: Host, broken: Broken, progress: Progress) -> Environment:
    """Build it beside, compare every file, and swap it in; the broken one stays as the previous.

    Raises: what `install` raises; the environment is then as it was.
    """
    return install(
        host,
        broken.plan,
        broken.environment.name,
        verify=lambda python: verify_environment(
            host, python, expected=broken.plan.build, compile_rung=False, deep=True
        ),
        progress=progress,
        again=True,
    )


def _not_ours(environment: Environment) -> UsageError:
    if environment.adopted:
        text = message(
            "env.repair.adopted", "`{name}` was adopted: torchup cannot recreate it",
            name=environment.name,
        )  # fmt: skip
        hint = message(
            "env.repair.adopted.hint",
            "run `torchup doctor --deep --env {name}` to see the commands that repair the environment",
            name=environment.name,
        )
        return UsageError(text, hint=hint)
    text = message("env.repair.no-record", "torchup's record of `{name}` is missing or damaged", name=environment.name)
    hint = message(
        "env.repair.no-record.hint",
        "run `torchup env remove {name}`, then `torchup up --env {name}` to make a new environment",
        name=environment.name,
    )
    return UsageError(text, hint=hint)
