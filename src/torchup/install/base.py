"""What an installer is, which ones there are, and what an installation tells while it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from torchup.model import InstallerName, Message, Value

if TYPE_CHECKING:
    from torchup.fetch.order import Progress as FetchProgress
    from torchup.host import Completed, Host
    from torchup.model import Plan, Step


class Event(Value, frozen=True, kw_only=True):
    """Something an installation tells: a stage that begins, or a line of the tool at work in it."""

    stage: str  # recover | check | keep | step | verify | swap | changed | done | reused
    text: Message
    position: int | None = None  # 1-based, of ``total`` steps
    total: int | None = None
    detail: str | None = None  # a line that the tool printed
    download: FetchProgress | None = None  # the state of torchup's own downloads


Progress = Callable[[Event], None]


class Installer(Protocol):
    """One way to fill an environment with packages.

    A module that holds one as ``INSTALLER`` and a line in `MODULES` add an installer.
    """

    def steps(self, plan: Plan, path: str) -> tuple[Step, ...]:
        """The commands that make the environment ``path`` as planned. Pure."""
        ...

    def perform(self, host: Host, step: Step, path: str, on_line: Callable[[str], None]) -> Completed:
        """Run one of those steps; ``path`` is the environment being made. Raises `TorchupError` if it cannot start."""
        ...

    def settle(self, host: Host, path: str, target: str) -> None:
        """Make what was built at ``path`` work at ``target``, where the engine renames it next. Raises `OSError`."""
        ...


MODULES: dict[InstallerName, str] = {
    InstallerName.UV: "torchup.install.uv",
    InstallerName.PIP: "torchup.install.pip",
    InstallerName.CONDA: "torchup.install.conda",
}


def installer(name: InstallerName) -> Installer:
    """The installer of a name; raises `KeyError` for one that is not in `MODULES`."""
    found: Installer = importlib.import_module(MODULES[name]).INSTALLER
    return found


def steps(plan: Plan, path: str) -> tuple[Step, ...]:
    """The commands that make the environment at ``path`` as planned, by the plan's installer. Pure.

    ``uv`` as the first word stands for the uv that came with torchup.
    """
    return installer(plan.installer).steps(plan, path)
