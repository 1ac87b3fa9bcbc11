"""``pylock.toml`` (PEP 751) of a plan: every package with its address and hash, resolved by uv."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.errors import NetworkError, UsageError
from torchup.install.arguments import (
    UV_CLEARED,
    constraint_arguments,
    constraints_file,
    override_arguments,
    override_file,
    uv_arguments,
)
from torchup.install.uv import uv_binary
from torchup.model import Os, message
from torchup.plan.exports.common import for_pip, header, plain_python
from torchup.privacy import without_secrets
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from torchup.host import Completed, Host
    from torchup.model import Machine, Plan

TIMEOUT = 300.0  # seconds; a resolution of torch reads some 30 packages' metadata
# uv's names of platforms (`uv pip compile --help`)
_GLIBC_MINORS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)
_PLATFORMS = {
    (Os.LINUX, "x86_64"): "x86_64-manylinux_2_{minor}",
    (Os.LINUX, "aarch64"): "aarch64-manylinux_2_{minor}",
    (Os.WINDOWS, "x86_64"): "x86_64-pc-windows-msvc",
    (Os.WINDOWS, "arm64"): "aarch64-pc-windows-msvc",
    (Os.MACOS, "arm64"): "aarch64-apple-darwin",
    (Os.MACOS, "x86_64"): "x86_64-apple-darwin",
}


def lock(host: Host, plan: Plan, machine: Machine, *, here: bool) -> str:
    """Resolve a plan completely and write it as ``pylock.toml``.

    Args:
        host: where uv runs; it asks the plan's sources.
        plan: a plan for uv or pip.
        machine: the planned machine.
        here: whether that is this machine; if not, uv resolves for the machine's platform instead of its own.

    Raises:
        UsageError: the plan is for conda, or uv knows no name for the platform.
        NetworkError: the sources do not have everything, or do not answer.
    """
    for_pip(plan, "pylock")
    folder = posixpath.join(host.folders().cache, "lock")
    for path, text in {**constraints_file(plan, folder), **override_file(plan, folder)}.items():
        host.write_text(path, text)
    where = ("--python", plan.python_path) if plan.python_path else ()
    argv = (
        uv_binary(), "pip", "compile", "-", "--format", "pylock.toml", "--no-config", "--no-header", "--quiet",
        "--python-version", plain_python(plan), *where, *(() if here else ("--python-platform", _platform(machine))),
        *uv_arguments(plan), *constraint_arguments(plan, folder), *override_arguments(plan, folder),
    )  # fmt: skip
    argv, secret = handed_over(argv, secret_addresses(host))
    with child_environment(host, (source.url for source in plan.sources)) as overlay:
        environment = {**dict.fromkeys(UV_CLEARED), **overlay, **({} if here else _macos(machine)), **secret}
        stdin = "\n".join(plan.requirements)
        completed = host.run(argv, timeout=TIMEOUT, environment=environment, stdin=stdin)
    if not completed.ok:
        raise _failed(completed)
    return header(plan, machine) + completed.stdout


def _platform(machine: Machine) -> str:
    found = _PLATFORMS.get((machine.os, machine.arch))
    if found is None:
        text = message(
            "lock.platform", "uv cannot resolve packages for {os} on {arch}", os=machine.os, arch=machine.arch
        )
        raise UsageError(
            text,
            hint=message("lock.platform.hint", "run `torchup plan` with --export pylock or --sizes on that machine"),
        )
    return found.format(minor=_glibc_minor(machine.glibc))


def _glibc_minor(glibc: str | None) -> int:
    """The newest glibc that uv has a name for and the machine has; torch's wheels need 2.28 where nothing is known."""
    version = version_key(glibc or "2.28")
    return next((minor for minor in _GLIBC_MINORS if version >= (2, minor)), _GLIBC_MINORS[-1])


def _macos(machine: Machine) -> dict[str, str]:
    """The macOS to resolve for: uv's own idea of one is older than what torch's wheels need."""
    if machine.os is not Os.MACOS or not machine.os_version:
        return {}
    return {"MACOSX_DEPLOYMENT_TARGET": machine.os_version}


def _failed(completed: Completed) -> NetworkError:
    if completed.timed_out:
        late = message("lock.timeout", "uv did not resolve the plan within {seconds} s", seconds=f"{TIMEOUT:.0f}")
        return NetworkError(late, hint=message("lock.failed.hint", "run `torchup plan` to see which sources answer"))
    words = without_secrets(completed.stderr.strip())[-1500:]
    return NetworkError(
        message("lock.failed", "uv could not resolve the plan: {words}", words=words),
        hint=message("lock.failed.hint", "run `torchup plan` to see which sources answer"),
    )
