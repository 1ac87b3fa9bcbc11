"""Find the messages of ``data/signatures.toml`` in a text, however a console cut or indented it."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.doctor.facts import Sign
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 400  # characters, spaces not counted, that ` * ` may span
EVIDENCE = 300  # characters of a message that are shown


class Signature(Value, frozen=True, kw_only=True):
    """One row: ``match`` holds alternatives, each a tuple of parts that follow one another."""

    code: str
    cause: str
    match: tuple[tuple[str, ...], ...]
    values: str | None
    source: str


@cache
def load_signatures() -> tuple[Signature, ...]:
    """The rows, in the order of the file."""
    text = (Path(__file__).parent / "data" / "signatures.toml").read_text("utf-8")
    return tuple(
        Signature(
            code=row["code"],
            cause=row["cause"],
            match=tuple(tuple(map(squeeze, alternative.split(" * "))) for alternative in row["match"]),
            values=row.get("values"),
            source=row["source"],
        )
        for row in tomllib.loads(text)["signature"]
    )


def squeeze(text: str) -> str:
    """Lower case without any white space: what survives every way of wrapping and indenting."""
    return "".join(text.split()).lower()


def find_signs(lines: Sequence[str]) -> list[Sign]:
    """Every signature that occurs, once each."""
    flat = " ".join(" ".join(lines).split())
    squeezed = squeeze(flat)
    found = []
    for signature in load_signatures():
        parts = next((parts for parts in signature.match if occurs(parts, squeezed)), None)
        if parts is not None:
            found.append(_sign(signature, parts, lines, flat))
    return found


def occurs(parts: tuple[str, ...], squeezed: str) -> bool:
    """Whether the parts follow one another within `GAP`."""
    first, *others = parts
    start = squeezed.find(first)
    while start >= 0:
        end = start + len(first)
        for part in others:
            position = squeezed.find(part, end, end + GAP + len(part))
            if position < 0:
                break
            end = position + len(part)
        else:
            return True
        start = squeezed.find(first, start + 1) if others else -1
    return False


def _sign(signature: Signature, parts: tuple[str, ...], lines: Sequence[str], flat: str) -> Sign:
    values: dict[str, str] = {}
    if signature.values:
        # a console may have cut the line within a word: then the text without its line ends has the values
        match = re.search(signature.values, flat) or re.search(signature.values, "".join(lines))
        values = {name: text.strip() for name, text in match.groupdict().items() if text} if match else {}
    return Sign(code=signature.code, cause=signature.cause, line=_line(parts[0], lines), values=values)


def _line(part: str, lines: Sequence[str]) -> str:
    """The line that the message begins on; the next ones too where it was wrapped."""
    head = part[:24]
    for line in lines:
        if head in squeeze(line):
            return line.strip()[:EVIDENCE]
    for position, line in enumerate(lines):
        if part[:8] in squeeze(line) and head in squeeze(" ".join(lines[position : position + 3])):
            return " ".join(" ".join(lines[position : position + 3]).split())[:EVIDENCE]
    return part
