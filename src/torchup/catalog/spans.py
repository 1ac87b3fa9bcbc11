"""Spans of releases as the package tables write them: ``2.12``, ``2.9.1``, ``2.10..2.12``, ``>=2.4,<2.15``, ``any``."""

from __future__ import annotations

import re
from functools import cache

from torchup.catalog.versions import version_key
from torchup.patterns import lazy_pattern

_BOUND = lazy_pattern(r"(>=|<=|<|>|==)\s*(\d[\d.]*)")
ANY = frozenset({"", "any", "-"})
MINOR = 2  # numbers of a minor release


@cache
def spans(span: str, version: str) -> bool:
    """Whether a release lies in a span.

    A minor covers its patch releases (``2.12`` holds 2.12.1), a full version only itself; both ends of ``..`` count.

    Raises:
        ValueError: the span is none of these forms, nor a specifier of PEP 440.
    """
    if span in ANY:
        return True
    if ".." in span:
        low, _, high = span.partition("..")
        return (not low or _cut(version, low) >= _numbers(low)) and (not high or _cut(version, high) <= _numbers(high))
    if span[0].isdigit():
        return _cut(version, span) == _numbers(span)
    bounds = [_BOUND.fullmatch(part.strip()) for part in span.split(",")]
    if not all(bounds):
        from packaging.specifiers import SpecifierSet  # noqa: PLC0415  # the tables need no parser, requests may

        return version in SpecifierSet(span)
    return all(_holds(bound[1], version_key(version), version_key(bound[2])) for bound in bounds if bound)


def _holds(operator: str, version: tuple[int, ...], bound: tuple[int, ...]) -> bool:
    found = {
        ">=": version >= bound,
        "<=": version <= bound,
        "<": version < bound,
        ">": version > bound,
        "==": version == bound,
    }
    return found[operator]


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers as written, zeros at the end kept: ``2.10`` has two, ``2.9.0`` three."""
    return tuple(int(part) for part in text.split("."))


def _cut(version: str, like: str) -> tuple[int, ...]:
    """A version at the precision of another text."""
    length = len(like.split("."))
    return (*version_key(version), 0, 0, 0, 0)[:length]


def minor_of(version: str) -> str:
    """``2.14.1+cu130`` -> ``2.14``."""
    return ".".join(map(str, (*version_key(version), 0)[:MINOR]))


def lowest(span: str) -> str | None:
    """The release that a span starts with, ``None`` for an open start."""
    match = re.match(r"(?:>=|==)?\s*(\d+(?:\.\d+)*)", span)
    return match[1] if match else None
