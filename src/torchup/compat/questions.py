"""Every question about builds, drivers and GPUs, answered from the one catalogue."""

from __future__ import annotations

from functools import cache

from torchup.catalog import load_catalog
from torchup.compat.drivers import Drivers
from torchup.compat.graphics import Graphics
from torchup.compat.published import Published


class Compat(Published, Drivers, Graphics):
    """What rules, planner and worker ask; answers of ``None`` (or nothing) mean that the catalogue does not say."""


@cache
def load_compat() -> Compat:
    """The questions over the built-in catalogue."""
    return Compat(load_catalog())
