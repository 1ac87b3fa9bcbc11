"""Which program installs system packages on the distribution of the facts (``data/package_tools.toml``). Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.data_files import read_data
from torchup.model import Value

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts

APT, DNF = "apt", "dnf"


class PackageTool(Value, frozen=True, kw_only=True):
    """One program: how it removes packages, and what names the package of a file.

    ``folder``: in the paths of libraries of these distributions alone. ``numbered``: whether packages of one driver
    branch end in its number.
    """

    program: str
    remove: tuple[str, ...]
    owner: tuple[str, ...]
    names: tuple[str, ...]
    source: str
    folder: str | None = None
    numbered: bool = False


@cache
def package_tools() -> tuple[PackageTool, ...]:
    """The rows of the file."""
    return read_data(Path(__file__).parent / "data" / "package_tools.toml", dict[str, tuple[PackageTool, ...]])["tool"]


def package_tool(facts: Facts) -> PackageTool | None:
    """The program of this distribution; ``None``: the distribution is unknown, or none of those that the file names."""
    name = "jetson" if facts.system.jetson else (facts.system.distribution or "").lower()
    return next((tool for tool in package_tools() if any(word in name for word in tool.names)), None)


def uses_apt(facts: Facts) -> bool:
    """Whether the distribution is known to be a Debian or one of its relatives."""
    tool = package_tool(facts)
    return tool is not None and tool.program == APT
