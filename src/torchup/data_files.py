"""The tables that ship in the package: TOML for those who write them and, in a wheel, the same as JSON beside it.

`hatch_build.py` writes the JSON: tomllib reads 7 MB a second, msgspec's JSON 300, and a report has 150 ms. A checkout
has none, so that there an edited table counts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


def read_data(path: Path, kind: type[T]) -> T:
    """A table, validated.

    Args:
        path: its TOML file.
        kind: what it is read as.

    Raises:
        OSError, ValueError: the file does not exist, or is not TOML.
        msgspec.ValidationError: names the row that does not fit.
    """
    try:
        return msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=kind)
    except FileNotFoundError:
        import tomllib  # noqa: PLC0415  # not needed in an installed package

        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
