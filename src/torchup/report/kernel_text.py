"""The table of `torchup kernel list`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torchup.i18n import text
from torchup.model import message
from torchup.report.style import Style, mark
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBLEMS = {
    "python-missing": message("kernel.problem.python-missing", "the program that runs the kernel no longer exists"),
    "environment-missing": message("kernel.problem.environment-missing", "the kernel's environment no longer exists"),
    "ipykernel-missing": message(
        "kernel.problem.ipykernel-missing", "ipykernel is not installed in the kernel's environment"
    ),
    "unreadable": message("kernel.problem.unreadable", "kernel.json is not valid"),
}


class Row(Protocol):
    """What is shown of a kernel (`torchup.envs.kernels.Kernel`)."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def folder(self) -> str:
        """Where its kernel.json lies."""
        ...

    @property
    def display_name(self) -> str | None:
        """What notebooks show."""
        ...

    @property
    def path(self) -> str | None:
        """Its environment's folder."""
        ...

    @property
    def argv(self) -> tuple[str, ...]:
        """How it is started."""
        ...

    @property
    def problem(self) -> str | None:
        """A key of `PROBLEMS`."""
        ...


def list_text(kernels: Sequence[Row], style: Style) -> str:
    """One line a kernel (sign, name, label); below, what is wrong with those that cannot start."""
    if not kernels:
        return text("kernel.none", "No kernels found; run `torchup kernel add` to add one.")
    rows = [(mark(style, "error" if k.problem else "pass"), k.name, k.display_name or "-") for k in kernels]
    listed = table(("", text("kernel.column.name", "name"), text("kernel.column.label", "shown as")), rows, style)
    return "\n".join((listed, *(_problem(kernel) for kernel in kernels if kernel.problem)))


def _problem(kernel: Row) -> str:
    reason = PROBLEMS.get(kernel.problem or "", kernel.problem or "")
    where = kernel.path or (kernel.argv[0] if kernel.argv else kernel.folder)
    return text("kernel.problem", "{name}: {reason} ({where})", name=kernel.name, reason=reason, where=where)
