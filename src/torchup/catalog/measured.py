"""A wheel as it was measured: the facts that `torchup catalog measure` reads out of it."""

from __future__ import annotations

from torchup.catalog.types import Arch
from torchup.catalog.wheel_facts import native, ptx
from torchup.model import Value


class MeasuredWheel(Value, frozen=True, kw_only=True):
    """What one wheel says of itself. Sizes in bytes; ``None``: not there, or not looked for."""

    filename: str
    url: str
    torch: str
    variant: str
    platforms: tuple[str, ...]
    pythons: tuple[str, ...]
    requires_python: str | None = None
    requires: tuple[str, ...] = ()
    architectures: tuple[str, ...] | None = None
    sass: tuple[str, ...] = ()
    ptx: tuple[str, ...] = ()
    gfx: tuple[str, ...] = ()
    glibc: str | None = None
    macos: str | None = None  # of the wheel's tag, which installers check
    macos_library: str | None = None  # of the library itself
    mps_text: str | None = None  # the macOS that the MPS backend's error text asks for
    size_bytes: int
    total_bytes: int | None = None  # with everything that it requires
    sha256: str | None = None
    basis: str = "wheel"
    read: str  # date
    bytes_read: int
    seconds: float

    @property
    def arch(self) -> Arch | None:
        """The code in it, as the catalogue keeps it."""
        return (
            Arch(
                sass=native(self.architectures or ()),
                ptx=ptx(self.architectures or ()),
                gfx=self.gfx,
                basis=self.basis,
                source=self.filename,
            )
            if self.architectures
            else None
        )
