"""How each Linux distribution installs NVIDIA's driver: rows of ``data/driver_commands.toml``. Shown, never run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from torchup.data_files import read_data
from torchup.model import Value

Commands = tuple[tuple[str, ...], ...]


class Distribution(Value, frozen=True, kw_only=True):
    """One distribution. A template holds ``{branch}``, the number of a driver branch."""

    names: tuple[str, ...]
    latest: Commands
    source: str
    open: Commands = ()
    proprietary: Commands = ()
    branch: dict[str, Commands] = {}
    nvidia_repository: bool = False

    def commands(self, branch: int | None, *, exact: bool, open_modules: bool | None) -> Commands:
        """The commands for a branch.

        Args:
            branch: its number; ``None``: whatever the distribution thinks best.
            exact: whether a newer branch would be wrong.
            open_modules: whether the card runs the open kernel modules; ``None``: unknown.

        Returns:
            Empty where the distribution has no way to install that branch.
        """
        if branch is None:
            return self.latest
        own = self.branch.get(str(branch), ())
        if exact and own:
            return own
        template = self.open if open_modules else self.proprietary if open_modules is False else ()
        if not template:
            return own if exact else self.latest
        filled = tuple(tuple(word.format(branch=branch) for word in command) for command in template)
        return filled if not exact or filled != template else ()


class _File(Value, frozen=True, kw_only=True):
    page: str
    distribution: tuple[Distribution, ...]


@cache
def _file() -> _File:
    return read_data(Path(__file__).parent / "data" / "driver_commands.toml", _File)


def distribution(name: str | None) -> Distribution | None:
    """The row of a distribution by its name or ID; ``None``: unknown."""
    said = (name or "").lower()
    return next((row for row in _file().distribution if any(word in said for word in row.names)), None)


def driver_page() -> str:
    """Where NVIDIA's drivers are found by hand."""
    return _file().page
