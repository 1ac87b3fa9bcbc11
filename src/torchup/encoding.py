"""JSON in and out of the values of `model`: one encoder, one decoder, `Message` written as its English text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from torchup.model import Message, Secret, message, verbatim
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
# Errors of decoding a foreign document: it does not fit, it is nested too deeply, it is not UTF-8.
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _encode_other(value: object) -> object:
    if isinstance(value, Message | Secret):  # a secret's text is its stars
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


def _decode_other(kind: type, value: object) -> object:
    if kind is Message and isinstance(value, str):
        return verbatim(value)
    raise NotImplementedError(f"no value of type {kind.__name__} from {value!r}")


def _schema_other(kind: type) -> dict[str, Any]:
    if kind is Message:
        return {"type": "string"}
    raise NotImplementedError(f"no JSON Schema for {kind.__name__}")


def json_schemas(kinds: Iterable[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """The JSON Schema of each kind as `to_json` writes it, and the shared types for ``$defs``."""
    return msgspec.json.schema_components(kinds, schema_hook=_schema_other)


def to_builtins(value: object) -> Any:
    """Turn values into dicts, lists, strings and numbers; messages become English text."""
    return msgspec.to_builtins(value, enc_hook=_encode_other)


def from_builtins(data: object, kind: type[T]) -> T:
    """Build a value from plain data; `msgspec.ValidationError` names the path of what does not fit."""
    return msgspec.convert(data, kind, dec_hook=_decode_other)


def to_json(value: object, *, indent: int = 2) -> str:
    """Write a value as JSON text with a final newline; ``indent=0`` gives one line."""
    raw = msgspec.json.encode(value, enc_hook=_encode_other)
    return (msgspec.json.format(raw, indent=indent) if indent else raw).decode() + "\n"


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Read a value from JSON; raises one of `UNREADABLE` on anything else."""
    return msgspec.json.decode(text, type=kind, dec_hook=_decode_other)


# What msgspec says of a document that does not fit, and the same in our words. Each part in brackets is a value.
_PLACE = lazy_pattern(r"(?P<what>.*?)(?: - at (?:key in )?`\$?\.?(?P<path>.*)`)?", re.DOTALL)
_SAID: tuple[tuple[str, Message], ...] = (
    (r"Input data was truncated", message("decode.truncated", "the text is empty or truncated")),
    (r"JSON is malformed: .*\(byte (?P<byte>\d+)\)", message("decode.malformed", "the text is not JSON (byte {byte})")),
    (r"Object missing required field `(?P<name>.*)`", message("decode.missing", "the field `{name}` is missing")),
    (r"Object contains unknown field `(?P<name>.*)`", message("decode.unknown", "unknown field `{name}`")),
    (
        r"Expected `(?P<wanted>.*)`, got `(?P<found>.*)`",
        message("decode.kind", "a value has the type {found} instead of {wanted}"),
    ),
    (r"Invalid enum value (?P<value>.*)", message("decode.enum", "{value} is not one of the known values")),
)


def decode_problem(error: Exception) -> Message:
    """Why a document could not be read, as a text for people; what is not known is the library's own sentence."""
    if isinstance(error, RecursionError):
        return message("decode.deep", "the data is nested too deeply")
    said = _PLACE.fullmatch(str(error))
    what, path = (said["what"], said["path"]) if said else (str(error), None)
    words = next(
        (_filled(known, found) for form, known in _SAID if (found := re.fullmatch(form, what))), verbatim(what[:200])
    )
    return message("decode.at", "{what} (at `{path}`)", what=words, path=path) if path else words


def _filled(known: Message, found: re.Match[str]) -> Message:
    return Message(known.code, known.template, tuple(found.groupdict().items()))
