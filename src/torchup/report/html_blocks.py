"""The blocks that answers in HTML are built of: commands, lists, folds, failures. Pure; every text is escaped.

A page with torchup's script gets buttons to copy and download (``interactive``); a notebook does not.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from torchup.i18n import render, text
from torchup.privacy import redact
from torchup.report.markup import Markup, element, join, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.errors import TorchupError
    from torchup.model import Message


@cache
def answer_css() -> str:
    """The style of answers, for a document that has none of its own."""
    return files("torchup.report").joinpath("assets/answer.css").read_text(encoding="utf-8")


def in_a_notebook(answer: Markup) -> Markup:
    """An answer with its own style, for a cell's output; the style reaches nothing else there."""
    return element("div", {"class": "torchup"}, element("style", None, Markup(answer_css())), answer)


def framed(document: str) -> Markup:
    """A whole document inside a cell's output: apart from the notebook, and allowed its own script only."""
    attributes = {
        "srcdoc": document, "sandbox": "allow-scripts", "width": "100%", "height": 640, "title": "torchup",
        "style": "border: 1px solid #8886; border-radius: 8px",
    }  # fmt: skip
    return element("iframe", attributes)


def words(value: Message) -> str:
    """A message in the language in use, without users, hosts and home folders."""
    return redact(render(value))


def block(content: str, *, interactive: bool = False, file: str | None = None) -> Markup:
    """Text that is copied as it is: commands, a file. ``file``: the name to download it under."""
    shown = element("pre", {"tabindex": 0}, element("code", None, content))
    if not interactive:
        return element("div", {"class": "block"}, shown)
    copy = element("button", {"type": "button", "data-copy": True}, text("html.copy", "Copy"))
    save = element("button", {"type": "button", "data-save": file}, text("html.save", "Download"))
    buttons = element("div", {"class": "buttons"}, copy, save if file else Markup())
    return element("div", {"class": "block"}, buttons, shown)


def listed(lines: Sequence[Message], name: str = "plain") -> Markup:
    """A list of messages; nothing for none."""
    if not lines:
        return Markup()
    return element("ul", {"class": name}, *(element("li", None, prose(words(line))) for line in lines))


def part(title: str, *content: str) -> Markup:
    """A titled part of an answer; nothing without content."""
    return element("section", {"class": "part"}, element("h3", None, title), *content) if any(content) else Markup()


def fold(title: str, *content: str, name: str | None = None) -> Markup:
    """A part that opens on demand; of folds with one ``name`` one is open at a time."""
    return element("details", {"name": name}, element("summary", None, title), *content)


def head(kind: str, badge: str, title: str, *below: str) -> Markup:
    """The first lines of an answer: what it is, in a word and in a sentence. ``kind`` colours it: good, bad, open."""
    lines = (element("p", {"class": "below"}, line) for line in below if line)
    return element(
        "header",
        {"class": f"head {kind}"},
        element("span", {"class": "badge"}, badge),
        element("h2", None, title),
        *lines,
    )


def failure(error: TorchupError) -> Markup:
    """Why there is no answer, and what helps."""
    hint = element("p", {"class": "hint"}, prose(words(error.hint))) if error.hint else Markup()
    return join(head("bad", text("html.failure", "No answer"), prose(words(error.text))), hint)
