"""The rows of ``doctor/data/selectors.toml``: variables that choose GPUs, and the values that leave none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from torchup.data_files import read_data
from torchup.model import Value, Vendor


class Selector(Value, frozen=True, kw_only=True):
    """One variable. ``none``: values that leave no GPU; ``vendor``: whose runtime reads it so, ``None``: every one."""

    name: str
    vendor: Vendor | None = None
    none: tuple[str, ...]
    source: str


class _File(Value, frozen=True, kw_only=True):
    selector: tuple[Selector, ...]


@cache
def selectors() -> tuple[Selector, ...]:
    """Read the file once."""
    return read_data(Path(__file__).parent / "data" / "selectors.toml", _File).selector


def leaves_none(name: str, value: str, vendor: Vendor) -> bool:
    """Whether a variable's value is known to leave a vendor's runtime no GPU."""
    rows = [row for row in selectors() if row.name == name and row.vendor in (None, vendor)]
    first = value.partition(",")[0].strip()
    return any(first in row.none for row in rows)
