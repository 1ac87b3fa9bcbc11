"""The part of docs/WRITING.md that a program can check: words that are not used, and "where" in place of "if"."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from itertools import takewhile
from pathlib import Path

import pytest
from scripts import messages

ROOT = Path(__file__).parents[2]
WORDS = tomllib.loads((Path(__file__).parent / "banned_words.toml").read_text("utf-8"))["word"]
BANNED = re.compile("|".join(f"({word['pattern']})" for word in WORDS).replace(" ", r"\s+"), re.IGNORECASE)
# A sentence that starts with "where" and goes on after a comma: a condition. A question or a place has no second half.
CONDITION = re.compile(r"(?:^|[.!?:;(]\s+)where\s[^,.]*,", re.IGNORECASE)
CODE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)
OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SOURCES = sorted(path for folder in ("src", "scripts") for path in (ROOT / folder).rglob("*.py"))
PAGES = [
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / "changelog.d").glob("*.md"),
]


def banned(text):
    """What a text says that it should not, and what to write instead."""
    found = ((match[0], match.lastindex) for match in BANNED.finditer(text))
    return [f"{said!r}: {WORDS[number - 1]['instead']}" for said, number in found if number]


def docstrings_and_comments(source):
    """(line, text) of each docstring, and of each comment with those that continue it on the next lines.

    Empty for a file without a banned word anywhere: that is nearly every file, and it is read ten times as fast.
    """
    if not BANNED.search(re.sub(r"\n\s*#+", "\n", source)):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, OWNERS) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text
    comments = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            start = comments[line - 1][0] if line - 1 in comments and not token.line[: token.start[1]].strip() else line
            text = f"{comments[line - 1][1]} " if start != line else ""
            comments[line] = start, text + token.string.lstrip("# ")
    yield from comments.values()


def prose(page):
    """The sentences of a page without its code, which other tests check."""
    return CODE.sub("``", page)


def last_section(changelog):
    """The release notes of the newest version."""
    notes = changelog.partition("<!-- towncrier release notes start -->")[2].strip().splitlines()
    return "\n".join(notes[:1] + list(takewhile(lambda line: not line.startswith("## "), notes[1:])))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word["examples"][0])
def test_every_pattern_finds_its_examples(word):
    """A pattern that finds nothing would hold nothing."""
    assert all(word["instead"] in " ".join(banned(example)) for example in word["examples"])


@pytest.mark.parametrize(
    "text", ["there is no wheel", "it is no longer there", "It is no slower than uv", "all of the same kind"]
)
def test_plain_sentences_pass(text):
    """A pattern that finds everything would be switched off."""
    assert banned(text) == []


def test_every_word_of_the_page_is_found():
    """The table of docs/WRITING.md and the patterns name the same words."""
    table = (ROOT / "docs" / "WRITING.md").read_text("utf-8").partition("| not this |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    words = [word.strip() for cell in cells for word in re.sub(r"\(.*?\)", "", cell).split(",")]
    assert len(words) > 10
    assert [word for word in words if not banned(f"it {word}")] == []


def test_a_condition_is_not_a_place():
    """The word "where" is found as a condition, and left alone as a place."""
    assert CONDITION.search("Where the disk is full, delete something")
    assert CONDITION.search("it stops; where the disk is full, it says so")
    assert not CONDITION.search("Where the time went")
    assert not CONDITION.search("the folder where kernels are, and their names")


def test_messages():
    """No message or help text uses a banned word or starts a condition with "where"."""
    texts = [(entry.context, str(entry.id)) for entry in messages.extract() if entry.id]
    assert [(code, found) for code, text in texts for found in banned(text)] == []
    assert [(code, text) for code, text in texts if CONDITION.search(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents(path):
    """No document and no changelog fragment uses a banned word; the page of the rules has to name them."""
    if path.name != "WRITING.md":
        assert banned(prose(path.read_text("utf-8"))) == []


def test_release_notes():
    """The newest section of the changelog uses no banned word."""
    assert banned(prose(last_section((ROOT / "CHANGELOG.md").read_text("utf-8")))) == []


def test_docstrings_and_comments():
    """No docstring and no comment of the package and its scripts uses a banned word."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {said}"
        for path in SOURCES
        for line, text in docstrings_and_comments(path.read_text("utf-8"))
        for said in banned(text)
    ]
    assert found == []


def test_the_walk_reads_docstrings_and_comments():
    """Both are read, a comment together with the lines that continue it; strings are not."""
    source = 'x = "made anew"\n\n\ndef f():\n    """Made\n    anew."""\n    # without a\n    # word\n'
    assert [said for _, text in docstrings_and_comments(source) for said in banned(text)] == [
        "'anew': again; recreate, reinstall",
        "'without a word': silently",
    ]


def test_no_message_shows_a_dash_for_a_value_that_is_unknown():
    """A sentence says "unknown" (`model.UNKNOWN`), or another sentence is chosen; a dash is for tables."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"message", "text"}:
                found += [f"{path.name}:{node.lineno}" for keyword in node.keywords if _falls_back(keyword.value)]
    assert found == []


def _falls_back(value: ast.expr) -> bool:
    """``x or "-"``, ``x if y else "-"``, or the dash itself."""
    last = value.values[-1] if isinstance(value, ast.BoolOp) else value
    last = last.orelse if isinstance(last, ast.IfExp) else last
    return isinstance(last, ast.Constant) and last.value == "-"
