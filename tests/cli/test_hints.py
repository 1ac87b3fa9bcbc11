"""Every command that torchup suggests is one that it takes: walked over the sources, not over what is translated."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import click
import pytest

from architecture.test_imports import PACKAGE
from support.documents import parse
from torchup.cli.app import make_app
from torchup.cli.registry import VERBS
from torchup.errors import TorchupError

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = re.compile(r"`(torchup [^`]+)`")
_PLAIN = re.compile(rf"(?<![`\w-])torchup (?:{'|'.join(VERBS)})\b[^`;:()\n]*")  # a line of its own, or the end of one
_FIELD = re.compile(r"\{(\w+)[^}]*\}")
# A value for a field, where the option or argument does not take just any word.
STAND_INS = {"recipe": "resident", "names": "nju", "kind": "cpu", "variant": "cu126", "installer": "uv", "NAME": "nju"}
_METAVARS = {"SHELL": "bash", "VARIANT": "cu126"}  # words that the reader replaces
_PLACEHOLDERS = {"--help", "[NAME]", "[RUN]", "..."}


_WROTE = {"torchup plan --export", "torchup detect --record"}  # what wrote a file, said in its head: nothing to type


def _texts() -> Iterator[tuple[str, str]]:
    """(file, text) of every string in the code, docstrings left out, and in the tables that come with it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) not in spoken and isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value
    for path in sorted(PACKAGE.rglob("*.toml")):
        yield from ((path.name, text) for text in strings(tomllib.loads(path.read_text("utf-8"))))


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """`_texts`, read once."""
    return tuple(_texts())


def strings(value: Any) -> Iterator[str]:
    """Every string of a table."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


@cache
def commands() -> set[tuple[str, str]]:
    """(file, command line) of what stands in backticks or plain, and of argument vectors of torchup."""
    quoted = {(file, line) for file, text in texts() for line in _QUOTED.findall(text)}
    plain = {
        (file, line)
        for file, text in texts()
        for line in _PLAIN.findall(re.sub("`[^`]*`", "", text))
        if file != "examples.py"
    }  # which have a test of their own: test_help_examples.py
    return quoted | plain | {(file, shlex.join(words)) for file, words in vectors()}


def vectors() -> Iterator[tuple[str, list[str]]]:
    """(file, words) of each tuple or list of strings whose first is ``torchup``: commands of remedies."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.Tuple, ast.List)) and node.elts and _constant(node.elts[0]) == "torchup":
                yield path.name, [_constant(element) or "{field}" for element in node.elts]
    for path in sorted(PACKAGE.rglob("*.toml")):
        yield from ((path.name, words) for words in _lists(tomllib.loads(path.read_text("utf-8"))))


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _lists(value: Any) -> Iterator[list[str]]:
    if isinstance(value, list) and value[:1] == ["torchup"]:
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _lists(inner)


def words_of(line: str) -> list[str]:
    """The words after ``torchup``, with something in place of each field and without a redirection."""
    filled = _FIELD.sub(lambda field: STAND_INS.get(field[1], "thesis"), line.split(" > ", maxsplit=1)[0])
    return [_METAVARS.get(word, word) for word in shlex.split(filled)[1:] if word not in _PLACEHOLDERS]


def test_every_suggested_command_is_taken():
    """Its verb and its options exist, and its values are ones that they take; arguments may be left to the reader."""
    app, wrong = make_app(), []
    for file, line in sorted(commands()):
        if line in _WROTE or line.startswith(("torchup {", "torchup '{")):
            continue  # the field is the whole command: those that fill it are found where they are written
        words = words_of(line)
        try:
            parse(app, words)
        except click.MissingParameter as error:
            wrong += [(file, line, str(error))] if words[-1].startswith("-") else []
        except (click.ClickException, TorchupError, AssertionError) as error:
            wrong.append((file, line, str(error)))
    assert wrong == [], "\n".join(map(str, wrong))


def test_the_walk_finds_what_is_there():
    """The walk itself: hints, tables and argument vectors are all met."""
    found = commands()
    assert len(found) > 100
    assert {
        ("up.py", "torchup bench --resume"),
        ("machine_options.py", "torchup detect --json > {path}/NAME.json"),
        ("kernel.py", "torchup kernel remove --stale"),
    } <= found
    assert any(file.endswith(".toml") for file, _ in found)
    assert list(vectors())


@pytest.mark.parametrize("line", ["torchup plan --nope", "torchup nope", "torchup plan --profile nope", "torchup up x"])
def test_what_does_not_exist_is_refused(line):
    """The check itself: a wrong option, verb, value or argument is not let through."""
    with pytest.raises((click.ClickException, TorchupError, AssertionError)):
        parse(make_app(), words_of(line))
