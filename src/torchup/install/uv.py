"""The uv engine: a relocatable environment, packages from explicit places, never ``--torch-backend``.

``--torch-backend`` would replace the configured indexes by PyTorch's own host and look at the driver only; the plan has
already decided, mirrors included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.envs.paths import separator
from torchup.errors import InstallError
from torchup.install.arguments import (
    UV_CLEARED,
    constraint_arguments,
    constraints_file,
    hashed_arguments,
    hashed_file,
    override_arguments,
    override_file,
    usable,
    uv_arguments,
)
from torchup.install.relocate import rewrite_paths
from torchup.install.wheel_steps import WheelCall, wheel_steps
from torchup.model import Step, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Completed, Host
    from torchup.model import Plan

CLEARED: dict[str, str | None] = dict.fromkeys(UV_CLEARED)
VENV_TIMEOUT = 1800.0  # seconds; may have to download a Python (30 MB) over a slow line
INSTALL_TIMEOUT = 6 * 3600.0  # a CUDA build is up to 4 GB: 1.5 Mbit/s still ends in time; uv itself notices stalls


class UvInstaller:
    """See `torchup.install.base.Installer`."""

    def steps(self, plan: Plan, path: str) -> tuple[Step, ...]:
        """``uv venv``, ``uv pip install``, and pip itself where it can be had."""
        first = (_make(plan, path), _install(plan, path), *wheel_steps(plan, path, _wheel_call(path)))
        return first if plan.hashes else (*first, _add_pip(plan, path))  # a bundle holds its pip

    def perform(self, host: Host, step: Step, path: str, on_line: Callable[[str], None]) -> Completed:
        """Run a step with torchup's own uv."""
        del path
        argv = (uv_binary(), *step.argv[1:]) if step.argv[0] == "uv" else step.argv
        return host.run(argv, timeout=step.timeout, environment=step.environment, on_line=on_line)

    def settle(self, host: Host, path: str, target: str) -> None:
        """The activation scripts of some shells name the place they were made at."""
        rewrite_paths(host, path, target)


def uv_binary() -> str:
    """Absolute path of the uv that was installed with torchup; raises `InstallError` where there is none."""
    try:
        import uv  # noqa: PLC0415  # only an installation needs it

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError) as error:
        text = message("install.uv-missing", "the uv program that belongs to torchup is missing")
        hint = message(
            "install.uv-missing.hint",
            "reinstall torchup; `torchup up` and `torchup env create` also accept `--installer pip`",
        )
        raise InstallError(text, hint=hint) from error


def _make(plan: Plan, path: str) -> Step:
    # Without an index nothing may be contacted, not even for a Python.
    offline = () if any(source.kind == "index" for source in usable(plan.sources)) else ("--offline",)
    return Step(
        argv=("uv", "venv", "--no-config", "--no-project", *offline, "--relocatable",
              "--python", plan.python_path or plan.python, path),
        summary=message("install.step.venv", "make an environment with Python {python}", python=plan.python),
        environment=CLEARED,
        timeout=VENV_TIMEOUT,
    )  # fmt: skip


def _install(plan: Plan, path: str) -> Step:
    names = ", ".join(requirement.split(";")[0].strip() for requirement in plan.packages)
    wanted = hashed_arguments(plan, path) or (
        *constraint_arguments(plan, path),
        *override_arguments(plan, path),
        *plan.packages,
    )
    return Step(
        argv=_pip_install(plan, path, wanted),
        files=hashed_file(plan, path) or {**constraints_file(plan, path), **override_file(plan, path)},
        summary=message("install.step.packages", "install {packages}", packages=names),
        environment=CLEARED,
        timeout=INSTALL_TIMEOUT,
    )


def compile_step(plan: Plan, path: str) -> Step:
    """Resolve what the packages step would install, to exact files: a lock on stdout."""
    wanted = f"{path}{separator(path)}torchup-wanted.txt"
    lines = "".join(f"{line}\n" for line in plan.packages)
    return Step(
        argv=("uv", "pip", "compile", wanted, "--no-config", "--no-header", "--no-annotate", "--quiet", "--format",
              "pylock.toml", "--only-binary", ":all:", "--python", path, *uv_arguments(plan),
              *constraint_arguments(plan, path), *override_arguments(plan, path)),
        files={**constraints_file(plan, path), **override_file(plan, path), wanted: lines},
        summary=message("install.step.resolve", "resolve the plan to exact files"),
        environment=CLEARED,
        timeout=600.0,
    )  # fmt: skip


def exact_step(step: Step, path: str, pins: str, *places: str) -> Step:
    """The packages step, installing exactly the pins of a file by hash; ``places`` are uv's options of where from."""
    call = ("uv", "pip", "install", "--no-config", "--python", path)
    argv = (*call, *places, "--no-deps", "--require-hashes", "-r", pins)
    return msgspec.structs.replace(step, argv=argv, files={})


def _add_pip(plan: Plan, path: str) -> Step:
    # uv's environments have no pip; a user who types `pip install` there would change another Python.
    return Step(
        argv=_pip_install(plan, path, (*constraint_arguments(plan, path), "pip")),
        summary=message("install.step.pip", "add pip, so that `pip install` acts on this environment"),
        environment=CLEARED,
        timeout=600.0,
        required=False,
    )


def _wheel_call(path: str) -> WheelCall:
    return WheelCall(
        argv=("uv", "pip", "install", "--no-config", "--python", path), index="--default-index", places=uv_arguments,
        environment=CLEARED, timeout=INSTALL_TIMEOUT,
    )  # fmt: skip


def _pip_install(plan: Plan, path: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    return ("uv", "pip", "install", "--no-config", "--python", path, *uv_arguments(plan), *wanted)


INSTALLER = UvInstaller()
