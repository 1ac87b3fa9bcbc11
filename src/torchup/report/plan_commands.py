"""The lines that make a new environment as planned, without torchup: for an installer and the machine's shell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.remedy.install_commands import Order, by_pip_alone, install
from torchup.model import InstallerName, Manager, Os, Shell
from torchup.report.doctor_text import command_line

if TYPE_CHECKING:
    from torchup.model import Machine, Plan

MANAGERS = {InstallerName.UV: Manager.UV_VENV, InstallerName.PIP: Manager.PIP, InstallerName.CONDA: Manager.CONDA}


def install_lines(plan: Plan, machine: Machine, manager: Manager | None = None) -> list[str]:
    """The commands as they are typed; ``manager``: whose (default: that of the plan's installer)."""
    windows = machine.os is Os.WINDOWS
    order = Order(packages=plan.requirements, manager=manager or MANAGERS[plan.installer], windows=windows, fresh=True)
    made = by_pip_alone(plan, order) if order.manager is Manager.PIP else install(plan, order)
    return [command_line(command, Shell.POWERSHELL if windows else Shell.SH) for command in made]
