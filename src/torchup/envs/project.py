"""Which environment a command works on when none is named: a project's ``torchup.toml`` may say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs.registry import DEFAULT_NAME, check_name
from torchup.settings import load_settings

if TYPE_CHECKING:
    from torchup.host import Host


def environment_name(host: Host, asked: str | None = None) -> str:
    """The environment asked for, else TORCHUP_ENV, else ``env`` of torchup.toml, else ``default``.

    Raises:
        UsageError: it cannot be a name, or torchup.toml is wrong.
    """
    return check_name(asked or load_settings(host).text("env") or DEFAULT_NAME)
