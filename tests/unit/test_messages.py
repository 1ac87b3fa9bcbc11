"""Every text has its Chinese, and the pages made from code are what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command",
    [("messages.py", "check"), ("generate_reference.py", "--check")],
    ids=["messages", "reference"],
)
def test_what_is_made_from_the_code_is_current(command):
    """No message is missing or fuzzy in Chinese; no reference page differs from the code."""
    script, *arguments = command
    completed = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *arguments], capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
