"""How this torchup itself was installed: what its own Python environment says."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

from torchup.model import Value

# The file that each program leaves in an environment of its own (uv: crates/uv-tool; pipx: pipx_metadata_file.py).
_RECEIPTS = {"uv-tool": "uv-receipt.toml", "pipx": "pipx_metadata.json"}


class Installation(Value, frozen=True, kw_only=True):
    """``installer``: uv-tool, pipx, pip, or uv-pip: an environment without pip. ``python``: its interpreter."""

    installer: str
    python: str


@cache
def own_installation() -> Installation:
    """What installed the torchup that runs now."""
    return Installation(installer=installer_of(Path(sys.prefix)), python=sys.executable)


def installer_of(prefix: Path, *, has_pip: bool | None = None) -> str:
    """What made the environment at ``prefix``; ``has_pip``: whether it has pip (default: this Python's own answer)."""
    found = next((name for name, file in _RECEIPTS.items() if (prefix / file).is_file()), None)
    if found is not None:
        return found
    pip = importlib.util.find_spec("pip") is not None if has_pip is None else has_pip
    return "pip" if pip else "uv-pip"
