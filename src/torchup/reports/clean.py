"""Pasted text -> plain lines: colour codes, quoting, full-width punctuation and lost line ends undone.

Nothing here can fail on any string; the parsers behind it see lines as a tool would have printed them.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter

LIMIT = 2_000_000  # characters read of a report, half from either end; a log's middle says nothing new
LINE_LIMIT = 4_000  # longer lines (minified files, base64) carry no facts, and patterns must stay cheap on them

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]")
_BARE_COLOURS = re.compile(r"\[(?:\d{1,2}(?:;\d{1,3})*)m")  # the escape character itself was lost on the way
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ", 0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3002: ".", 0x3001: ",", 0x3010: "[", 0x3011: "]",
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"',
}  # fmt: skip
_CONTROL = dict.fromkeys([*range(9), *range(11, 13), *range(14, 32), 0x7F, *range(0x80, 0xA0)])
_ENTITIES = (("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"))
_LINE_END = re.compile(r"\r[ \t]*\n|\r")  # a console of fixed width copies blanks between the two
_QUOTE = re.compile(r"\s*(?:[>|](?!>>)[ \t]?)")
_TABLE_EDGE = re.compile(r"\s*\|.*\|\s*$")
_FENCE = re.compile(r"^\s*(?:```|~~~)[\w-]*\s*$")
_WRAPS = (*range(38, 241),)
_FRAME = str.maketrans(dict.fromkeys("│┃║", "|"))
_BOXED = re.compile(r"^\s*[│┃║]\s?(.*?)\s*(?:[│┃║]\s*)?$")
# What loggers and runners write before each line; alone on a line it is no fact either.
_LOGGED = re.compile(
    r"^\s{0,40}(?:\[rank\d+\]:\s?|"  # torchrun
    r"\([A-Za-z_]\w* pid=\d+(?:, ip=[\d.]+)?\)\s?|"  # Ray, vLLM
    r"(?:ERROR|WARNING|INFO|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]\s]{1,60}\]\s?|"  # vLLM
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\s?){1,4}"  # CI services, logging
)
_NUMBERED = re.compile(r"^\s{0,6}(\d{1,5})(?:[:|]?\s{1,2}|$)")
_SERVICE = re.compile(r"^([\w.@-]{1,40})\s{1,20}\|\s?")  # docker compose logs


def decode(raw: bytes) -> str:
    """Text of a report file: UTF-8, or UTF-16 as PowerShell's ``>`` writes it; what does not fit is replaced."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    if raw[:200].count(0) > len(raw[:200]) // 4:
        return raw.decode("utf-16-le", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030") if _looks_chinese(raw) else raw.decode("utf-8", "replace")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def _looks_chinese(raw: bytes) -> bool:
    return sum(byte >= 0x80 for byte in raw[:4000]) >= 4  # noqa: PLR2004  # two characters at least


def has_words(text: str) -> bool:
    """Whether a text is one that somebody wrote or a program printed: words, and few characters that are no text."""
    strange = sum(character == "\ufffd" or not character.isprintable() for character in text if character != "\n")
    return strange * 10 < len(text) and len(re.findall(r"[^\W\d_]{2,}", text)) >= 2  # noqa: PLR2004  # one may be chance


def clean(text: str) -> list[str]:
    """The report's lines, without what copying put around them."""
    if len(text) > LIMIT:  # the beginning says what was run, the end says how it failed
        text = text[: LIMIT // 2] + "\n" + text[-LIMIT // 2 :]
    text = _ESCAPES.sub("", text) if "\x1b" in text or "\x9b" in text else text
    text = _BARE_COLOURS.sub("", text) if "[0m" in text or ";1m" in text else text
    text = _LINE_END.sub("\n", text) if "\r" in text else text
    if not text.isascii():
        text = text.translate(_INVISIBLE).translate(_WIDE)
    text = text.translate(_CONTROL)
    if text.lstrip()[:1] in set("{[\"'b") and text.count("\\n") >= 2 * (1 + text.count("\n")):
        # a string as JSON or Python writes it, its line ends spelled out
        text = text.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    lines = _unprefix([line[:LINE_LIMIT].expandtabs(8).rstrip() for line in text.split("\n")])
    return _unwrap([_plain(line) for line in lines])


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
    while line and (inner := _inner(line)) is not None:
        line = inner
    if _FENCE.match(line):
        return ""
    line = line.replace("```", "")
    stripped = line.strip()
    if stripped.startswith("`") and stripped.count("`") in (1, 2):
        return stripped.replace("`", "")
    return line


def _inner(line: str) -> str | None:
    """A line without the outermost thing that was put before it or around it; ``None``: nothing was."""
    if line.lstrip()[:1] in ("[", "(", "E", "W", "I", "D", "2") and (logged := _LOGGED.match(line)):
        return line[logged.end() :]
    if not line.isascii() and (boxed := _BOXED.match(line)):
        return boxed[1].translate(_FRAME)
    mark = _QUOTE.match(line)
    if mark is None or (mark[0].strip() == "|" and _TABLE_EDGE.match(line)):
        return None
    return line[mark.end() :]


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
    joined: list[str] = []
    cut = False
    for line in block:
        if cut and not _STARTS_ANEW.match(line) and not (line[:1] == "/" == joined[-1][:1]):
            joined[-1] += line
        else:
            joined.append(line)
        cut = len(line) == width
    return joined


_ENOUGH_FULL_LINES = 3  # one longest line there always is, two may be chance
_MOST = 0.8
_STARTS_ANEW = re.compile(
    r"\s*(?:\[(?:pip3?|conda)\]|[+|]|(?:GPU|NIC|mlx)\S*\s|Traceback|File \"|[A-Z_]{3,}=|OS\s*:|"
    r"(?:[A-Z]\S*\s)?(?:\S+\s){0,4}\S{2,}\s*:\s)"
)


def _is_drawn(block: list[str], width: int) -> bool:
    """Tables and rulers have one width by design."""
    full = [line for line in block if len(line) == width]
    return sum(line[:1] in "+|=-#" or line[-1:] in "+|=-" for line in full) * 2 >= len(full)
