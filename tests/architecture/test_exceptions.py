"""Every exception from a rule says why, where it is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("*.py"), *(path for room in ("src", "scripts", "tests") for path in (ROOT / room).rglob("*.py"))]
EXCEPTION = re.compile(r"#\s*(?:noqa\b|type:\s*ignore|pragma:\s*no)")
REASONED = re.compile(r"#\s*(?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])  # \S")


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: str(path.relative_to(ROOT)))
def test_an_exception_names_its_rule_and_its_reason(path):
    """`noqa` and `type: ignore` name what they silence and why; nothing is hidden from the coverage."""
    lines = path.read_text("utf-8").splitlines()
    found = [line for line in lines if EXCEPTION.search(line) and not REASONED.search(line)]
    assert [line for line in found if "EXCEPTION = " not in line] == []
