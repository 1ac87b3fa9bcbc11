"""What a verb returns, and the two ways it is shown: text for people, one JSON envelope for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.envelope import document
from torchup.errors import ExitCode
from torchup.model import Notice, Value

if TYPE_CHECKING:
    from collections.abc import Callable


class Answer(Value, frozen=True, kw_only=True):
    """A verb's result. ``text`` is asked for only when people read it.

    ``strong``: the words of the text that are set off on a terminal, since they are the answer. ``document``: the text
    is a file of another program or for another page; a terminal shows it as it is. ``html``: the answer for a notebook.
    """

    command: str
    data: Any
    text: Callable[[], str]
    exit_code: int = ExitCode.OK
    notices: tuple[Notice, ...] = ()
    strong: Callable[[], str] = str
    document: bool = False
    html: Callable[[], str] | None = None


def envelope(answer: Answer, *, own: bool = False) -> str:
    """The JSON document of a finished verb. ``own``: a secret in it was made for its reader, who needs it to log in."""
    return document(answer.command, answer.data, exit_code=answer.exit_code, notices=answer.notices, own=own)
