"""A short command pays for what it uses: nothing is compiled at import, and rooms that it does not need stay closed.

Counts and names, not seconds: a shared machine's timing is no fact about the code (`scripts/measure_cli.py` has it).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchup.reports import commands, places, variables

# Prints as JSON the patterns of torchup that were compiled by the imports, and after the command every module.
PROGRAM = """
import contextlib, importlib, io, json, re._compiler, sys
real, compiled = re._compiler.compile, []
def compile(pattern, flags=0):
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(re.__path__[0]) or "functools" in frame.f_code.co_filename:
        frame = frame.f_back
    if frame.f_globals.get("__name__", "").startswith("torchup"):
        compiled.append(f"{frame.f_globals['__name__']}: {pattern}")
    return real(pattern, flags)
re._compiler.compile = compile
imports, arguments = json.loads(sys.argv[1])
for name in imports:
    importlib.import_module(name)
at_import = tuple(compiled)
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    from torchup.cli import main
    main(arguments)
print(json.dumps([at_import, sorted(sys.modules)]))
"""
REPORT = """\
PyTorch version: 2.13.0+cu130
OS: Ubuntu 24.04.2 LTS (x86_64)
Is CUDA available: True
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090
Nvidia driver version: 580.95.05
[pip3] torch==2.13.0+cu130
"""
# What no answer here needs: each of these takes 2 to 40 ms.
HEAVY = {
    "requests", "rich", "yaml", "packaging", "urllib.request", "ssl", "email", "subprocess", "concurrent.futures",
    "importlib.resources", "configparser", "hashlib", "jinja2", "markupsafe", "torchup.plan.planner",
}  # fmt: skip
ANSWERS = {
    "help": (["--help"], HEAVY | {"torchup.catalog.load", "torchup.doctor", "torchup.reports", "tempfile"}),
    "doctor": (["doctor", "--json", "--report", "REPORT"], HEAVY | {"torchup.detect", "torchup.sources"}),
    "explain": (["explain", "driver-too-old"], HEAVY | {"torchup.detect", "torchup.sources", "torchup.reports"}),
}
# Modules behind the answers with a limit of processor time, those that are imported late too.
ROOMS = (
    "torchup.cli.run", "torchup.cli.doctor", "torchup.jobs.diagnose", "torchup.reports.reader", "torchup.doctor.rules",
    "torchup.doctor.panel", "torchup.doctor.rules.driver_remedies", "torchup.compat.questions", "torchup.cli.plan",
    "torchup.cli.detect", "torchup.plan.planner", "torchup.report.plan_text",
)  # fmt: skip


def _run(imports, arguments):
    program = [sys.executable, "-c", PROGRAM, json.dumps([imports, arguments])]
    return json.loads(subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout)


def test_no_module_compiles_a_pattern_at_import():
    """`torchup.patterns.lazy_pattern` puts off what most commands never ask; hundreds of patterns took 40 ms."""
    at_import, _ = _run(ROOMS, ["--version"])
    assert at_import == []


@pytest.mark.parametrize(("arguments", "closed"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_imports_only_what_it_needs(arguments, closed, tmp_path):
    """A module that one of these commands begins to import is one that each of its users waits for."""
    report = tmp_path / "report.txt"
    report.write_text(REPORT)
    _, modules = _run([], [str(report) if argument == "REPORT" else argument for argument in arguments])
    assert sorted(closed & set(modules)) == []


def _guarded():
    """(name, pattern, what must stand in the text, in which form of it) of every pattern behind a cheaper question."""
    for needed, pattern in variables.FORMS:
        yield f"variables {needed}", pattern, needed, str
    for _, needed, pattern in commands.PROMPTS:
        yield f"commands {needed}", pattern, needed, str
    table = places.load_places()
    for row in (*table.containers, *table.schedulers):
        yield from ((f"{row.kind} {p.pattern}", p, row.needs, str.lower) for p in (*row.signs, *row.words))


@pytest.mark.parametrize(("pattern", "needed", "form"), [row[1:] for row in _guarded()], ids=[r[0] for r in _guarded()])
def test_what_is_asked_before_a_pattern_loses_no_text(pattern, needed, form):
    """Whatever a pattern finds has one of the literals that are looked for first."""

    @settings(max_examples=15, deadline=None)
    @given(st.from_regex(re.compile(pattern.pattern, pattern.flags)))
    def check(text):
        assert any(literal in form(text) for literal in needed)

    check()
