"""The pip engine: ``python -m venv`` and that environment's own pip, for machines that forbid uv's binary."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from torchup.envs.paths import python_of
from torchup.errors import InstallError
from torchup.install import uv
from torchup.install.arguments import (
    PIP_CLEARED,
    constraint_arguments,
    constraints_file,
    hashed_arguments,
    hashed_file,
    pip_arguments,
)
from torchup.install.relocate import rewrite_paths
from torchup.install.wheel_steps import WheelCall, wheel_steps
from torchup.model import Step, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Completed, Host
    from torchup.model import Plan

# With the null device as its configuration file pip reads none: the plan already holds what they say.
CLEARED: dict[str, str | None] = {**dict.fromkeys(PIP_CLEARED), "PIP_CONFIG_FILE": os.devnull}
INSTALL_TIMEOUT = 6 * 3600.0  # as for uv; pip itself gives up on a silent connection after --timeout (15 s)


class PipInstaller:
    """See `torchup.install.base.Installer`."""

    def steps(self, plan: Plan, path: str) -> tuple[Step, ...]:
        """``python -m venv``, then ``pip install``."""
        return (_make(plan, path), _install(plan, path), *wheel_steps(plan, path, _wheel_call(path)))

    def perform(self, host: Host, step: Step, path: str, on_line: Callable[[str], None]) -> Completed:
        """Run a step; the error for a missing Python says what to do."""
        if step.argv[0] == "uv":  # works out the lock
            return uv.INSTALLER.perform(host, step, path, on_line)
        if host.which(step.argv[0]) is None:
            text = message(
                "install.python-missing", "torchup cannot find {python} on this machine", python=step.argv[0]
            )
            hint = message(
                "install.python-missing.hint", "install the missing Python, or use --installer uv, which downloads it"
            )
            raise InstallError(text, hint=hint)
        return host.run(step.argv, timeout=step.timeout, environment=step.environment, on_line=on_line)

    def settle(self, host: Host, path: str, target: str) -> None:
        """Console scripts and activation name the place they were made at."""
        rewrite_paths(host, path, target)


def _make(plan: Plan, path: str) -> Step:
    python = plan.python_path or f"python{plan.python.removesuffix('t')}"
    return Step(
        argv=(python, "-I", "-m", "venv", path),  # -I: a `venv.py` or `pip.py` in the current folder is not meant
        summary=message("install.step.venv", "make an environment with Python {python}", python=plan.python),
        environment=CLEARED,
        timeout=600.0,
    )


def _wheel_call(path: str) -> WheelCall:
    options = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    return WheelCall(
        argv=(python_of(path), "-I", "-m", "pip", "install", *options), index="--index-url", places=pip_arguments,
        environment=CLEARED, timeout=INSTALL_TIMEOUT,
    )  # fmt: skip


def _install(plan: Plan, path: str) -> Step:
    names = ", ".join(requirement.split(";")[0].strip() for requirement in plan.packages)
    options = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    places, constraints = pip_arguments(plan), constraint_arguments(plan, path)
    wanted = hashed_arguments(plan, path) or (*constraints, *plan.packages)
    return Step(
        argv=(python_of(path), "-I", "-m", "pip", "install", *options, *places, *wanted),
        summary=message("install.step.packages", "install {packages}", packages=names),
        environment=CLEARED,
        timeout=INSTALL_TIMEOUT,
        files=hashed_file(plan, path) or constraints_file(plan, path),
    )


def exact_step(step: Step, path: str, pins: str, *places: str) -> Step:
    """The packages step, installing exactly the pins of a file by hash; ``places`` are pip's options of where from."""
    options = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    pip = (python_of(path), "-I", "-m", "pip", "install", *options)
    return msgspec.structs.replace(step, argv=(*pip, *places, "--no-deps", "--require-hashes", "-r", pins), files={})


INSTALLER = PipInstaller()
