"""How values stand in texts: what is unknown is said to be, and a percentage has one form."""

from __future__ import annotations

import ast
import re
from itertools import pairwise

from scripts import messages

from architecture.test_imports import PACKAGE

SIGNS = {"-", "?"}
CALLS = {"message", "text", "text_of"}
# Rooms whose words all end in sentences; elsewhere a sign may stand in a cell of a table.
SENTENCES = ("doctor", "bench", "jobs")
FILES = sorted(PACKAGE.rglob("*.py"))
FORM = PACKAGE / "bench" / "stats.py"  # holds `percentage`


def signs(node):
    """Every "-" or "?" below a node that takes the place of a value that is not there."""
    for part in ast.walk(node):
        match part:
            case ast.BoolOp(op=ast.Or(), values=[*_, last]):
                yield from (one for one in [last] if is_sign(one))
            case ast.IfExp(body=one, orelse=other):
                yield from filter(is_sign, (one, other))
            case ast.Call(func=ast.Attribute(attr="get"), args=[_, default]) if is_sign(default):
                yield default


def is_sign(node):
    """Whether a node is such a sign, alone, in a list or as the constant of the tables."""
    match node:
        case ast.List(elts=[ast.Constant(value=value)]) | ast.Constant(value=value):
            return value in SIGNS
        case ast.Attribute(attr="NONE", value=ast.Name(id="numbers")):
            return True
    return False


def in_messages(source):
    """The signs among the values of messages."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    for call in calls:
        if (getattr(call.func, "id", None) or getattr(call.func, "attr", None)) in CALLS:
            yield from (sign for keyword in call.keywords for sign in signs(keyword.value))


def percentages(source):
    """The places of a file that write a percentage themselves: ``:.0%``, or a sign after a value."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=str(form))])):
                if form.endswith("%"):
                    yield node.lineno
            case ast.JoinedStr(values=parts):
                after = (two for one, two in pairwise(parts) if isinstance(one, ast.FormattedValue))
                variable = isinstance(parts[0], ast.Constant) and parts[0].value.endswith("%")  # of Windows: %NAME%
                signed = (part for part in after if isinstance(part, ast.Constant) and not variable)
                yield from (part.lineno for part in signed if re.match(r" ?%(?!\w)", part.value))


def test_the_walks_see_what_they_are_for():
    """A sign and a percentage of every form are found; a cell of a table and another sign are left alone."""
    guilty = (
        'message("x", "{a} {b} {c}", a=x or "?", b="-" if y is None else y, c=z.get("z", "-"), d=n or numbers.NONE)'
    )
    assert len(list(in_messages(guilty))) == 4
    assert len(list(signs(ast.parse('(words or ["-"])[0]')))) == 1
    assert list(in_messages('rows = [x or "-"]; message("x", "{a}", a=x or UNKNOWN)')) == []
    assert len(list(percentages('f"{x:.0%} {100 * x:.1f} % {y}%"'))) == 3
    assert list(percentages("""f"%{x}%" + "%s" % z + f"{y}%s" """)) == []


def test_an_unknown_value_is_no_sign():
    """In a sentence what is unknown is called so, or left out: a "-" or "?" is a cell of a table, and no word."""
    found = []
    for path in FILES:
        source, place = path.read_text("utf-8"), path.relative_to(PACKAGE)
        if re.search(r"""["'][-?]["']|NONE""", source):  # few files have one; to parse all of them takes long
            wide = signs(ast.parse(source)) if place.parts[0] in SENTENCES else ()
            found += [(str(place), sign.lineno) for sign in (*in_messages(source), *wide)]
    assert found == []


def test_a_percentage_has_one_form():
    """`percentage` writes every share that people read."""
    sources = {path.relative_to(PACKAGE): path.read_text("utf-8") for path in FILES if path != FORM}
    read = {place: source for place, source in sources.items() if "%" in source and place.parts[0] != "worker"}
    assert [(str(place), line) for place, source in read.items() for line in percentages(source)] == []


def test_no_template_writes_a_percentage():
    """The sign comes with the value, so that two sentences cannot differ in it; the page's counter is a script's."""
    found = {entry.context for entry in messages.extract() if entry.id and re.search(r"\} ?%", str(entry.id))}
    assert found == {"web.say.loading"}
