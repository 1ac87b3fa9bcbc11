"""Find the messages of ``data/signatures.toml`` in a text, however a console cut or indented it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.data_files import read_data
from torchup.doctor.facts import Sign
from torchup.model import Value
from torchup.patterns import LETTER_BEYOND_LATIN, lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = 400  # characters, spaces not counted, that ` * ` may span
EVIDENCE = 300  # characters of a message that are shown
OCCURRENCES = 50  # of one message that are compared; a log repeats it thousands of times
CONTEXT = 6  # lines around a message in which its values stand
MOST_LINES = 4_000  # that are searched for values which do not stand near
WRAPPED = 70  # a shorter line was not cut by a console


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
    rows = read_data(Path(__file__).parent / "data" / "signatures.toml", dict[str, list[dict[str, Any]]])
    return tuple(
        Signature(
            code=row["code"],
            cause=row["cause"],
            match=tuple(tuple(map(squeeze, alternative.split(" * "))) for alternative in row["match"]),
            values=row.get("values"),
            source=row["source"],
        )
        for row in rows["signature"]
    )


def squeeze(text: str) -> str:
    """Lower case without any white space: what survives every way of wrapping and indenting."""
    return "".join(text.split()).lower()


class Quoted(Value, frozen=True, kw_only=True):
    """Where a message stands in a text: its first and its last line, and how good a quotation it makes."""

    first: int
    last: int
    rank: int


class SearchedText:
    """A text with its white space gone, and for every place in it the line that it came from."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        pieces = [squeeze(line) for line in lines]
        self.squeezed: str = "".join(pieces)
        self._starts = list(accumulate((len(piece) for piece in pieces), initial=0))

    def line_at(self, offset: int) -> int:
        """The number of the line that a place belongs to."""
        return bisect_right(self._starts, offset) - 1

    def begins_line(self, offset: int) -> bool:
        """Whether a place is the first of its line."""
        return self._starts[self.line_at(offset)] == offset


def find_signs(lines: Sequence[str]) -> list[Sign]:
    """Every signature that occurs, once each."""
    text = SearchedText(lines)
    found = []
    for signature in load_signatures():
        quoted = _best(signature, text)
        if quoted is not None:
            found.append(_sign(signature, quoted, text))
    return found


def occurrences(parts: tuple[str, ...], squeezed: str) -> Iterator[tuple[int, int]]:
    """Begin and end of every place where the parts follow one another within `GAP`."""
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
            yield start, end
        start = squeezed.find(first, start + len(first))


def occurs(parts: tuple[str, ...], squeezed: str) -> bool:
    """Whether the parts follow one another within `GAP`."""
    return next(occurrences(parts, squeezed), None) is not None


def _best(signature: Signature, text: SearchedText) -> Quoted | None:
    """The occurrence that is most surely the program's own: a title or a user's sentence may repeat the message."""
    best: Quoted | None = None
    for parts in signature.match:
        for start, end in islice(occurrences(parts, text.squeezed), OCCURRENCES):
            first, last = text.line_at(start), text.line_at(end - 1)
            quoted = Quoted(first=first, last=last, rank=_rank(text, first, last, start))
            if best is None or quoted.rank > best.rank:
                best = quoted
        if best is not None:
            return best
    return best


_PROGRAM = lazy_pattern(
    r"\s*(?:E\s+)?(?:[A-Za-z_][\w.]{0,80}(?:Error|Exception|Warning|Exit|Interrupt)\b|ERROR\b|FATAL\b|"
    r"WARNING\b|error:|fatal|warning:|"
    r"OSError|ptxas|nvcc|ld:|NVIDIA-SMI|Failed to|Unable to|CUDA error|HIP error|Traceback|docker:|"
    r"[\w./-]{1,80}:\d{1,6}:|File \")"
)
_NAMED = lazy_pattern(r"[A-Za-z_][\w.]{0,80}(?:Error|Exception|Warning)\b: ?")
_PERSON = lazy_pattern(
    r"\b(?:I|I'm|I've|my|we|our|you|please|help|how|why|when|hello|hi|thanks|anyone|getting|get)\b|[?？]\s*$|^#{1,6} |"
    rf"{LETTER_BEYOND_LATIN}{{4}}",
    re.IGNORECASE,
)


def _rank(text: SearchedText, first: int, last: int, start: int) -> int:
    """How surely a line is a program's: it begins with the name of an exception or tool, and no person speaks in it."""
    line = text.lines[first]
    if _PROGRAM.match(line):
        rank = 6
    elif _PROGRAM.match(text.lines[last]) or _NAMED.search(line):
        rank = 4
    else:
        rank = 3 if text.begins_line(start) else 2
    title = first == 0 and len(text.lines) > 1 and not text.lines[1].strip()
    return rank - 3 * bool(_PERSON.search(line)) - 2 * title


def _sign(signature: Signature, quoted: Quoted, text: SearchedText) -> Sign:
    found = _values(signature, quoted, text.lines)
    if found is not None:
        quoted = _with_values(found[0], quoted, text.lines)
    values = {name: value.strip() for name, value in found.groupdict().items() if value} if found else {}
    return Sign(code=signature.code, cause=signature.cause, line=_quotation(text.lines, quoted), values=values)


def _values(signature: Signature, quoted: Quoted, lines: Sequence[str]) -> re.Match[str] | None:
    """The values of the row's pattern: from the message on, near it, else anywhere in the text."""
    if not signature.values:
        return None
    own = lines[quoted.first : quoted.last + 1 + 2 * CONTEXT]
    near = lines[max(0, quoted.first - CONTEXT) : quoted.last + 1 + CONTEXT]
    for part in (own, near, lines[:MOST_LINES]):
        # a console may have cut the line within a word: then the text without its line ends has the values
        for joined in (" ".join(" ".join(part).split()), "".join(part)):
            match = re.search(signature.values, joined)
            if match is not None:
                return match
    return None


def _with_values(values: str, quoted: Quoted, lines: Sequence[str]) -> Quoted:
    """The quotation with the lines around it that its values stand on, where these are close."""
    wanted = squeeze(values)
    for before in range(CONTEXT):
        for behind in range(CONTEXT):
            first, last = max(0, quoted.first - before), quoted.last + behind
            if wanted in squeeze("".join(lines[first : last + 1])):
                return Quoted(first=first, last=last, rank=quoted.rank)
    return quoted


def _quotation(lines: Sequence[str], quoted: Quoted) -> str:
    """The message in one line, from the exception's name to the match's end; its middle goes where it is too long."""
    text = " ".join(" ".join(lines[quoted.first : quoted.last + 1]).split())
    if quoted.last == quoted.first and len(lines[quoted.first]) >= WRAPPED and _goes_on(lines, quoted.last):
        text += " " + lines[quoted.last + 1].strip()
    named = _NAMED.search(text)
    if named is not None and len(text) > EVIDENCE // 2 and not text.startswith("File "):
        text = text[named.start() :]
    if len(text) <= EVIDENCE:
        return text
    head = EVIDENCE // 2
    return f"{text[:head].rstrip()} ... {text[head - EVIDENCE + 5 :].lstrip()}"


def _goes_on(lines: Sequence[str], position: int) -> bool:
    """Whether the next line is the rest of this one: a sentence that a console cut."""
    here = lines[position].rstrip()
    after = lines[position + 1] if position + 1 < len(lines) else ""
    return here[-1:].isalnum() and after[:1].islower() and len(after) < len(here)
