"""A text that no accident can show: it prints, formats, pickles and encodes as three stars."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

STARS = "***"


class Secret:
    """A password, a token, or an address that may hold one.

    It is no ``str``: to join it to a text or to hand it to a function of text is a type error, and what prints,
    formats, pickles or encodes it gets `STARS`. `reveal` is the one way out, for a request and for the environment or
    the private file of a child (tests/architecture/test_secrets.py lists who calls it).
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    @classmethod
    def of(cls, text: str | None) -> Secret | None:
        """A text that may be absent; an empty one is."""
        return cls(text) if text else None

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def mapped(self, change: Callable[[str], str]) -> Secret:
        """Another secret, made of this one: a page's address of an index's."""
        return Secret(change(self._text))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a secret does not change: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a secret does not change: {name}")

    def __repr__(self) -> str:
        return f"Secret({STARS!r})"

    def __str__(self) -> str:
        return STARS

    def __format__(self, spec: str) -> str:
        return format(STARS, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (STARS,)
