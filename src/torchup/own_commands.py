"""The commands that change or remove torchup itself, by what installed it: a tool's environment has no pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.host.installation import own_installation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host.installation import Installation

NAME = "torchup"
# Double quotes hold in sh, cmd.exe and PowerShell alike; a requirement holds `<`, `>` and brackets.
_UPDATE: Mapping[str, str] = {
    "uv-tool": "uv tool upgrade {name}",
    "pipx": "pipx upgrade {name}",
    "pip": "{python} -m pip install --upgrade {name}",
    "uv-pip": "uv pip install --python {python} --upgrade {name}",
}
_REINSTALL: Mapping[str, str] = {
    "uv-tool": "uv tool install --reinstall {name}",
    "pipx": "pipx reinstall {name}",
    "pip": "{python} -m pip install --force-reinstall --no-deps {name}",
    "uv-pip": "uv pip install --python {python} --reinstall-package {name} {name}",
}
_REMOVE: Mapping[str, str] = {
    "uv-tool": "uv tool uninstall {name}",
    "pipx": "pipx uninstall {name}",
    "pip": "{python} -m pip uninstall {name}",
    "uv-pip": "uv pip uninstall --python {python} {name}",
}
_ADD: Mapping[str, str] = {
    "uv-tool": 'uv tool install --with "{requirement}" {name}',
    "pipx": 'pipx inject {name} "{requirement}"',
    "pip": '{python} -m pip install "{requirement}"',
    "uv-pip": 'uv pip install --python {python} "{requirement}"',
}
_EXTRA: Mapping[str, str] = {
    **_ADD,
    "uv-tool": 'uv tool install "{requirement}"',
    "pipx": 'pipx install --force "{requirement}"',
}


def update_torchup(of: Installation | None = None) -> str:
    """The command that brings torchup up to date."""
    return _filled(_UPDATE, of)


def reinstall_torchup(of: Installation | None = None) -> str:
    """The command that writes torchup's files again."""
    return _filled(_REINSTALL, of)


def remove_torchup(of: Installation | None = None) -> str:
    """The command that removes torchup."""
    return _filled(_REMOVE, of)


def add_to_torchup(requirement: str, of: Installation | None = None) -> str:
    """The command that installs a package beside torchup, or one of torchup's extras (``torchup[mcp]``)."""
    return _filled(_EXTRA if requirement.startswith(f"{NAME}[") else _ADD, of, requirement)


def _filled(commands: Mapping[str, str], of: Installation | None, requirement: str = "") -> str:
    """``of``: default, the torchup that runs now."""
    own = of or own_installation()
    python = f'"{own.python}"' if " " in own.python else own.python
    return commands[own.installer].format(name=NAME, python=python, requirement=requirement)
