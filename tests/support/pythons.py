"""The other Pythons of this machine, for tests of what must run on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def python(version: str) -> str:
    """The path of one Python, such as 3.9; the test is skipped where there is none that starts."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = "python.exe" if os.name == "nt" else f"bin/python{version}"
    candidates = [shutil.which(f"python{version}"), *root.glob(f"versions/{version}.*/{named}")]
    for candidate in filter(None, candidates):
        # pyenv's own stand-ins are on the path without starting anything
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return str(candidate)
    pytest.skip(f"Python {version} is not here")
