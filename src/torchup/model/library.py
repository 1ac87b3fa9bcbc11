"""A compiled library inside a wheel, as it describes itself."""

from __future__ import annotations

from torchup.model.text import Value


class Library(Value, frozen=True, kw_only=True):
    """A shared library. ``None``: it does not say, or it could not be read."""

    kind: str  # elf | pe | mach-o
    machine: str | None = None  # x86_64 | aarch64 | arm64 | x86 ...
    needed: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()  # of Windows with the library: "c10.dll!?f@c10@@"
    glibc: str | None = None  # the newest symbol version of glibc that it asks for
    architectures: tuple[str, ...] = ()  # "sm_90", "compute_90"; empty: none found
