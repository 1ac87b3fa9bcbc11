"""The templates of the pages: whatever they show is escaped, and nothing in them can go round that."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError, nodes

import torchup
from torchup.i18n import printable
from torchup.report.templating import environment

PACKAGE = Path(torchup.__file__).parent
TEMPLATES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.jinja"))
FILTERS = {"words", "render", "prose", "trim", "length", "map", "max"}
ROUND = (nodes.MarkSafe, nodes.MarkSafeIfAutoescape, nodes.ScopedEvalContextModifier, nodes.Concat, nodes.Include)
NAMES = {"torchup"}  # words that are the same in every language


class Reader(HTMLParser):
    """Elements, attributes and text of a piece of markup."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note one."""
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        """Text between elements."""
        self.text += data


def source(name):
    """A template whose expressions are a 0, without statements and comments."""
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", (PACKAGE / name).read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", "0", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_goes_round_the_escape(name):
    """Filters are the known ones, none of which makes text safe, and no other way to do that is used."""
    tree = environment().parse((PACKAGE / name).read_text("utf-8"))
    assert {one.name for one in tree.find_all(nodes.Filter)} <= FILTERS
    assert list(tree.find_all(ROUND)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_attribute_is_in_quotes_and_none_runs(name):
    """An escaped text cannot end an attribute in quotes; no attribute is a handler, no address comes from outside."""
    assert "=" not in re.sub(r'="[^"]*"', "", source(name))
    assert re.findall(r"\son\w+=|javascript:", source(name)) == []
    if name != "web/templates/page.html.jinja":  # its addresses are its own files and fragments
        assert re.findall(r"(?:href|src|action)=\"0", source(name)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_holds_a_sentence(name):
    """Sentences come in rendered, else nobody translates them."""
    outside = re.sub(r"<[^>]*>", " ", re.sub(r'[\w-]+="[^"]*"', "", source(name)))
    assert set(re.findall(r"[^\W\d_]+", outside)) <= NAMES


@given(st.text(max_size=60))
def test_any_text_is_escaped_once_and_cleaned(text):
    """It comes back from the parser as it went in, without control characters, from every place and as code."""
    template = environment().from_string('<p title="{{ x }}">{{ x }}</p>{{ x|prose }}')
    read = Reader(template.render(x=text).replace("\r", ""))
    assert [tag for tag in read.tags if tag != "code"] == ["p"]
    clean = printable(text).replace("\r", "")
    assert read.attributes["title"] == clean
    assert read.text == clean + clean.replace("`", "")


@pytest.mark.parametrize("values", [{}, {"x": None}])
def test_a_value_that_is_missing_is_an_error(values):
    """A page never says `None`, and a misspelt name does not vanish."""
    with pytest.raises((UndefinedError, TypeError)):
        environment().from_string("{{ x }}").render(values)


def test_a_place_in_a_chart_is_short():
    """Floats have two digits at most; whole numbers stay whole."""
    template = environment().from_string("{{ a }} {{ b }} {{ c }}")
    assert template.render(a=12.3456, b=50.0, c=7) == "12.35 50 7"
