"""The wheels that were measured: the table that `scripts/measure_wheels.py` writes. Read for checks, not for plans."""

from __future__ import annotations

import tomllib
from datetime import date  # noqa: TC003  # msgspec reads the annotation
from functools import cache
from importlib import resources

import msgspec

from torchup.catalog.types import Arch
from torchup.catalog.wheel_facts import native, ptx
from torchup.model import Value


class WheelRow(Value, frozen=True, kw_only=True):
    """Wheels of one release and platform that say the same; ``files`` has ``PYTHON SHA256`` for each.

    ``megabytes`` (10^6 bytes) is the largest wheel alone, ``total`` what pip downloads for it with all requirements.
    """

    torch: str
    platform: str
    variant: str
    code: str = ""  # as torch names it: "sm_80 sm_90 compute_90"
    glibc: str | None = None
    macos: str | None = None
    macos_library: str | None = None
    mps_text: str | None = None
    megabytes: int
    total: int | None = None
    read: date
    files: tuple[str, ...]

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons that it was measured for."""
        return tuple(dict.fromkeys(file.split()[0] for file in self.files))

    @property
    def arch(self) -> Arch:
        """The code in it."""
        names = self.code.split()
        return Arch(sass=native(names), ptx=ptx(names), gfx=tuple(n for n in names if n.startswith("gfx")))


class Wheels(Value, frozen=True, kw_only=True):
    """wheels.toml."""

    wheel: tuple[WheelRow, ...]


@cache
def load_wheels() -> tuple[WheelRow, ...]:
    """Read and validate the table (25 ms)."""
    text = resources.files("torchup.catalog").joinpath("data", "wheels.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Wheels).wheel
