"""A value of an enumeration is a code for programs; people read words."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from architecture.test_imports import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Enumerations whose values are the names that people type or know, the same in every language.
NAMES = {"Os", "Vendor", "InstallerName"}
PLAIN = {"evidence", "certainty", "basis"}  # fields of plain text that hold a code of the tables
NUMBERS = {"response.status"}  # HTTP's


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Every file with an enumeration or a message."""
    files = ((path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py")))
    return tuple(
        (name, ast.parse(text)) for name, text in files if "message(" in text or "text(" in text or "Enum" in text
    )


@cache
def fields() -> frozenset[str]:
    """Names of fields that hold a value of an enumeration."""
    classes = [node for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    enums = {one.name for one in classes if any(ast.unparse(base).endswith("Enum") for base in one.bases)} - NAMES
    held = (node for one in classes for node in one.body if isinstance(node, ast.AnnAssign))
    return frozenset(
        ast.unparse(node.target) for node in held if set(ast.unparse(node.annotation).split(" | ")) & enums
    ) | frozenset(PLAIN)


def raw(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, value) of what stands in a sentence as it is stored: ``one.axis``, by its value, or as text."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"message", "text"}:
            for keyword in call.keywords:
                value = keyword.value
                if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "str":
                    value = value.args[0]
                if isinstance(value, ast.Attribute) and value.attr == "value":
                    value = value.value
                if isinstance(value, ast.Attribute) and value.attr in fields() and ast.unparse(value) not in NUMBERS:
                    yield keyword.value.lineno, ast.unparse(keyword.value)


def test_no_sentence_shows_a_code():
    """A value of an enumeration stands in a sentence only by way of a table of words."""
    assert {"axis", "severity", "status"} <= fields()
    assert [(file, *found) for file, tree in trees() for found in raw(tree)] == []


def test_the_walk_sees_a_code_in_every_form():
    """As it is, by its value and as text; words from a table are let through."""
    source = 'message("x", "{a}", a=one.axis, b=one.axis.value, c=str(one.axis), d=AXES[one.axis], e=one.name)'
    assert [said for _, said in raw(ast.parse(source))] == ["one.axis", "one.axis.value", "str(one.axis)"]
