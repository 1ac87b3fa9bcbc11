"""What the page for the browser runs on, got once a user and machine by npm and pip, as `nox -s web` does."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from support.jupyter import shared_cache
from torchup.web.pieces import load_runtime

if TYPE_CHECKING:
    from pathlib import Path


def pieces() -> Path:
    """The folder with the pinned files; skips where npm or the registries are missing."""
    folder = shared_cache() / "web-pieces"
    folder.mkdir(exist_ok=True)
    with FileLock(shared_cache() / "web-pieces.lock"):
        for piece in load_runtime().piece:
            file = folder / piece.file
            if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != piece.sha256:
                _get(piece.get, folder)
    return folder


def _get(line: str, folder: Path) -> None:
    tool, *arguments = shlex.split(line)
    command = [sys.executable, "-m", "pip"] if tool == "pip" else [shutil.which(tool) or ""]
    if not command[0]:
        pytest.skip(f"the page for the browser needs {tool}, which is not here")
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"`{line}` does not work here: {done.stderr[-300:]}")
