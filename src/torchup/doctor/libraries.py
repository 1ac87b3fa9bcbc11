"""The rows of ``doctor/data/libraries.toml``: what brings a library that a wheel needs and does not have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from torchup.data_files import read_data
from torchup.model import Value


class SystemLibrary(Value, frozen=True, kw_only=True):
    """A library that a wheel expects from the system, and what brings it. ``names``: in lower case, of its file.

    ``wheels`` may hold ``{major}``, torch's CUDA major.
    """

    names: tuple[str, ...]
    title: str
    wheels: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    brew: tuple[str, ...] = ()
    source: str


class DllRow(Value, frozen=True, kw_only=True):
    """A DLL whose absence has a cure of its own: ``names`` in the loader's message, or a ``sign``."""

    words: str
    names: tuple[str, ...] = ()
    sign: str | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    source: str


class RuntimeRow(Value, frozen=True, kw_only=True):
    """How the Visual C++ runtime is brought up to date."""

    windows: tuple[tuple[str, ...], ...]
    conda: tuple[tuple[str, ...], ...]
    source: str


class Libraries(Value, frozen=True, kw_only=True):
    """The whole file."""

    system_library: tuple[SystemLibrary, ...]
    dll: tuple[DllRow, ...]
    runtime: RuntimeRow


@cache
def libraries() -> Libraries:
    """Read the file once."""
    return read_data(Path(__file__).parent / "data" / "libraries.toml", Libraries)
