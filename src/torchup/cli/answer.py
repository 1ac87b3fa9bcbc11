"""What a verb returns, and the two ways it is shown: text for people, one JSON envelope for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.encoding import to_json
from torchup.errors import ExitCode, TorchupError
from torchup.model import Notice, Value
from torchup.privacy import shown

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = "torchup/1"


class Answer(Value, frozen=True, kw_only=True):
    """A verb's result. ``text`` is asked for only when people read it.

    ``strong``: the words of the text that are set off on a terminal, since they are the answer. ``document``: the text
    is a file of another program or for another page; a terminal shows it as it is.
    """

    command: str
    data: Any
    text: Callable[[], str]
    exit_code: int = ExitCode.OK
    notices: tuple[Notice, ...] = ()
    strong: Callable[[], str] = str
    document: bool = False


def envelope(answer: Answer, *, own: bool = False) -> str:
    """The JSON document of a finished verb. ``own``: a secret in it was made for its reader, who needs it to log in."""
    status = (
        "ok" if answer.exit_code == ExitCode.OK else "findings" if answer.exit_code == ExitCode.FINDINGS else "error"
    )
    return _safe_json(
        {
            "schema": SCHEMA,
            "command": answer.command,
            "status": status,
            "exit_code": int(answer.exit_code),
            "data": answer.data,
            "messages": [{"code": n.code, "level": n.level, "text": n.text} for n in answer.notices],
        },
        own=own,
    )


def _safe_json(document: dict[str, Any], *, own: bool = False) -> str:
    """A document without credentials, and with every character escaped that would steer a terminal (C1, bidi)."""
    text = to_json(document if own else shown(document))
    if text.isascii():
        return text
    return "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def error_envelope(command: str, error: TorchupError) -> str:
    """The JSON document of a verb that failed: same keys, ``data`` null, the error and its hint as messages."""
    messages = [{"code": error.code, "level": "error", "text": str(error.text)}]
    if error.hint is not None:
        messages.append({"code": error.hint.code, "level": "hint", "text": str(error.hint)})
    return _safe_json(
        {
            "schema": SCHEMA,
            "command": command,
            "status": "error",
            "exit_code": int(error.exit_code),
            "data": None,
            "messages": messages,
        }
    )
