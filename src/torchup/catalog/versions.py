"""Version numbers as tuples: fast to compare, tolerant of what drivers and systems print."""

from __future__ import annotations

import re
from functools import cache

from torchup.patterns import lazy_pattern

_NUMBER = lazy_pattern(r"\d+")
_RUNTIME = lazy_pattern(r"(cu|rocm)(\d+(?:\.\d+)*)")
_RELEASE = lazy_pattern(r"\d+\.\d+(?:\.\d+)?(?:\.post\d+)?(?:\+(?:cu\d+|cpu|rocm[\d.]+|xpu))?")
NEVER = (10**6,)
DIGITS = 18  # of one number that count; a stranger's file may hold more than Python converts


@cache
def version_key(text: str) -> tuple[int, ...]:
    """The numbers of a dotted version, trailing zeros dropped: ``2.14.0`` -> (2, 14), ``580.95.05`` -> (580, 95, 5).

    A local part (``+cu126``) and everything from the first part that does not start with a digit is ignored.
    """
    numbers = []
    for part in text.split("+", 1)[0].strip().split("."):
        match = _NUMBER.match(part)
        if match is None:
            break
        numbers.append(int(match[0][:DIGITS]))
        if match.end() != len(part):
            break
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


@cache
def python_key(text: str) -> tuple[tuple[int, ...], bool]:
    """Order of Pythons: by version, a free-threaded build after the plain one (``3.14`` < ``3.14t``)."""
    return version_key(text.removesuffix("t")), text.endswith("t")


@cache
def variant_key(variant: str) -> tuple[int, ...]:
    """Order of variants of one kind: ``cu126`` -> (12, 6), ``rocm7.14`` -> (7, 14), others ()."""
    match = _RUNTIME.fullmatch(variant)
    if match is None:
        return ()
    if match[1] == "cu":
        return int(match[2][:-1]), int(match[2][-1])
    return tuple(int(part) for part in match[2].split("."))


@cache
def in_range(version: str, span: str) -> bool:
    """Whether a version lies in ``2.6.0-2.14.1`` (both ends included; ``-9`` leaves the end open)."""
    low, _, high = span.partition("-")
    return version_key(low) <= version_key(version) <= version_key(high)


def at_least(version: str | None, floor: str) -> bool | None:
    """Whether a version reaches a floor; ``None`` when the version is not known."""
    if not version or not version_key(version):
        return None
    return version_key(version) >= version_key(floor)


@cache
def minor(text: str) -> str:
    """``2.6.0+cu124`` -> ``2.6``."""
    return ".".join(_NUMBER.findall(text)[:2])


def is_release(text: str) -> bool:
    """Whether a version of torch or a companion is a published release: no nightly, alpha or build from a checkout."""
    return _RELEASE.fullmatch(text) is not None


def variant_named(cuda: str) -> str:
    """``12.1`` -> ``cu121``."""
    return "cu" + minor(cuda).replace(".", "")


def variant_of(local: str | None) -> str | None:
    """The build flavour in a local version label: ``cu121``, ``rocm6.2``, ``cpu``, ``xpu``; ``None`` for others."""
    match = re.match(r"(cpu|xpu|cu\d{2,3}|rocm\d+(?:\.\d+)*)", local or "")
    return match[1] if match else None


def cuda_of(variant: str | None) -> str | None:
    """``cu121`` -> ``12.1``."""
    match = re.fullmatch(r"cu(\d{1,2})(\d)", variant or "")
    return f"{match[1]}.{match[2]}" if match else None
