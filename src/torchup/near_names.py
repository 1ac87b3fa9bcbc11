"""Names that are like a word that was mistyped, and the hint that offers the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.model import Message


def near_names(word: str, known: Iterable[str], *, count: int = 1, cutoff: float = 0.6) -> list[str]:
    """At most ``count`` known names that are like ``word``, the nearest first.

    ``cutoff`` is the ratio of `difflib.get_close_matches`, from 0 (anything) to 1 (equal). Case does not matter.
    """
    import difflib  # noqa: PLC0415  # 5 ms that only a mistake pays for

    folded = {name.casefold(): name for name in known}
    return [folded[near] for near in difflib.get_close_matches(word.casefold(), folded, n=count, cutoff=cutoff)]


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "", cutoff: float = 0.6) -> Message | None:
    """The hint for a mistyped word; ``None``: no known name is like it. ``prefix`` stands before the name shown."""
    close = near_names(word, known, cutoff=cutoff)
    return offered(prefix + close[0]) if close else None


def offered(name: str) -> Message:
    """The hint that offers one name."""
    return message("did-you-mean", "did you mean `{name}`?", name=name)
