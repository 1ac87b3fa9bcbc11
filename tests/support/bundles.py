"""Bundles that a test lays out by hand."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_sums(folder: Path) -> None:
    """SHA256SUMS of what lies in a folder, as `sha256sum` writes it."""
    files = [folder / "plan.json", *sorted((folder / "wheels").glob("*"))]
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
        for file in files
        if file.is_file()
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))
