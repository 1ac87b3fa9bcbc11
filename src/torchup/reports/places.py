"""Containers and clusters that a report comes from; their signs are rows of ``places.toml``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.data_files import read_data
from torchup.model import Value
from torchup.patterns import LETTER_BEYOND_LATIN, lazy_pattern

if TYPE_CHECKING:
    from torchup.reports.collected import Collected

# How compose files and pods ask for a GPU.
_GIVEN = lazy_pattern(
    r"\bdriver: ?[\"']?nvidia|\bruntime: ?[\"']?nvidia|\bgpus: ?[\"']?all|(?:nvidia|amd|intel)\.com/\S{0,20}: ?[\"']?\d"
)
_BEFORE = 40  # characters before a word in which a "not" takes it back
_CLAUSE = lazy_pattern(r"[.;!?,\n:]")


class Place(Value, frozen=True, kw_only=True):
    """One kind of container or scheduler and what shows it."""

    kind: str
    needs: tuple[str, ...]  # in lower case
    signs: tuple[re.Pattern[str], ...]
    words: tuple[re.Pattern[str], ...]


class Places(Value, frozen=True, kw_only=True):
    """The rows, in the order in which they are tried, and what takes a word back."""

    containers: tuple[Place, ...]
    schedulers: tuple[Place, ...]
    taken_back: re.Pattern[str]


@cache
def load_places() -> Places:
    """The rows of ``places.toml``."""
    data = read_data(Path(__file__).parent / "places.toml", dict[str, Any])
    return Places(
        containers=tuple(map(_place, data["container"])),
        schedulers=tuple(map(_place, data["scheduler"])),
        taken_back=lazy_pattern(rf"(?:\b|n)(?:{data['not']})(?:\b|(?<={LETTER_BEYOND_LATIN}))", re.IGNORECASE),
    )


def _place(row: dict[str, object]) -> Place:
    signs, words = (row["signs"], row["words"])
    return Place(
        kind=str(row["kind"]),
        needs=tuple(map(str, _strings(row["needs"]))),
        signs=tuple(lazy_pattern(str(sign), re.MULTILINE) for sign in _strings(signs)),
        words=tuple(lazy_pattern(str(word), re.IGNORECASE | re.ASCII) for word in _strings(words)),
    )


def _strings(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def read_places(collected: Collected, text: str) -> None:
    """Fill in the kind of container and the scheduler; ``text`` is the cleaned report."""
    kind = _kind(load_places().containers, text)
    if kind is not None:
        collected.container = True
        collected.container_kind = kind
    if collected.container and _GIVEN.search(text):
        collected.container_gpu_flag = True
    collected.scheduler = _kind(load_places().schedulers, text)


def _kind(rows: tuple[Place, ...], text: str) -> str | None:
    lower = text.lower()
    places = [row for row in rows if any(needed in lower for needed in row.needs)]
    by_sign = next((place.kind for place in places if any(sign.search(text) for sign in place.signs)), None)
    by_word = next((place.kind for place in places if any(_stands(word, text) for word in place.words)), None)
    if by_sign is None or by_word is None:
        return by_sign or by_word
    return by_word if by_word == f"{by_sign}-desktop" else by_sign


def _stands(word: re.Pattern[str], text: str) -> bool:
    """Whether the word stands in some sentence that does not take it back."""
    for match in word.finditer(text):
        before = _CLAUSE.split(text[max(0, match.start() - _BEFORE) : match.start()])[-1]
        if not load_places().taken_back.search(before):
            return True
    return False
