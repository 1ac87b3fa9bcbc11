"""The catalogue as this user has it: the built-in rows with what ``catalog refresh --write`` learned laid over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog import load_catalog
from torchup.errors import UsageError
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Message


def overlay_path(host: Host) -> str:
    """Where ``torchup catalog refresh --write`` keeps what it learned."""
    return f"{host.folders().data}/catalog.json"


def stored_catalog(host: Host, tell: Callable[[Message], None]) -> Catalog:
    """Load both; report a damaged file of learned rows and skip it."""
    try:
        return load_catalog(host.read_bytes(overlay_path(host)))
    except UsageError as error:
        tell(message("catalog.overlay.skipped", "{problem}; torchup uses the built-in catalogue", problem=error.text))
        return load_catalog()
