"""No fact about builds, drivers or GPUs is written into code that speaks of them: it is asked of the catalogue."""

from __future__ import annotations

import ast
import re

import pytest

from architecture.test_imports import PACKAGE

PLAN_WORDS = [PACKAGE / "plan" / f"{name}.py" for name in ("reasons", "explain", "advice", "failure", "whatif")]
FILES = [*sorted((PACKAGE / "doctor").rglob("*.py")), *PLAN_WORDS, *sorted((PACKAGE / "worker").rglob("*.py"))]
# What a string may not contain: numbers of releases, drivers and systems, names of builds and of code, addresses.
FACTS = {
    "version": re.compile(r"(?<![\w.%\\{-])(?!127\.)\d+\.\d+(?:\.\d+)*(?![\w%])"),
    "build": re.compile(r"\b(?:cu\d{2,3}|rocm\d[\d.]*)\b"),
    "code": re.compile(r"\b(?:sm_\d+[af]?|compute_\d+[af]?|gfx\d\w+)\b"),
    "driver": re.compile(r"\b(?:branch|driver|R)[ -]?\d{3}\b"),
    "address": re.compile(r"https?://"),
}


def docstrings(tree):
    """The constants that are documentation and not text of the program."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, owners) and node.body)
    return {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}


def facts_in(source, *, tuples=True):
    """(line, kind, text) of every literal fact in a file; ``tuples``: of numbers too, such as (2, 3)."""
    tree = ast.parse(source)
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            for kind, pattern in FACTS.items():
                yield from ((node.lineno, kind, match[0]) for match in pattern.finditer(node.value))
        elif tuples and isinstance(node, ast.Tuple) and len(node.elts) > 1 and all(map(_is_number, node.elts)):
            yield node.lineno, "version", ast.unparse(node)


def _is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) is int


def test_the_walk_sees_facts():
    """What the walk is for is found, and what is no fact is not."""
    guilty = (
        'x = "install torch 2.4.1"\ny = "https://example.org/whl/cu126"\nz = version_key(v) < (2, 3)\nw = "branch 580"'
    )
    assert {kind for _, kind, _ in facts_in(guilty)} == {"version", "build", "address", "driver"}
    innocent = (
        '"""Since 2.4.1."""\nx = r"\\d+\\.\\d+"\ny = "%.2f of {count}"\nz = message("doctor.x", "CUDA {cuda}", cuda=c)'
    )
    assert list(facts_in(innocent)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_literal_fact(path):
    """A number, a build's name or an address in these rooms is a fact that goes stale; the catalogue has it."""
    name = path.relative_to(PACKAGE).as_posix()
    sizes = name.startswith("worker/")  # the tuples of the worker are shapes
    found = list(facts_in(path.read_text("utf-8"), tuples=not sizes))
    assert found == []
