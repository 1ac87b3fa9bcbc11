"""Reading takes time in proportion to the text, whatever the text is, and memory within a bound."""

# ruff: noqa: E501  # a table of hostile beginnings

from __future__ import annotations

import gc
import re
import time

import pytest

from torchup.doctor.signatures import load_signatures
from torchup.patterns import LazyPattern
from torchup.reports import (
    answers,
    cleaning,
    commands,
    decoding,
    gpu_names,
    labels,
    listings,
    nvidia_smi,
    parse_report,
    places,
    prose,
    pythons,
    reader,
    tools,
    values,
    variables,
)
from torchup.reports.cleaning import LINE_LIMIT

MODULES = (
    answers, cleaning, commands, decoding, gpu_names, labels, listings, nvidia_smi, places, prose, pythons, reader,
    tools, values, variables,
)  # fmt: skip
# What a hostile text repeats: blanks, marks, frames, escapes, and the beginnings of everything that is read.
UNITS = (
    *("\n", " ", "\t", "|", "│", "│ a\t", "> ", "a", "1", "1.", "a ", "a.", "-", "=", "_", "/", "\\", '"', "'", "`", "#", "# "),
    *(":", "a:", "a: b\n", "\x1b[", "\x1b]", "\r", " \r", "(", ")", "[", "[1;", "{", "&", "&gt;", "<br>", "\u2028", "\ud800"),
    *("torch ", "torch==1 ", "torch 2.1 ", "pip install ", "pip install torch\n", "python ", "python3.", "Python 3.1"),
    *("print(", "print(1)\n", "torch.cuda.is_available() ", ">>> torch.cuda.is_available()\n", "python -c print("),
    *("GPU 0: ", "RTX 4090 ", "rtx ", "3070 ", "driver 5", "CUDA 1", "1MiB / 2MiB ", "On | 00000000:", "gfx1100 ", "sm_90 "),
    *("Requirement already satisfied: a in b (", "Successfully installed torch-1 ", "docker run ", "not ", "wsl ", "R35."),
    *("site-packages/", "~/lib/python3.1/site-packages/", "C:\\a\\lib\\site-packages", "CUDA_A=1 ", "- name: CUDA_A\n"),
    *("Linux 5.1.1 ", "5.1.1-", "Windows ", "Ubuntu 22.04 ", "You're on ", "capability 1.1", "from versions: ", "M1 max "),
    *("中文", "，", "驱动", "True", "Error: ", "UserWarning: ", "--index-url https://a ", "@", "$ ", "(a) ", ", ", "- a=1=b\n"),
    *("a>=1\n", "├── ", "2026-01-01T00:00:00Z ", "[rank0]: ", "1  a\n", "crw-rw---- 1 a b 1, 1 ", "0 (from a) "),
)  # fmt: skip


def seconds(act):
    """CPU time of one call, the better of two."""
    times = []
    for _ in range(2):
        gc.collect()
        begin = time.process_time()
        act()
        times.append(time.process_time() - begin)
    return min(times)


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_a_report_is_read_in_linear_time(unit):
    """Four times the text takes about four times as long; sixteen times would be quadratic."""
    times = [seconds(lambda size=size: parse_report(unit * (size // len(unit)))) for size in (15_000, 60_000)]
    assert times[1] < 8 * times[0] + 0.1


def patterns():
    """Every compiled pattern of the readers, also within tables, and those of the data files."""
    for module in MODULES:
        for name, value in vars(module).items():
            yield from ((f"{module.__name__}.{name}", pattern) for pattern in _inside(value))
    for row in (*places.load_places().containers, *places.load_places().schedulers):
        yield from ((f"places.toml {row.kind}", pattern) for pattern in (*row.signs, *row.words))
    for pattern, reader_name in labels.load_labels().alike:
        yield f"labels.toml {reader_name}", re.compile(pattern)
    for signature in load_signatures():
        if signature.values:
            yield f"signatures.toml {signature.code}", re.compile(signature.values)


def _inside(value):
    if isinstance(value, re.Pattern | LazyPattern):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _inside(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _inside(part)


def _seconds(pattern, line):
    """Processor seconds of finding all matches in a line."""
    begin = time.process_time()
    for _ in pattern.finditer(line):
        pass
    return time.process_time() - begin


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pattern"), list(patterns()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_pattern_backtracks_over_a_line(name, pattern):
    """On the longest line that is kept, every pattern needs at most a few milliseconds, whatever is repeated."""
    for unit in UNITS:
        line = (unit.replace("\n", " ") * LINE_LIMIT)[:LINE_LIMIT]
        least = min(_seconds(pattern, line), *(_seconds(pattern, line) for _ in range(2)))  # other work slows some
        assert least < 0.15, (name, unit)


@pytest.mark.slow
def test_two_hundred_megabytes_take_no_longer_than_two():
    """The middle of an endless report is not read."""
    log = "2026-01-01T00:00:00Z step 1 loss 0.5\n" * (200_000_000 // 37)
    begin = time.process_time()
    facts = parse_report("PyTorch version: 2.6.0+cu124\n" + log)
    assert time.process_time() - begin < 30
    assert facts.torch.version == "2.6.0"
