"""What answers in HTML share: their first lines, their buttons, failures, and their place in a notebook. Pure.

A page with torchup's script gets buttons to copy and download (``interactive``); a notebook does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.model import Value
from torchup.report.doctor_text import command_line
from torchup.report.templating import prose, rendered, words

if TYPE_CHECKING:
    from markupsafe import Markup

    from torchup.errors import TorchupError
    from torchup.model import Remedy


class Heading(Value, frozen=True, kw_only=True):
    """The first lines of an answer: what it is, in a word and in a sentence. ``kind`` colours it: good, bad, open."""

    kind: str
    badge: str
    title: str
    below: tuple[str, ...] = ()  # empty lines are left out


def buttons(*, interactive: bool = True) -> dict[str, str] | None:
    """What the buttons beside a text say; `None` for a page without torchup's script."""
    return {"copy": text("html.copy", "Copy"), "save": text("html.save", "Download")} if interactive else None


def commands(remedy: Remedy) -> str:
    """A remedy's commands, a line each."""
    return "\n".join(command_line(command, remedy.shell) for command in remedy.commands)


def in_a_notebook(answer: Markup) -> str:
    """An answer with its own style, for a cell's output."""
    return str(rendered("report/templates/cell.html.jinja", answer=answer))


def framed(document: str) -> str:
    """A whole document inside a cell's output."""
    return str(rendered("report/templates/frame.html.jinja", document=document))


def failure(error: TorchupError) -> Markup:
    """Why there is no answer, and what helps."""
    heading = Heading(kind="bad", badge=text("html.failure", "No answer"), title=prose(words(error.text)))
    return rendered("report/templates/failure.html.jinja", heading=heading, hint=error.hint)
