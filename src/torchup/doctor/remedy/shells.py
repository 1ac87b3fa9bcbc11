"""Which shell a report's commands are typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Os, Shell

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts


def shell_of(facts: Facts) -> Shell:
    """The report's shell; on Windows cmd.exe where it is not known: its double quotes hold in PowerShell too."""
    if facts.shell is not None:
        return facts.shell
    on_windows = facts.system.os is Os.WINDOWS or (facts.system.os is None and "\\" in (facts.interpreter or ""))
    return Shell.CMD if on_windows else Shell.SH
