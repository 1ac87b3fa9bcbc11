"""Names of GPUs within sentences, from the catalogue's names and the spellings that people use.

Text and names are cut into the same pieces, letters and digits apart (``RTX4060Ti`` -> rtx 4060 ti), so blanks, hyphens
and vendors' words make no difference. A name that could be something else (``4090``, ``T4``, ``780M``) counts only
with a word beside it that says what it is.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.catalog.gpus import load_gpu_table
from torchup.data_files import read_data
from torchup.model import Value, Vendor
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECES = lazy_pattern(r"[a-z]+|\d+|\+", re.IGNORECASE | re.ASCII)
_BETWEEN = lazy_pattern(r"[ \-_®™]{0,2}(?:\((?:tm|r)\))?[ \-_]{0,2}", re.IGNORECASE | re.ASCII)
_NOISE = frozenset(["nvidia", "geforce", "tesla", "amd", "ati", "radeon", "instinct", "intel", "graphics", "r", "tm"])
_LINES = frozenset(
    ["rtx", "gtx", "gt", "rx", "arc", "quadro", "titan", "ryzen", "iris", "mi", "gb", "gh", "vega", "mx"]
)
_DROPPED = frozenset(["rtx", "gtx", "rx", "arc"])  # product lines that people leave out
_SUFFIXES = frozenset(["ti", "super", "xt", "xtx", "gre"])
_BESIDE = lazy_pattern(
    r"\s{0,3}(?:gpus?|cards?|laptop|mobile|显卡|卡|笔记本|super|ti)\b|\s{0,3}(?:显卡|卡|笔记本)",
    re.IGNORECASE | re.ASCII,
)
_BEFORE = lazy_pattern(
    r"(?:\b(?:my|an?|single|one|two|dual|have|using|with|on|the|card|gpu)\s{1,2}|[\dx×]\s?x?\s?|用|的|张|块|"
    r"是|单|双|有)$",
    re.IGNORECASE | re.ASCII,
)
_FORM = lazy_pattern(r"[a-z](?![A-Za-z0-9])")  # the m of a Tesla K40m
_LONGEST = 8  # pieces of a name
_SERIES = lazy_pattern(r"[2345]0[5-9]0")  # numbers that stand for a GeForce card when nothing else is said


class Mention(Value, frozen=True, kw_only=True):
    """A GPU in a text: its name as the catalogue has it (or as written where that is as good), and where it stands."""

    name: str
    vendor: Vendor
    start: int
    end: int


class _Name(Value, frozen=True, kw_only=True):
    name: str
    vendor: Vendor
    needs: str | None = None  # vendor: its word just before or behind; beside: a word for a card; None: safe alone


def mentions(text: str) -> list[Mention]:
    """Every GPU that the text names, the longest name at each place."""
    pieces = list(_PIECES.finditer(text))
    found: list[Mention] = []
    index = 0
    while index < len(pieces):
        mention, used = _at(text, pieces, index)
        if mention is not None:
            found.append(mention)
        index += max(used, 1)
    return found


def _at(text: str, pieces: list[re.Match[str]], index: int) -> tuple[Mention | None, int]:
    """The longest name that begins with this piece."""
    first = pieces[index]
    if first[0].lower() not in _starts() or _is_glued(text, first.start() - 1):
        return None, 1
    words, ends = _run(text, pieces, index)
    for length in range(len(words), 0, -1):
        name = _names().get(tuple(words[:length]))
        end = ends[length - 1]
        if name is None or not _is_meant(text, name, first.start(), end):
            continue
        if not _is_glued(text, end) or (name.needs == "vendor" and _FORM.match(text, end)):
            return Mention(name=name.name, vendor=name.vendor, start=first.start(), end=end), length
    return None, 1


def _run(text: str, pieces: list[re.Match[str]], index: int) -> tuple[list[str], list[int]]:
    """The pieces that stand close together from here on, with their ends."""
    words: list[str] = []
    ends: list[int] = []
    last = pieces[index].start()
    for piece in pieces[index : index + _LONGEST + 2]:
        if _BETWEEN.fullmatch(text, last, piece.start()) is None:
            break
        last = piece.end()
        if piece[0].lower() in _NOISE and words:
            continue
        words.append(piece[0].lower())
        ends.append(last)
    return words, ends


def _is_glued(text: str, position: int) -> bool:
    """Whether a letter or digit (or a path's sign) stands there: then the name is a part of something longer."""
    if not 0 <= position < len(text):
        return False
    character = text[position]
    return (character.isalnum() and character.isascii()) or (
        character in "/\\_=.@" and text[position + 1 : position + 2].isalnum()
    )


def _is_meant(text: str, name: _Name, start: int, end: int) -> bool:
    if name.needs is None:
        return True
    before, behind = text[max(0, start - 24) : start].lower(), text[end : end + 24]
    if name.vendor.value in before or any(
        word in before for word in ("geforce", "radeon", "tesla", "quadro", "jetson", "instinct")
    ):
        return True
    if name.needs == "beside":
        return bool(_BESIDE.match(behind) or _BEFORE.search(before)) and not re.match(
            r"\s?(?:\.\d|[:%]|ms|mb|gb|it/s|steps)", behind.lower()
        )
    return bool(_BESIDE.match(behind))


@cache
def _starts() -> frozenset[str]:
    return frozenset(words[0] for words in _names())


@cache
def _names() -> dict[tuple[str, ...], _Name]:
    """Every spelling in pieces -> the product; a full name wins over a shortened one."""
    names: dict[tuple[str, ...], _Name] = {}
    table = load_gpu_table()
    products = dict(table.products())
    same = read_data(Path(__file__).parent / "gpu_spellings.toml", dict[str, dict[str, str]])["same"]
    for spelling, product in same.items():
        if product in products:
            names[_pieces(spelling)] = _Name(name=product, vendor=products[product])
    for name, vendor in sorted(products.items(), key=lambda product: "(" in product[0]):
        for spelling in {name.split(" (", maxsplit=1)[0], *re.findall(r"\(([^()]+)\)", name)}:
            words = _pieces(spelling)
            if words and words[0] != "hd":  # "HD" of Intel is anything
                names.setdefault(words, _Name(name=name, vendor=vendor, needs=_needs(words)))
    for name in table.ambiguous_names():
        names.setdefault(_pieces(name), _Name(name=name, vendor=Vendor.NVIDIA, needs=_needs(_pieces(name))))
    for words, known in list(names.items()):
        for short in _shortened(words):
            names.setdefault(short, _Name(name=known.name, vendor=known.vendor, needs=_needs(short)))
    return names


def _pieces(name: str) -> tuple[str, ...]:
    return tuple(piece for piece in _PIECES.findall(name.lower()) if piece not in _NOISE)


def _shortened(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """``3070 ti``, ``a770``, ``7900 xtx``: without the product line."""
    if words[0] == "pro" and len(words) > 1:
        yield words[1:]
    if words[0] in _DROPPED and len(words) > 1 and (words[1] != "pro"):
        yield words[1:]


def _needs(words: tuple[str, ...]) -> str | None:
    """What must stand beside a spelling for it to be a GPU."""
    if words[0] in _LINES and len(words) > 1:
        return None
    if words[0].isdecimal():
        if len(words) > 1 and words[1] in _SUFFIXES:
            return None
        return "beside" if _SERIES.fullmatch(words[0]) and len(words) == 1 else "vendor"
    if words[0] == "w" and len(words) == 2:  # noqa: PLR2004  # W6800
        return None
    number = next((word for word in words if word.isdecimal()), "")
    return None if (len(number) == 3 and words[0] in ("a", "b", "h", "v", "p", "l")) or len(words) > 2 else "vendor"  # noqa: PLR2004  # A100, H200, B580
