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
from scripts import messages

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


# Which verbs show the hints of a room or file (the longest name counts); each of them has the options of these hints.
PLANNERS = ("plan", "up", "fetch", "env create", "fleet report")
SHOWN_BY = {
    "bench": ("bench",),
    "detect/pretend": ("plan", "fetch", "wheel", "doctor", "catalog measure"),
    "envs/registry": ("env adopt",),
    "fetch": ("up", "env create", "fetch"),
    "install": ("up", "env create"),
    "jobs/diagnose": ("doctor", "verify"),
    "jobs/hub": ("up", "env create"),
    "jobs/project": ("project show", "project check", "project sync"),
    "plan": PLANNERS,
    "plan/exports": ("plan",),
    "project": ("project sync",),
    "sources/wheel_find": ("catalog measure",),
    "cli/machine_options": ("plan", "doctor"),
    "cli/target": ("verify", "doctor"),
    "cli/distributed": ("bench",),
}


def hinted() -> Iterator[tuple[str, str, str]]:
    """(room/file, hint, option) of each option that a hint names outside a whole command."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for code, english in messages.calls(path.read_text("utf-8")):
            parts = english.split("`") if code.endswith(".hint") else []
            quoted = (part for part in parts[1::2] if part.startswith("--"))
            for option in re.findall(r"--[a-z][a-z-]*", " ".join((*parts[::2], *quoted))):
                yield path.relative_to(PACKAGE).with_suffix("").as_posix(), english, option


def verbs() -> dict[str, set[str]]:
    """Each verb with its options."""
    found: dict[str, set[str]] = {}
    open_ = [("", make_app())]
    while open_:
        name, verb = open_.pop()
        if isinstance(verb, click.Group):
            context = click.Context(verb)
            inner = ((one, verb.get_command(context, one)) for one in verb.list_commands(context))
            open_ += [(f"{name} {one}".strip(), command) for one, command in inner if command is not None]
        else:
            found[name] = {option for one in verb.params for option in (*one.opts, *one.secondary_opts)}
    return found


def has(option: str, file: str, hint: str, known: dict[str, set[str]]) -> bool:
    """Whether every verb that shows a hint has the option, or a command that the hint names before it."""
    before = hint.partition(option)[0].split("`")[1::2]
    lines = (part.removeprefix("torchup ") for part in before if part.startswith("torchup "))
    if any(option in options for line in lines for verb, options in known.items() if f"{line} ".startswith(f"{verb} ")):
        return True
    room = max((name for name in SHOWN_BY if f"{file}/".startswith((f"{name}/", f"{name}_"))), key=len, default=None)
    if room is None:  # a file of a verb: one of its subverbs
        own = file.removeprefix("cli/").split("_")[0]
        return file.startswith("cli/") and any(option in known[verb] for verb in known if verb.split()[0] == own)
    return all(option in known[verb] for verb in SHOWN_BY[room])


def test_every_option_of_a_hint_is_one_of_the_verbs_that_show_it():
    """An option that a hint names can be typed: the verb has it, or the hint names the verb that has it."""
    known = verbs()
    named = list(hinted())
    assert len(named) > 60
    wrong = {(file, option, hint) for file, hint, option in named if not has(option, file, hint, known)}
    assert wrong == set()


def test_an_option_of_another_verb_is_found():
    """The law itself: an option that only one of the verbs has is named with its verb, or refused."""
    known = verbs()
    assert not has("--env", "install/engine", "use another name with --env", known)
    assert not has("--assume", "plan/failure", "add --assume gpu=NAME", known)
    assert has("--assume", "plan/failure", "run `torchup plan` with --assume gpu=NAME", known)
    assert has("--path", "install/engine", "choose another --path", known)


def test_the_walk_finds_what_is_there():
    """The walk itself: hints, tables and argument vectors are all met."""
    found = commands()
    assert len(found) > 100
    assert {
        ("up.py", "torchup bench --resume"),
        ("machine_options.py", "torchup detect --json > NAME.json"),
        ("kernel.py", "torchup kernel remove --stale"),
    } <= found
    assert any(file.endswith(".toml") for file, _ in found)
    assert list(vectors())


@pytest.mark.parametrize("line", ["torchup plan --nope", "torchup nope", "torchup plan --profile nope", "torchup up x"])
def test_what_does_not_exist_is_refused(line):
    """The check itself: a wrong option, verb, value or argument is not let through."""
    with pytest.raises((click.ClickException, TorchupError, AssertionError)):
        parse(make_app(), words_of(line))
