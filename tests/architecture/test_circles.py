"""No import circle in the rooms that measure and show: whatever is imported first, the rest is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "torchup"
ROOMS = ("model", "bench", "results", "report", "i18n")
FILES = {
    "torchup." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ROOMS
    for path in (PACKAGE / room).rglob("*.py")
}


def neighbours(path: Path) -> set[str]:
    """The modules that a file names in an import, those for types alone included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
            found |= inner or {node.module}
    return found & FILES.keys()


GRAPH = {name: neighbours(path) - {name} for name, path in FILES.items()}


@pytest.mark.parametrize("name", [name for name in GRAPH if name.startswith("torchup.bench.")])
def test_no_module_that_measures_reaches_itself(name):
    """Following imports from a module never leads back to it."""
    seen, ahead = set[str](), set(GRAPH[name])
    while ahead:
        step = ahead.pop()
        assert step != name
        seen.add(step)
        ahead |= GRAPH[step] - seen
