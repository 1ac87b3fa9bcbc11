"""Texts for people, not yet in a language; the base of every value."""

from __future__ import annotations

from string import Formatter
from typing import Generic, Self, TypeVar

import msgspec

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every value type: immutable, compared by content."""


class Fact(Value, Generic[T], frozen=True, kw_only=True):
    """A value read from the machine and the place it was read from (`nvml`, `/proc/driver/nvidia/version`)."""

    value: T
    source: str


class Message:
    """A text for people, not yet in a language: stable code, English template, values.

    A plain class on purpose: msgspec hands it to the hooks of `torchup.encoding`, which write the English text.
    """

    __slots__ = ("code", "template", "values")

    code: str
    template: str
    values: tuple[tuple[str, object], ...]

    def __init__(self, code: str, template: str, values: tuple[tuple[str, object], ...] = ()) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "values", values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Message is immutable: {name}={value!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (self.code, self.template, self.values) == (other.code, other.template, other.values)

    def __hash__(self) -> int:
        return hash((self.code, self.template, self.values))

    def __repr__(self) -> str:
        return f"Message({self.code!r}, {str(self)!r})"

    def __str__(self) -> str:
        return self.template.format(**{name: str(value) for name, value in self.values})

    @property
    def fields(self) -> frozenset[str]:
        """Names of the values that the template wants."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.template) if name)

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, tuple[tuple[str, object], ...]]]:
        return type(self), (self.code, self.template, self.values)


def message(code: str, template: str, /, **values: object) -> Message:
    """Make a `Message`; call it with two literals, so that babel extracts code (context) and English text.

    A value may itself be a `Message` (it is translated too) or anything with a useful ``str``.
    """
    return Message(code, template, tuple(values.items()))


UNKNOWN = message("value.unknown", "unknown")  # stands in a sentence for a value that is not known


def joined(first: Message, then: Message) -> Message:
    """Two sentences in one text."""
    return message("doctor.remedy.joined", "{first}; {then}", first=first, then=then)


def verbatim(text: str) -> Message:
    """Wrap text that is not translated: tool output, file content, a name."""
    return Message("", "{text}", (("text", text),))


class Said(Value, frozen=True, kw_only=True):
    """What a program inside an environment says: a code and its values; `i18n.sentences` makes the sentence."""

    code: str
    values: dict[str, Said | str | int | float] = {}


class Notice(Value, frozen=True, kw_only=True):
    """One entry of the envelope's ``messages`` or a plan's ``advice``."""

    code: str
    level: str = "info"  # info | warning | error
    text: Message
