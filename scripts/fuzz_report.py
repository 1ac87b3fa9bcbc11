"""Fuzz the report parser and the rules: mutated reports must always get an answer, quickly, and a clean one.

python scripts/fuzz_report.py --seconds 600 [--seed N] [--corpus DIR]

A failure is written to ``fuzz-failure-N.txt`` and ends the run with exit 1. Failures: an exception, a rule that
crashed, a control character in an output, or more than ``--slowest`` seconds of CPU time for one report.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time
import unicodedata
from pathlib import Path

from torchup.doctor import diagnose
from torchup.report.doctor_text import doctor_markdown, doctor_text
from torchup.report.style import Style
from torchup.reports import parse_report
from torchup.reports.decoding import decode

TESTS = Path(__file__).parents[1] / "tests"
SPLINTERS = (
    "\x1b[31m",
    "\x1b]0;x\x07",
    "\u202e",
    "\ufeff",
    "\uff1a",
    "\uff08",
    "\x00",
    "\r",
    "\t",
    "> ",
    "```",
    "|",
    "GPU 0: ",
    "[pip3] torch==",
    "999999999999",
    "sm_999999",
    "1.2.3.4.5",
    "1-2-3-4-5-6-7-8-9",
    "CUDA out of memory. Tried to allocate 1.1.1 GiB",
    "(from versions: ",
    "{",
    "}",
    "%s",
    "\\",
    "=" * 400,
    " " * 3000,
    "a" * 5000,
    "Version: ",
    "MiB / ",
    "0x",
    "gfx",
    "-" * 900,
    "\ud800",
    "\U0001f600",
    "torch: ",
    ">>> torch.__version__\n",
    "capability sm_",
    "https://",
)


def corpus(folder: Path | None) -> list[str]:
    """Reports to begin with: the tests' examples, and the files of a folder."""
    sys.path.insert(0, str(TESTS))
    examples = importlib.import_module("support.doctor_examples").EXAMPLES
    messages = importlib.import_module("support.doctor_messages").MESSAGES
    found = [text for _, text in (*examples.values(), *messages.values())]
    return found + [decode(path.read_bytes()) for path in sorted(folder.glob("*.txt"))] if folder else found


def mutate(text: str, others: list[str], dice: random.Random) -> str:
    """One to eight random changes."""
    for _ in range(dice.randint(1, 8)):
        text = dice.choice(CHANGES)(text, others, dice)
    return text[:200_000]


def _cut(text: str, _: list[str], dice: random.Random) -> str:
    start = dice.randrange(len(text) + 1)
    return text[:start] + text[start + dice.randrange(200) :]


def _insert(text: str, _: list[str], dice: random.Random) -> str:
    position = dice.randrange(len(text) + 1)
    return text[:position] + dice.choice(SPLINTERS) * dice.randint(1, 4) + text[position:]


def _splice(text: str, others: list[str], dice: random.Random) -> str:
    other = dice.choice(others)
    return text[: dice.randrange(len(text) + 1)] + other[dice.randrange(len(other) + 1) :]


def _repeat(text: str, _: list[str], dice: random.Random) -> str:
    lines = text.split("\n")
    start = dice.randrange(len(lines))
    return "\n".join(lines[:start] + lines[start : start + 5] * dice.randint(1, 40) + lines[start:])


def _shuffle(text: str, _: list[str], dice: random.Random) -> str:
    lines = text.split("\n")
    dice.shuffle(lines)
    return "\n".join(lines)


def _flip(text: str, _: list[str], dice: random.Random) -> str:
    characters = list(text)
    for _number in range(min(len(characters), dice.randint(1, 12))):
        characters[dice.randrange(len(characters))] = chr(dice.choice((dice.randrange(128), dice.randrange(0xD7FF))))
    return "".join(characters)


def _wrap(text: str, _: list[str], dice: random.Random) -> str:
    width = dice.randint(5, 130)
    return "\n".join(line[i : i + width] for line in text.split("\n") for i in range(0, max(len(line), 1), width))


CHANGES = (_cut, _insert, _splice, _repeat, _shuffle, _flip, _wrap)


def check(text: str, slowest: float) -> str | None:
    """What is wrong with the answer to a report; ``None``: nothing."""
    started = time.process_time()
    try:
        facts = parse_report(text)
        found = diagnose(facts)
        shown = doctor_text(found, facts, Style(width=80), verbose=True) + doctor_markdown(found, facts)
    except Exception as error:  # noqa: BLE001  # every kind is a finding of the fuzzer
        return f"{type(error).__name__}: {error}"
    seconds = time.process_time() - started
    crashed = [outcome for outcome in found.outcomes if outcome.status == "crash"]
    if crashed:
        return f"rule {crashed[0].rule}: {crashed[0].detail}"
    if any(unicodedata.category(c) in {"Cc", "Cf"} and c not in "\n\t" for c in shown):
        return "a control character reached the output"
    return f"{seconds:.1f} s" if seconds > slowest else None


def main() -> int:
    """Run until the time is over or a failure was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--slowest", type=float, default=4.0)
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311  # not for secrets
    texts = corpus(options.corpus)
    end = time.monotonic() + options.seconds
    count = causes = 0
    while time.monotonic() < end:
        text = mutate(dice.choice(texts), texts, dice)
        problem = check(text, options.slowest)
        count += 1
        causes += problem is None
        if problem is not None:
            path = Path(f"fuzz-failure-{count}.txt")
            path.write_text(text, "utf-8", "surrogatepass")
            print(f"report {count}: {problem} ({path})")
            return 1
    print(f"{count} reports, no failure")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
