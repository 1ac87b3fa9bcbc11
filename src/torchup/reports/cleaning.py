"""Pasted text -> plain lines: colour codes, quoting, full-width punctuation and lost line ends undone.

Nothing here can fail on any string, and nothing takes more than linear time: no pattern backtracks over a line.
"""

from __future__ import annotations

import itertools
from collections import Counter

from torchup.patterns import lazy_pattern

LIMIT = 2_000_000  # characters read of a report, half from either end; a log's middle says nothing new
LINE_LIMIT = 4_000  # longer lines (minified files, base64) carry no facts, and patterns must stay cheap on them
_LAYERS = 20  # quotes within boxes within logs; real reports have no more
_BLANKS = 3  # empty lines in a row that are kept

_ESCAPES = lazy_pattern(
    r"\x1b(?:\[[0-?]{0,100}[ -/]{0,10}[@-~]|\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\)?|[@-Z\\^_])|"
    r"\x9b[0-?]{0,100}[ -/]{0,10}[@-~]"
)
_BARE_COLOURS = lazy_pattern(r"\[(?:\d{1,2}(?:;\d{1,3}){0,9})m")  # the escape character itself was lost on the way
_INVISIBLE = dict.fromkeys(
    [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF]
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ", 0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3002: ". ", 0x3001: ", ", 0x3010: "[", 0x3011: "]",
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
    0xFF0C: ", ", 0xFF1B: "; ",
}  # fmt: skip
_CONTROL = dict.fromkeys([*range(9), *range(11, 13), *range(14, 32), 0x7F, *range(0x80, 0x85), *range(0x86, 0xA0)])
_ENTITIES = (
    ("<br>", "\n"), ("<br/>", "\n"), ("<br />", "\n"), ("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"),
    ("&#x27;", "'"), ("&#34;", '"'), ("&nbsp;", " "), ("&amp;", "&"),
)  # fmt: skip
_LINE_END = lazy_pattern(r"\r[ \t]{0,400}\n|\r")  # a console of fixed width copies blanks between the two
_QUOTE = lazy_pattern(r"\s{0,200}(?:[>|](?!>>)[ \t]?)")
_FENCE = lazy_pattern(r"\s*(?:```|~~~)[\w+-]*\s*")
_WRAPS = (*range(38, 241),)
_BARS = "│┃║"
_FRAME = str.maketrans(dict.fromkeys(_BARS, "|"))
# What loggers and runners write before each line; alone on a line it is not a fact either.
_LOGGED = lazy_pattern(
    r"\s{0,40}(?:\[rank\d{1,5}\]:\s?|"  # torchrun
    r"\([A-Za-z_]\w{0,60} pid=\d{1,9}(?:, ip=[\d.]{1,15})?\)\s?|"  # Ray, vLLM
    r"(?:ERROR|WARNING|INFO|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]\s]{1,60}\]\s?|"  # vLLM
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?\s?|"  # CI services, logging
    r"\[\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]\s?){1,4}"
)
_LOGGED_BEGIN = frozenset("[(EWID0123456789")
_NUMBERED = lazy_pattern(r"\s{0,6}(\d{1,5})(?:[:|]?\s{1,2}|$)")
_SERVICE = lazy_pattern(r"([\w.@-]{1,40})\s{1,20}\|\s?")  # docker compose logs


def clean(text: str) -> list[str]:
    """The report's lines, without what copying put around them."""
    lines = _unprefix([_cut(line) for line in _characters(text).split("\n")])
    return _unwrap(_without_floods([_plain(line) for line in lines]))


def _characters(text: str) -> str:
    """Without what belongs to terminals, pages and keyboards: escapes, entities, full-width signs."""
    if len(text) > LIMIT:  # the beginning says what was run, the end says how it failed
        text = text[: LIMIT // 2] + "\n" + text[-LIMIT // 2 :]
    text = _ESCAPES.sub("", text) if "\x1b" in text or "\x9b" in text else text
    text = _BARE_COLOURS.sub("", text) if "[0m" in text or ";1m" in text else text
    text = _LINE_END.sub("\n", text) if "\r" in text else text
    if not text.isascii():
        text = text.translate(_INVISIBLE).translate(_WIDE)
    text = _spelled_out(text.translate(_CONTROL))
    if "&" in text or "<br" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    return text


def _spelled_out(text: str) -> str:
    """A string as JSON or Python writes it, its line ends spelled out, becomes lines again."""
    if text[:200].lstrip()[:1] in set("{[\"'b") and text.count("\\n") >= 2 * (1 + text.count("\n")):
        return text.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    return text


def _cut(line: str) -> str:
    return line[:LINE_LIMIT].expandtabs(8)[:LINE_LIMIT].rstrip()


def _without_floods(lines: list[str]) -> list[str]:
    """Long runs of empty lines shortened; they separate, and one of them separates as well as thousands."""
    kept: list[str] = []
    empty = 0
    for line in lines:
        empty = 0 if line.strip() else empty + 1
        if empty <= _BLANKS:
            kept.append(line)
    return kept


def _unprefix(lines: list[str]) -> list[str]:
    """Without line numbers and names of services, where most lines have them."""
    full = [line for line in lines if line]
    if len(full) < _ENOUGH_FULL_LINES:
        return lines
    numbers = [int(found[1]) if (found := _NUMBERED.match(line)) else -1 for line in full]
    steps = sum(after == before + 1 for before, after in itertools.pairwise(numbers))
    if numbers[0] >= 0 and steps >= _MOST * (len(full) - 1):
        return [_NUMBERED.sub("", line, count=1) for line in lines]
    service = _SERVICE.match(full[len(full) // 2])
    if service is not None and sum(line.startswith(service[1]) for line in full) >= _MOST * len(full):
        return [_SERVICE.sub("", line, count=1) for line in lines]
    return lines


def _plain(line: str) -> str:
    """Without quote marks, code fences, prefixes of logs and the indentation they came with; prompts (``>>>``) stay."""
    for _ in range(_LAYERS):
        inner = _inner(line) if line else None
        if inner is None:
            break
        line = inner
    if "`" in line or "~" in line:
        line = _without_fences(line)
    return line


def _without_fences(line: str) -> str:
    if _FENCE.fullmatch(line):
        return ""
    line = line.replace("```", "")
    stripped = line.strip()
    if stripped.startswith("`") and stripped.count("`") in (1, 2):
        return stripped.replace("`", "")
    return line


def _inner(line: str) -> str | None:
    """A line without the outermost thing that was put before it or around it; ``None``: nothing was."""
    begin = line.lstrip()[:1]
    if begin in _LOGGED_BEGIN and (logged := _LOGGED.match(line)):
        return line[logged.end() :]
    if begin in _BARS and begin:
        return _unboxed(line)
    if begin not in (">", "|"):
        return None
    mark = _QUOTE.match(line)
    if mark is None or (begin == "|" and line.rstrip().count("|") > 1 and line.rstrip().endswith("|")):
        return None
    return line[mark.end() :]


def _unboxed(line: str) -> str:
    """A line of a box without its left and right edge; edges within it (a table's) become plain bars."""
    inner = line.strip()[1:].rstrip()
    if inner[-1:] in _BARS and inner:
        inner = inner[:-1].rstrip()
    return inner.removeprefix(" ").translate(_FRAME)


def _unwrap(lines: list[str]) -> list[str]:
    """Join what a console of fixed width cut: several lines end at one column and none of their block goes beyond."""
    lengths = [len(line) for line in lines]
    common = {width for width, count in Counter(lengths).items() if count >= _ENOUGH_FULL_LINES and width in _WRAPS}
    if not common:
        return lines
    joined: list[str] = []
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and lengths[end]:
            end += 1
        block = lines[start:end]
        width = max(lengths[start:end], default=0)
        joined += _join(block, width) if width in common and not _is_drawn(block, width) else block
        joined += lines[end : end + 1]
        start = end + 1
    return joined


def _join(block: list[str], width: int) -> list[str]:
    """Each full line goes on in the next one, as long as the whole stays short enough to be read."""
    parts: list[list[str]] = []
    length = 0
    cut = False
    for line in block:
        anew = not parts or length > LINE_LIMIT or _STARTS_ANEW.match(line)
        if cut and not anew and not (line[:1] == "/" == parts[-1][0][:1]):
            parts[-1].append(line)
            length += len(line)
        else:
            parts.append([line])
            length = len(line)
        cut = len(line) == width
    return ["".join(part) for part in parts]


_ENOUGH_FULL_LINES = 3  # one longest line there always is, two may be chance
_MOST = 0.8
_STARTS_ANEW = lazy_pattern(
    r"\s{0,200}(?:\[(?:pip3?|conda)\]|[+|]|(?:GPU|NIC|mlx)\S{0,80}\s|Traceback|File \"|[A-Z_]{3,80}=|OS\s?:|"
    r"(?:[A-Z]\S{0,60}\s)?(?:\S{1,60}\s){0,4}\S{2,60}\s?:\s)"
)


def _is_drawn(block: list[str], width: int) -> bool:
    """Tables and rulers have one width by design."""
    full = [line for line in block if len(line) == width]
    return sum(line[:1] in "+|=-#" or line[-1:] in "+|=-" for line in full) * 2 >= len(full)
