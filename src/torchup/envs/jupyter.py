"""What a Jupyter kernel needs in its environment: ipykernel, from where torch came from, and proof that it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE
from torchup.envs import records, registry
from torchup.envs.distributions import versions
from torchup.errors import InstallError
from torchup.install import uv
from torchup.install.arguments import usable, uv_arguments
from torchup.install.failures import explain_addition
from torchup.model import Step, message, verbatim
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Completed, Host
    from torchup.model import Environment, Message, Plan

KERNEL_PACKAGES = ("ipykernel", "pip")  # pip, so that `!pip` in a notebook does not find another environment's
LAB_PACKAGES = ("jupyterlab", *KERNEL_PACKAGES)
ASKING = 60.0  # seconds; ipykernel's import takes 1 to 5 s on a slow disk

# Printed by the environment's own ipykernel: proves that it can be imported, and tells what it can do.
_SPEC = "import json; from ipykernel.kernelspec import get_kernel_dict; print(json.dumps(get_kernel_dict()))"


def own_kernelspec(host: Host, python: str) -> dict[str, Any]:
    """The kernelspec that the environment's own ipykernel would write; raises `InstallError` if that does not work."""
    completed = host.run((python, "-I", "-c", _SPEC), timeout=ASKING)
    try:
        return msgspec.json.decode(completed.stdout, type=dict[str, Any])
    except UNREADABLE:
        words = _last_words(completed)
    raise InstallError(
        message(
            "jupyter.ipykernel-broken",
            "ipykernel does not work in {python}: {words}",
            python=python,
            words=words,
        ),
        hint=message(
            "jupyter.ipykernel-broken.hint",
            "run `{python} -m pip install --force-reinstall ipykernel` to reinstall ipykernel",
            python=python,
        ),
    )


def _last_words(completed: Completed) -> Message:
    """What a program that gave no answer left: its words, or how it ended."""
    if completed.timed_out:
        return message("jupyter.silent", "no answer within {seconds} s", seconds=round(ASKING))
    if words := "\n".join(completed.stderr.splitlines()[-3:]):
        return verbatim(words)
    if completed.returncode is None:
        return message("jupyter.not-started", "the program could not be started")
    return message("jupyter.exit-code", "exit code {code}", code=completed.returncode)


def missing_packages(host: Host, path: str, wanted: Sequence[str] = KERNEL_PACKAGES) -> tuple[str, ...]:
    """Which of the packages the environment at ``path`` does not have."""
    there = versions(host, path)
    return tuple(name for name in wanted if name not in there)


def packages_step(path: str, packages: Sequence[str], plan: Plan | None) -> Step:
    """The command that adds packages to an environment, from the places that its plan named. Pure."""
    places = uv_arguments(plan) if plan is not None and usable(plan.sources) else ()
    return Step(
        argv=("uv", "pip", "install", "--no-config", "--python", path, *places, *packages),
        summary=message("jupyter.step", "install {packages}", packages=", ".join(packages)),
        environment=uv.CLEARED,
        timeout=1800.0,
    )


def add_packages(host: Host, path: str, packages: Sequence[str], on_line: Callable[[str], None]) -> None:
    """Install packages into the environment at ``path``; raises `InstallError` or `NetworkError`."""
    record = records.read(host, path)
    step = packages_step(path, packages, record.plan if record else None)
    argv, secret = handed_over(step.argv, secret_addresses(host))
    with child_environment(host) as overlay:
        completed = host.run(
            (uv.uv_binary(), *argv[1:]),
            timeout=step.timeout,
            environment={**step.environment, **overlay, **secret},
            on_line=on_line,
        )
    if not completed.ok:
        raise explain_addition(step, completed)


def add_with_words(
    host: Host, environment: Environment, packages: Sequence[str], say: Callable[[Message], None], *, verbose: bool
) -> None:
    """Install packages into a locked environment; ``say`` receives what happens.

    Raises:
        InstallError, NetworkError: they could not be installed.
    """
    listed = ", ".join(packages)
    say(message("kernel.installing", "installing {packages} in `{name}`", packages=listed, name=environment.name))
    try:
        with registry.lock(host, environment.path):
            add_packages(host, environment.path, packages, lambda line: say(verbatim(line)) if verbose else None)
    except TimeoutError as error:
        raise registry.busy(environment.name) from error
