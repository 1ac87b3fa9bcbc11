"""The one JSON document of an answer: what ``--json`` prints, and what the page in a browser hands on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.encoding import to_json
from torchup.errors import ExitCode
from torchup.privacy import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.errors import TorchupError
    from torchup.model import Notice

SCHEMA = "torchup/1"


def document(
    command: str, data: Any, *, exit_code: int = ExitCode.OK, notices: Sequence[Notice] = (), own: bool = False
) -> str:
    """The document of a finished verb. ``own``: a secret in it was made for its reader, who needs it to log in."""
    status = "ok" if exit_code == ExitCode.OK else "findings" if exit_code == ExitCode.FINDINGS else "error"
    return _safe_json(
        {
            "schema": SCHEMA,
            "command": command,
            "status": status,
            "exit_code": int(exit_code),
            "data": data,
            "messages": [{"code": n.code, "level": n.level, "text": n.text} for n in notices],
        },
        own=own,
    )


def error_document(command: str, error: TorchupError) -> str:
    """The document of a verb that failed: same keys, ``data`` null, the error and its hint as messages."""
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


def _safe_json(document: dict[str, Any], *, own: bool = False) -> str:
    """A document without credentials, and with every character escaped that would steer a terminal (C1, bidi)."""
    text = to_json(document if own else shown(document))
    if text.isascii():
        return text
    return "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
