"""The tables: releases, drivers, architectures, GPUs, mirrors; every row with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Overlay


def load_catalog(overlay: Overlay | str | bytes | None = None) -> Catalog:
    """Load the built-in catalogue, with what the user's refreshes learned laid over it.

    Args:
        overlay: an `Overlay`, or its JSON text; ``None`` for the built-in rows alone.

    Raises:
        UsageError: the overlay is not one.
    """
    from torchup.catalog.load import load  # noqa: PLC0415  # detection needs one table of this room, not all

    return load(overlay)
