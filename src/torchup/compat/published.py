"""What was ever published: labels, pairs of release and label, wheels for a Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import minor, version_key
from torchup.compat.builds import PERSONAL, Builds
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torchup.catalog.types import Row

_TAG = lazy_pattern(r"(?P<system>macosx|manylinux|musllinux|linux|win)(?:\d{4}|_\d+_\d+)?_?(?P<arch>\w+)")
_ARCH = {"amd64": "x86_64", "aarch64": "aarch64", "arm64": "arm64", "x86_64": "x86_64"}
_SYSTEM = {"macosx": "macos", "win": "windows", "manylinux": "linux", "linux": "linux"}


class Published(Builds):
    """Questions about publications; a platform of ``None`` is any. Unknown answers are ``None``.

    The releases before the catalogue's are read only where its own do not answer.
    """

    def _every_row(self) -> Iterator[Row]:
        yield from self.catalog.rows
        yield from self._old

    def label_exists(self, label: str) -> bool:
        """Whether any release was ever published with a label (``cu128``, ``rocm7.2``)."""
        return any(row.variant == label for row in self._every_row())

    def on_platform(self, label: str, platform: str) -> bool:
        """Whether anything with a label was ever published for a platform; on macOS nothing has a label."""
        return any(row.variant == label and row.platform == platform for row in self._every_row())

    def is_published(self, torch: str, label: str, platform: str | None) -> bool | None:
        """Whether a release was published with a label; ``None``: the catalogue does not list the release."""
        rows = self._of_release(torch)
        return any(row.variant == label and platform in (None, row.platform) for row in rows) if rows else None

    def is_listed(self, torch: str) -> bool:
        """Whether the catalogue lists a release, of whatever label."""
        return bool(self._of_release(torch))

    def _of_release(self, torch: str) -> list[Row]:
        key = version_key(torch)
        return [row for row in self._rows(torch) if version_key(row.torch)[: len(key)] == key]

    def has_wheel(
        self, python: str, platform: str | None, *, torch: str | None = None, labels: Collection[str] = ()
    ) -> bool | None:
        """Whether a wheel exists for a Python, of this release and these labels where they are named.

        ``None``: the catalogue lists no such build, or systems differ and it is not known which one this is.
        """
        if platform is None:
            answers = {self.has_wheel(python, place, torch=torch, labels=labels) for place in PERSONAL} - {None}
            return answers.pop() if len(answers) == 1 else None
        tag = minor(python) + ("t" if python.endswith("t") else "")
        rows = self._of_release(torch) if torch is not None else self._every_row() if labels else self.catalog.rows
        found = [row for row in rows if row.platform == platform and (not labels or row.variant in labels)]
        return any(tag in row.pythons for row in found) if found else None

    def torch_of(self, companion: str, version: str) -> str | None:
        """The newest torch that a release of torchvision or torchaudio belongs to; ``None``: there is none."""
        pairs = ((row.torch, row.companions.get(companion)) for row in self._every_row())
        return next((torch for torch, found in pairs if found and minor(found.version) == minor(version)), None)


def platform_of_tag(tag: str) -> str | None:
    """``win_amd64`` -> ``windows_x86_64``; ``None``: nothing is published for it (musl, 32-bit)."""
    found = _TAG.fullmatch(tag)
    arch = _ARCH.get(found["arch"]) if found is not None else None
    system = _SYSTEM.get(found["system"]) if found is not None else None
    if arch is None or system is None:
        return None
    if system == "macos":
        return f"macos_{arch}"
    return f"{system}_{'aarch64' if arch == 'arm64' and system == 'linux' else arch}"


def has_labels(platform: str) -> bool:
    """Whether builds of a platform carry a label after the plus sign: those of macOS never do."""
    return not platform.startswith("macos")
