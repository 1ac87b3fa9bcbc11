"""No pattern and no parser of foreign text takes more than its input's length in time.

Pages, reports and files are somebody else's, and neither a limit nor Ctrl-C acts inside one call of a parser.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import itertools
import re

import pytest

from support import growth
from torchup.documents import DocumentError, read_ini, read_toml, read_yaml
from torchup.sources.index_client import PAGE_LIMIT
from torchup.sources.index_page import PageError, parse_html, parse_json

URL = "https://host/simple/torch/"
# Modules with functions that take one text (``parse_*``, ``read_*``): found by their form, so that a new one is tried.
ROOMS = ("detect", "sources", "doctor", "reports", "bench", "envs", "install", "results")


def _patterns():
    found = {}
    for module, name, pattern, methods in growth.patterns():
        found.setdefault(module, []).append((name, pattern, methods))
    return sorted(found.items())


@pytest.mark.parametrize(("module", "patterns"), _patterns(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_pattern_takes_more_than_its_text(module, patterns):
    """Every compiled pattern of a module, by each method that the package calls it with, on texts made to slow it."""
    slow = {}
    for name, pattern, methods in patterns:
        if why := growth.slow_texts(pattern, methods):
            slow[f"{name}: {pattern.pattern}"] = why
    assert slow == {}


def test_a_quadratic_pattern_is_found():
    """The measure itself tells the pattern that once hung `plan` from one that does not."""
    attribute = re.compile(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
    assert growth.slow_texts(attribute, ["findall"]) is not None
    assert growth.slow_texts(re.compile(r"[a-z]++="), ["match"]) is None


def _parsers():
    """Every public function of the package whose one argument without a default is a text or bytes."""
    for module in growth.modules():
        if not module.__name__.removeprefix("torchup.").startswith(ROOMS):
            continue
        for name, function in vars(module).items():
            if not inspect.isfunction(function) or function.__module__ != module.__name__ or name.startswith("_"):
                continue
            needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
            if len(needed) == 1 and needed[0].annotation in {"str", "bytes", "str | None", "bytes | None"}:
                yield module.__name__, name, needed[0].annotation


PARSERS = sorted(_parsers())
PIECES = (
    "a", " ", "\n", "\t", "|", "\u2502 \t", "[", "{", "<a ", "<gpu>", "<", "0", "0.", "a.", "a=", "a: ", "'", '"',
    "\\", "#", "- ", "torch==", "torch 2.0\n", "[pip3] torch==2.0\n", "\x1b[", "\r", "&amp;", "%", "@", "/", "GPU 0: ",
    '{"a":', "machine a login ", "+-", ",", ";", "CUDA ", "\u4e2d",
)  # fmt: skip


def _quietly(function, kind):
    def work(text):
        try:
            result = function(text.encode() if kind.startswith("bytes") else text)
            for _ in result if inspect.isgenerator(result) else ():
                pass
        except Exception:  # noqa: BLE001, S110  # a refusal is fine here; its time counts
            pass

    return work


@pytest.mark.parametrize(("module", "name", "kind"), PARSERS, ids=[f"{m}.{n}" for m, n, _ in PARSERS])
def test_no_parser_takes_more_than_its_text(module, name, kind):
    """Every function of the package that reads one foreign text, on repeated pieces of all the forms it may meet."""
    work = _quietly(inspect.unwrap(getattr(importlib.import_module(module), name)), kind)
    slow = {}
    for piece, tail in itertools.product(PIECES, ("", "\n!")):
        if why := growth.grows(work, lambda size, piece=piece, tail=tail: piece * (size // len(piece)) + tail):
            slow[piece] = why
    assert slow == {}


PAGES = {
    "letters in a tag": ("<a ", "x", ">"),
    "tags in tags": ("", "<a ", ""),
    "open quotes": ("", "<a href='\"", ">"),
    "blanks in a tag": ("<a x", " ", ">"),
    "equal signs": ("<a ", "x =  ", ">"),
    "attributes": ("<a ", "x=1 ", ">"),
    "quoted tags": ("<a ", '"<a" ', ">"),
    "entities": ('<a href="', "&#1", '">'),
    "comments": ("", "<!--", ""),
    "a link of letters": ('<a href="', "x", '.whl">'),
    "a name of dashes": ('<a href="torch', "-", '.whl">'),
    "tags of a wheel": ('<a href="torch-1-py3.', "a.", '-none-any.whl">'),
    "digits of a version": ('<a href="torch-', "1", '-py3-none-any.whl">'),
    "bases": ("", '<base href="/x">', ""),
    "links": ("", '<a href="torch-2.0-py3-none-any.whl">', ""),
}


@pytest.mark.parametrize(("head", "piece", "tail"), PAGES.values(), ids=PAGES)
def test_a_page_takes_no_more_than_its_length(head, piece, tail):
    """40 KB of letters in one tag once took 25 s; pages grow in time as in length."""

    def work(text):
        with _refused():
            parse_html(text, URL, "s")

    assert growth.grows(work, lambda size: head + piece * (size // len(piece)) + tail) is None


def _refused():
    return contextlib.suppress(PageError, DocumentError)


@pytest.mark.parametrize("page", [*PAGES.values(), ('{"files":[', '{"filename":"a","url":"b"},', "{}]}")])
def test_the_largest_page_is_read_or_refused_in_two_seconds(page):
    """A page at the size limit costs less than a person waits after Ctrl-C, whatever is in it."""
    head, piece, tail = page
    text = head + piece * (PAGE_LIMIT // len(piece)) + tail

    def work(text):
        with _refused():
            if text.startswith("{"):
                parse_json(text.encode(), URL, "s")
            else:
                parse_html(text, URL, "s")

    assert growth.seconds(work, text) < 2.0


DOCUMENTS = {
    "a long dotted key": (read_toml, "a" + ".a" * 20_000 + "=1"),
    "a long dotted table": (read_toml, "[a" + ".a" * 20_000 + "]"),
    "keys at the dot limit": (read_toml, "".join("a." * 199 + f"a{i}=1\n" for i in range(300))),
    "keys below a deep table": (read_toml, "[" + "a." * 199 + "b]\n" + "".join(f"k{i}=1\n" for i in range(15_000))),
    "nested brackets": (read_toml, "x=" + "[" * 100_000),
    "a number without end": (read_toml, "x=" + "1" * 100_000),
    "brackets of YAML": (read_yaml, "[" * 100_000),
    "braces of YAML": (read_yaml, "{" * 100_000),
    "aliases of YAML": (read_yaml, "a: &a [x]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(5000))),
    "merges of YAML": (read_yaml, "a: &a {x: 1}\n" + "b: {<<: [*a, *a, *a]}\n" * 3000),
    "lists of YAML": (read_yaml, "- a\n" * 32_000),
    "blanks of INI": (read_ini, "[a]\n" + ("k" + " " * 2040 + "\n") * 60),
    "a line without end of INI": (read_ini, "[a]\nk" + " " * 100_000),
    "a file without end": (read_toml, "#" * 10_000_000),
}


@pytest.mark.parametrize(("read", "text"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_configuration_file_is_read_or_refused_in_two_seconds(read, text):
    """A dotted key of 40 KB in torchup.toml once held every verb for 16.5 s."""

    def work(text):
        with _refused():
            read(text)

    assert growth.seconds(work, text) < 2.0


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_toml, "[global]\nindex-url https://me:Passw0rd@host/simple\n"),
        (read_yaml, "a: b\n\tPassw0rd: [\n"),
        (read_ini, "[global]\nPassw0rd@host\n"),
    ],
)
def test_no_error_quotes_a_configuration_file(read, text):
    """A line that does not parse may hold a password."""
    with pytest.raises(DocumentError) as told:
        read(text)
    assert "Passw0rd" not in str(told.value)
    assert "line 2" in str(told.value)
