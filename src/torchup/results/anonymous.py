"""Keep people out of result files: no user, no host, no path, no serial number. Pure.

Workers already report only what defines the machine; this is the second lock, applied to every string before it is
written or exported, so that a careless note or a third party's workload cannot leak one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from torchup.encoding import from_builtins, to_builtins

if TYPE_CHECKING:
    from collections.abc import Collection

T = TypeVar("T")

# Order matters: the longer patterns first.
_PATTERNS = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "<address>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"(?<![\w.])[A-Za-z]:[\\/][^\s'\"<>|:*?]*"), "<path>"),
    (re.compile(r"\\\\[^\s'\"<>|:*?]+"), "<path>"),
    (re.compile(r"(?<![\w.<>])~?/(?:[^\s'\"<>|:*?/]+/)+[^\s'\"<>|:*?,;)]*"), "<path>"),
    (
        re.compile(r"(?<![\w.<>])(?:~|/(?:home|Users|root|mnt|media|data|tmp|var|opt|srv))(?:/[^\s'\"<>]*)?(?![\w])"),
        "<path>",
    ),
    (re.compile(r"\b(?:GPU|MIG)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE), "<mac>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<ip>"),
)
# Names that are also ordinary words of a result; replacing them would damage it and hides nobody.
ORDINARY = frozenset(
    {"root", "user", "admin", "localhost", "cpu", "cuda", "mps", "xpu", "torch", "linux", "ubuntu", "runner"}
)
SHORTEST_NAME = 3
# Where numbers with dots are versions, not addresses (driver 32.0.15.6094).
_VERSIONS = re.compile(r"version|driver|torch|cuda|kernel|runtime")


def anonymous(value: T, kind: type[T], *, names: Collection[str] = ()) -> T:
    """A copy of a value whose strings hold no path, address, serial number, nor any of ``names`` (user, host)."""
    private = sorted({n for n in names if len(n) >= SHORTEST_NAME and n.lower() not in ORDINARY}, key=len, reverse=True)
    pattern = (
        re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in private), re.IGNORECASE) if private else None
    )
    return from_builtins(_clean(to_builtins(value), "", pattern), kind)


def _clean(value: Any, key: str, names: re.Pattern[str] | None) -> Any:
    if isinstance(value, str):
        return clean_text(value, key=key, names=names)
    if isinstance(value, dict):
        return {clean_text(str(k), names=names): _clean(v, str(k), names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, key, names) for item in value]
    return value


def clean_text(text: str, *, key: str = "", names: re.Pattern[str] | None = None) -> str:
    """One string without what names a person or a machine."""
    for pattern, stand_in in _PATTERNS:
        if stand_in == "<ip>" and _VERSIONS.search(key.lower()):
            continue
        text = pattern.sub(stand_in, text)
    return names.sub("<name>", text) if names else text
