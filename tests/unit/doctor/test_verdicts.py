"""The three verdicts: healthy on evidence only, a failure without a known cause is undetermined, all forms agree."""

from __future__ import annotations

import json

import pytest

from support.doctor_examples import EXAMPLES
from support.doctor_messages import MESSAGES
from support.facts import facts
from torchup.doctor import diagnose
from torchup.doctor.ask import commands_to_ask
from torchup.doctor.verdict import is_bad, unexplained
from torchup.encoding import to_json
from torchup.i18n import render
from torchup.model import Severity, Verdict
from torchup.report.doctor_text import doctor_markdown, doctor_text, undetermined
from torchup.report.style import Style
from torchup.reports import parse_report, reader

FITTING = {"torch_version": "2.6.0", "local": "cu124", "variant": "cu124", "torch_cuda": "12.4", "os": "linux"}
ALL = EXAMPLES | MESSAGES


@pytest.mark.parametrize(
    "known",
    [
        {"kernel_ran": True},
        {"cuda_available": True, "gpu": "NVIDIA GeForce RTX 3090"},
        {"cuda_available": True, "device_count": 1},
        {"xpu_available": True, "gpu": "intel:Intel Arc A770"},
        {"mps_available": True, "os": "macos"},
        {"live": True, "installed": True, "torch_version": "2.6.0", "variant": "cpu"},
        {**FITTING, "gpu": "NVIDIA GeForce RTX 3090", "driver": "550.54.15"},
    ],
)
def test_healthy_stands_on_evidence(known):
    """Torch reached the device, or everything asked is known and fits; the evidence is told."""
    found = diagnose(facts(**known))
    assert found.verdict is Verdict.HEALTHY
    assert found.seen
    assert not found.missing


@pytest.mark.parametrize("place", range(len(reader.READERS)))
def test_a_reader_that_fails_takes_no_other_s_facts_and_leaves_nothing_healthy(monkeypatch, place):
    """Its error stands among the outcomes, and the answer asks for the report."""

    def broken(*_):
        raise KeyError("a defect")

    readers = list(reader.READERS)
    readers[place] = broken
    monkeypatch.setattr(reader, "READERS", tuple(readers))
    report = "Is CUDA available: True\nGPU 0: NVIDIA GeForce RTX 3090\nNvidia driver version: 550.54.15\n"
    made = reader.parse_report(report)
    found = diagnose(made)
    assert list(made.unread) == ["broken"]
    assert [outcome.rule for outcome in found.outcomes if outcome.status == "crash"] == ["broken"]
    assert found.verdict is Verdict.UNDETERMINED
    assert found.missing
    assert made.torch.cuda_available or place == 1  # the reader of labels, which reads these lines


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"gpu": "NVIDIA GeForce RTX 3090"},
        {"cuda_available": True},
        {"torch_version": "2.6.0", "variant": "cpu"},
        {**FITTING, "driver": "550.54.15"},
        {**FITTING, "gpu": "NVIDIA GeForce RTX 3090"},
        {"live": True, "gpu": "NVIDIA GeForce RTX 3090", "driver": "550.54.15"},
    ],
)
def test_without_evidence_nothing_is_healthy(known):
    """What is not known is undetermined and says what is missing; it is no failure."""
    made = facts(**known)
    found = diagnose(made)
    assert found.verdict is Verdict.UNDETERMINED
    assert found.missing
    assert not is_bad(found, made, strict=True)


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("RuntimeError: CUDA error: an unheard-of failure", {"cuda_available": True, "device_count": 1}),
        ("Memory access fault by GPU node-1 on address 0x7f", {"kernel_ran": True}),
        ("torch.AcceleratorError: HIP error: strange", {}),
        ("OSError: libtorch_global_deps.so: cannot open shared object file", {}),
    ],
)
def test_a_failure_without_a_known_cause_is_undetermined(line, known):
    """Whatever worked before, the failure is quoted and the exit code is 1."""
    made = facts(text=f"some words\n{line}\nmore", **known)
    found = diagnose(made)
    assert found.verdict is Verdict.UNDETERMINED
    assert line in " ".join(map(str, found.seen))
    assert is_bad(found, made, strict=False)


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: CUDA out of memory.",
        "RuntimeError: Expected all tensors to be on the same device, but found cuda:0 and cpu!",
        "ValueError: wrong number of epochs",
    ],
)
def test_a_programs_own_failure_is_not_the_environments(line):
    """A mistake in the program leaves a working environment healthy."""
    assert diagnose(facts(text=line, kernel_ran=True)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    "known",
    [
        {"cuda_available": False, **FITTING, "gpu": "NVIDIA GeForce RTX 3090", "driver": "550.54.15"},
        {"cuda_available": False, "hip": "6.3", "gpu": "amd:AMD Radeon RX 7900 XTX"},
        {"xpu_available": False, "variant": "xpu", "xpu_built": True, "gpu": "intel:Intel Arc A770"},
        {"mps_available": False, "mps_built": True, "os": "macos", "apple_silicon": True},
        {"cuda_available": False, "driver": "550.54.15"},
    ],
)
def test_no_green_tick_over_a_false(known):
    """A GPU may be there and torch says no: a cause or undetermined, exit 1, and the text has no tick."""
    made = facts(**known)
    found = diagnose(made)
    assert found.verdict is not Verdict.HEALTHY
    assert is_bad(found, made, strict=False)
    assert "✓" not in doctor_text(found, made, Style())


@pytest.mark.parametrize("name", ALL)
def test_text_markdown_and_json_agree(name):
    """One verdict in three forms; a cause in all of them or in none, and what was seen and is missing too."""
    made = parse_report(ALL[name][1])
    found = diagnose(made)
    data = json.loads(to_json(found))
    text, markdown = doctor_text(found, made, Style(width=400)), doctor_markdown(found, made)
    assert (data["verdict"] == "cause") == (data["primary"] is not None) == ("Main cause: " in text)
    for shown in (text, markdown):
        assert ("Main cause: " in shown) == (found.primary is not None)
        assert (undetermined() in shown) == (found.verdict is Verdict.UNDETERMINED)
        assert all(render(line) in shown for line in found.missing)
    assert ("✓ " in text.splitlines()[0]) == (found.verdict is Verdict.HEALTHY)
    assert found.verdict is not Verdict.HEALTHY or not unexplained(made)
    assert found.verdict is Verdict.CAUSE or not [f for f in found.findings if f.severity is Severity.ERROR]


@pytest.mark.parametrize("system", ["Ubuntu 22.04", "CentOS 7", "Windows 11", "macOS 14.5"])
def test_the_release_of_a_system_is_written_once(system):
    """A distribution's name may hold it already."""
    made = parse_report(f"{system}\ntorch 2.14.1+cu126\nRTX 3090\n")
    row = next(line for line in doctor_markdown(diagnose(made), made).splitlines() if line.startswith("| system"))
    assert row.count(system.split()[1]) == 1


@pytest.mark.parametrize("answered", [True, False])
def test_what_was_pasted_is_not_asked_for_again(answered):
    """A report that shows nvidia-smi's table needs other commands, and those are still asked for."""
    asked = commands_to_ask(facts(gpu="NVIDIA GeForce RTX 3090", driver="570.86.10", smi_worked=answered))
    assert (("nvidia-smi",) in asked) is not answered
    assert asked
