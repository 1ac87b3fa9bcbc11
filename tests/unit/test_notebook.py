"""`%torchup` and `torchup.check()`: the line is the command line's, the answer text and HTML, and nothing is raised."""

from __future__ import annotations

import builtins
import dataclasses
import sys

import pytest

import torchup
from torchup import notebook


def test_a_line_is_about_this_kernel_where_it_names_no_other():
    """`doctor`, `verify` and `bench` get this Python; a line that names something keeps it."""
    assert notebook.for_this_kernel(["doctor", "-v"]) == ["doctor", "--python", sys.executable, "-v"]
    for line in (["doctor", "--report=x"], ["bench", "--env", "lab"], ["plan"], ["doctor", "--assume", "gpu=x"]):
        assert notebook.for_this_kernel(line) == line


@pytest.mark.parametrize("line", [["plan", "--assume", "gpu=RTX 4090,os=linux"], ["detect"]])
def test_an_answer_is_text_and_html(line):
    """Both are there, and the HTML brings its own style, which reaches nothing outside it."""
    found = notebook.answer(line)
    assert found["text/plain"]
    assert found["text/html"].startswith('<div class="torchup"><style>')
    style = found["text/html"].partition("<style>")[2].partition("</style>")[0]
    rules = [line for line in style.splitlines() if line.startswith(("h", "p", "t", "b", "*", ":root"))]
    assert rules == []


def test_a_mistake_is_an_answer_too():
    """A wrong line shows its sentence and its hint, markup in it as text."""
    found = notebook.answer(["plan", "--assume", "gpu=<script>x</script>"])
    assert "<script>" not in found["text/html"]
    assert "full product name" in found["text/plain"]


def test_without_torchups_own_needs_it_says_what_to_run(monkeypatch):
    """A kernel that lacks a dependency gets a sentence, no traceback; `check` gives a value all the same."""
    real = builtins.__import__

    def without_msgspec(name, *arguments, **options):
        if name.partition(".")[0] == "msgspec" or name in {"torchup.cli.run", "torchup.jobs.check"}:
            raise ImportError("No module named 'msgspec'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_msgspec)
    assert "%pip install torchup" in notebook.answer(["doctor"])["text/plain"]
    found = torchup.check()
    assert found.verdict == "undetermined"
    assert "msgspec" in found.error


def test_check_never_raises_and_stays_as_it_is():
    """A Python that is not there gives a value with the reason; the value is frozen."""
    found = torchup.check("/nonexistent/python")
    assert (found.verdict, found.ok, found.python) == ("undetermined", False, "/nonexistent/python")
    assert found.error
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.verdict = "healthy"


def test_check_says_what_the_doctor_says():
    """This Python has no torch: the cause, a sentence, and a line that installs it."""
    pytest.importorskip("msgspec")
    if __import__("importlib.util").util.find_spec("torch"):
        pytest.skip("this Python has torch")
    found = torchup.check()
    assert found.cause == "torch-not-installed"
    assert any("install" in line for line in found.commands)


def test_importing_torchup_costs_nothing():
    """The package itself loads neither the doctor nor the dataclasses of `check`."""
    with pytest.raises(AttributeError, match="chekc"):
        _ = torchup.chekc
