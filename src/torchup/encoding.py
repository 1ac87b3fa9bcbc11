"""JSON in and out of the values of `model`: one encoder, one decoder, `Message` written as its English text."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from torchup.model import Message, verbatim

T = TypeVar("T")


def _encode_other(value: object) -> object:
    if isinstance(value, Message):
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


def _decode_other(kind: type, value: object) -> object:
    if kind is Message and isinstance(value, str):
        return verbatim(value)
    raise NotImplementedError(f"no value of type {kind.__name__} from {value!r}")


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
    """Read a value from JSON; raises `msgspec.DecodeError` (which covers validation) on anything else."""
    return msgspec.json.decode(text, type=kind, dec_hook=_decode_other)
