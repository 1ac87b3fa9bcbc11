"""Every text has its Chinese, and the pages made from code are what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import messages

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


def test_a_code_means_one_text():
    """Two English texts under one code would be two Chinese ones, and a program could not tell them apart."""
    texts: dict[str, set[str]] = {}
    for path in messages.PACKAGE.rglob("*.py"):
        for code, english in messages.calls(path.read_text("utf-8")):
            texts.setdefault(code, set()).add(english)
    assert {code: found for code, found in texts.items() if len(found) > 1} == {}


def test_a_sample_is_repeatable():
    """A seed names a sample: two readers judge the same texts, another seed gives others, too many are all."""
    template = messages.extract()
    texts = messages.sample(template, 1, 20)
    assert texts == messages.sample(template, 1, 20)
    assert len(set(texts)) == 20
    assert texts != messages.sample(template, 2, 20)
    assert len(messages.sample(template, 1, 1_000_000)) == sum(1 for entry in template if entry.id)
