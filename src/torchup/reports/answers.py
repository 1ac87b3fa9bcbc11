"""Expressions about torch and the values that were printed for them: at prompts, in scripts, comments and sentences.

Between an expression and its value may stand warnings, and the values of a script's ``print`` calls come after all of
them; so a value is known by its shape.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern
from torchup.reports.labels import Expression, load_labels
from torchup.reports.values import READERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.reports.collected import Collected

_PROMPT = lazy_pattern(r"\s{0,80}(?:\((?:[^()\s]{1,60})\)\s)?(?:>>>|In ?\[[\d* ]{0,6}\]:?|\.\.\.:)\s?(.*)")
_CONTINUED = lazy_pattern(r"\s{0,80}\.\.\.")
_OUT = lazy_pattern(r"\s{0,40}Out ?\[[\d* ]{0,6}\]:?\s?")
_ENDS = lazy_pattern(
    r"\s{0,80}(?:>>>|In ?\[|Traceback|[\w.-]{1,60}@[\w.-]{1,60}[: ]|[$%!]\s|PS [A-Z]:\\|[A-Z]:\\[^>]{0,200}>|#include)"
)
_PRINT = lazy_pattern(r"\s{0,80}print\s?\((.*)\)\s*;?\s*(#.*)?")
_COMMENT = lazy_pattern(r"\s{0,80}#+\s?(.*)")
_SAID = lazy_pattern(
    r"[\s>=\-:]{0,6}(?:output|outputs|prints?|printed|returns?|result|gives?|输出|返回|结果|打印|显示)?(?:为|"
    r"是|了)?[\s:>=`'\"]{0,6}",
    re.IGNORECASE,
)
_BETWEEN = lazy_pattern(r",\s?(?![^()]{0,100}\))")  # commas that are not within brackets
_FAR = 14  # lines between an expression and its value: a warning has a few
_PRINTS = 30  # calls of one script
_SHAPES = {
    "flag": lazy_pattern(r"['\"`*(]{0,3}((?i:true|false))(?![\w-])"),
    "count": lazy_pattern(r"['\"`*]{0,3}(\d{1,3})(?![\w.:%])"),
    "version": lazy_pattern(r"['\"`*]{0,3}(\d{1,2}\.\d{1,3}[\w.+]{0,60}(?:\s?[|(].{0,200})?)"),
    "runtime": lazy_pattern(r"['\"`*]{0,3}(\d{1,2}\.\d{1,3}[\w.+-]{0,40}|None)(?![\w])"),
    "name": lazy_pattern(r"['\"`]{0,3}([A-Za-z][\w .()/+@-]{1,120})"),
    "pair": lazy_pattern(r"\W{0,3}(\(\d{1,2}, ?\d\))"),
    "list": lazy_pattern(r"(\[['\"](?:sm_|gfx|compute_).{0,600})"),
    "path": lazy_pattern(r"['\"`]{0,3}((?:/|[A-Za-z]:\\|\w[\w.-]{0,40}[/\\]).{0,250})"),
}
_SENTENCE = (
    r"[`'\"\)\s]{0,4}(?:(?:still|always|also|now|just|只|仍然|仍|一直|都|也|依然|会|却|还是|就)\s?){0,3}"
    r"(?:return(?:s|ed|ing)?|gives?|gave|prints?|printed|is|was|shows?|=(?!=)>?|-+>|:|→|返回|输出|显示|为|是|"
    r"结果|打印)?(?:的?结果|了|是|为)?[`'\"\s:=>]{0,6}"
)


@cache
def _by_end() -> dict[str, Expression]:
    return {end: row for row in load_labels().expressions for end in row.ends}


def expression_of(code: str) -> Expression | None:
    """The row of a piece of code that asks torch something; ``print(...)`` around it does not matter."""
    code = code.strip().rstrip(";").strip()
    inner = _PRINT.fullmatch(code)
    code = inner[1].strip() if inner else code
    return next((row for end, row in _by_end().items() if code.endswith(end) and "," not in code[: -len(end)]), None)


def expressions_of(code: str) -> list[Expression | None]:
    """The rows of several expressions, ``a, b`` or ``print(a, b)``, as far as they are known; none where none is."""
    code = code.strip().rstrip(";").strip()
    inner = _PRINT.fullmatch(code)
    rows = [expression_of(part) for part in _BETWEEN.split(inner[1] if inner else code)]
    return rows if any(rows) else []


def take_several(collected: Collected, rows: list[Expression | None], text: str) -> bool:
    """Give each reader its part of one line: values with blanks between them, or a tuple as a prompt prints it."""
    text = text.strip()
    parts = _BETWEEN.split(text[1:-1]) if text.startswith("(") and text.endswith(")") else text.split()
    if len(parts) != len(rows):
        return False
    taken = [take(collected, row, part) for row, part in zip(rows, parts, strict=True) if row is not None]
    return any(taken)


def take(collected: Collected, row: Expression, text: str) -> bool:
    """Give the reader a value of the expected shape; whether the text has it."""
    match = _SHAPES[row.answer].match(text.strip())
    if match is None:
        return False
    READERS[row.reader](collected, match[1].strip("'\"` "))
    return True


def read_answers(collected: Collected, lines: Sequence[str]) -> None:
    """Find the value of every expression that is asked among the lines."""
    for collected.position, line in enumerate(lines):
        if "torch" not in line and "print" not in line and ")" not in line and "sys." not in line:
            continue
        prompt = _PROMPT.match(line)
        code, _, remark = (prompt[1] if prompt else line).partition("#")
        rows = expressions_of(code.strip(" `").split(";")[-1])
        if len(rows) > 1 and prompt is not None:
            _answers(collected, rows, lines)
            continue
        row = rows[0] if len(rows) == 1 else None
        if row is not None:
            _answer(collected, row, remark, lines, prompt=prompt is not None)
        elif "()" in line or "__version__" in line or "torch.version" in line or "_available" in line:
            _read_sentence(collected, line)
    _read_scripts(collected, lines)
    for reader, answers in collected.flags_said.items():
        # of several sentences, the one about what fails is why they were written
        READERS[reader](collected, min(answers, key=lambda answer: answer.lower() != "false"))


def _answers(collected: Collected, rows: list[Expression | None], lines: Sequence[str]) -> None:
    for line in answers_below(lines, collected.position):
        if take_several(collected, rows, line):
            return


def _answer(collected: Collected, row: Expression, remark: str, lines: Sequence[str], *, prompt: bool) -> None:
    """The value beside the expression in a comment, in the comment below, or printed below the prompt."""
    if remark and take(collected, row, _SAID.sub("", remark, count=1)):
        return
    below = next((line for line in lines[collected.position + 1 : collected.position + 3] if line.strip()), "")
    comment = _COMMENT.match(below)
    if comment is not None and take(collected, row, _SAID.sub("", comment[1], count=1)):
        return
    if take(collected, row, _SAID.sub("", below, count=1)):
        return
    if not prompt:
        return
    for line in answers_below(lines, collected.position):
        if take(collected, row, line):
            return
    if row.reader == "torch-cuda-asked":  # the prompt prints nothing for None
        READERS[row.reader](collected, "")


def answers_below(lines: Sequence[str], position: int) -> Iterator[str]:
    """The lines that a prompt or command printed, until the next one, without ``Out[1]:``."""
    for line in lines[position + 1 : position + 1 + _FAR]:
        if _ENDS.match(line):
            return
        if line.strip() and not _CONTINUED.match(line):
            yield _OUT.sub("", line, count=1).strip()


def _read_sentence(collected: Collected, line: str) -> None:
    """``torch.cuda.is_available()` returns False``, ``torch.__version__ 是 2.9.1``."""
    if line.lstrip().startswith(("if ", "elif ", "assert ", "while ", "return ")):
        return
    for pattern, row in _sentences():
        for match in pattern.finditer(line):
            said = line[match.end() : match.end() + 200]
            if row.answer != "flag":
                take(collected, row, said)
            elif (answer := _SHAPES["flag"].match(said)) is not None:
                collected.flags_said.setdefault(row.reader, []).append(answer[1])


@cache
def _sentences() -> tuple[tuple[re.Pattern[str], Expression], ...]:
    return tuple(
        (re.compile(_spoken(end) + _SENTENCE, re.IGNORECASE), row)
        for end, row in _by_end().items()
        if row.answer in ("flag", "count", "version", "runtime")
    )


def _spoken(end: str) -> str:
    """How people write an expression: a call without its brackets too."""
    return re.escape(end.removesuffix("()")) + (r"(?:\(\))?" if end.endswith("()") else "")


def _read_scripts(collected: Collected, lines: Sequence[str]) -> None:
    """Several ``print`` calls and, below them all, as many values in the same order."""
    calls: list[tuple[int, Expression | None]] = []
    for position, line in enumerate(lines):
        call = _PRINT.fullmatch(line) if "print" in line and not line.lstrip().startswith(("#", ">>>")) else None
        if call is not None:
            calls.append((position, expression_of(call[1]) if call[2] is None else None))
        elif (calls and (position - calls[-1][0] > _FAR or len(calls) > _PRINTS)) or (
            calls
            and _is_value(line)
            and _pair(collected, [row for _, row in calls], lines[position : position + _PRINTS])
        ):
            calls = []


def _is_value(line: str) -> bool:
    text = line.strip()
    return any(_SHAPES[shape].match(text) is not None for shape in ("flag", "version", "count"))


def _pair(collected: Collected, rows: list[Expression | None], below: Sequence[str]) -> bool:
    """Values go to their calls when each has the shape of its own; else all of them are left."""
    values = [line for line in below if line.strip()][: len(rows)]
    pairs = [(row, value) for row, value in zip(rows, values, strict=False) if row is not None]
    fits = [_SHAPES[row.answer].match(value.strip()) is not None for row, value in pairs]
    if len(values) < len(rows) or not fits or not all(fits):
        return False
    for row, value in pairs:
        take(collected, row, value)
    return True
