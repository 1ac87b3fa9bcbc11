"""`torchup doctor` and `torchup explain` as a user types them."""

from __future__ import annotations

import io
import json
import os
import sys
from types import SimpleNamespace

import pytest

from support.doctor_examples import EXAMPLES
from support.doctor_reports import Report
from support.wheels import make_wheel
from torchup.cli import main
from torchup.cli.explain import answers
from torchup.doctor.cause import CauseFileError, order
from torchup.doctor.rules import RULES
from torchup.own_commands import reinstall_torchup

TOO_OLD = EXAMPLES["driver older than CUDA 12"][1]
HEALTHY = EXAMPLES["healthy, three cards"][1]


@pytest.fixture
def report(tmp_path):
    """Write a report to a file."""

    def write(text: str | bytes) -> str:
        path = tmp_path / "report.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_a_report_gets_cause_evidence_and_command(capsys, report):
    """The text names the cause first, then evidence, fix and the three versions; exit 1."""
    assert main(["doctor", "--report", report(TOO_OLD)]) == 1
    out = capsys.readouterr().out
    assert "Main cause: driver-too-old" in out.splitlines()[0]
    assert "NVIDIA driver 470.82.01" in out
    assert "newest CUDA that the driver supports   11.4 (driver 470.82.01)" in out
    assert "torch was built with                   CUDA 12.1" in out


def test_json_has_the_documented_keys(capsys, report):
    """One document: primary, findings with evidence and remedy, outcomes with seconds."""
    assert main(["doctor", "--report", report(TOO_OLD), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "findings"
    assert answer["data"]["primary"] == "driver-too-old"
    finding = answer["data"]["findings"][0]
    assert finding["rule"] == "driver-too-old"
    assert finding["severity"] == "error"
    assert finding["remedy"]["commands"][0][0] == "python"
    assert {outcome["status"] for outcome in answer["data"]["outcomes"]} <= {"pass", "finding", "skip", "crash"}
    assert {outcome["rule"] for outcome in answer["data"]["outcomes"]} == {rule.slug for rule in RULES}


def test_a_healthy_report_is_exit_0(capsys, report):
    """Nothing wrong: exit 0 and a sentence that says so."""
    assert main(["doctor", "--report", report(HEALTHY)]) == 0
    told = capsys.readouterr()
    assert "no problem was found in this report" in told.out
    assert "can read" not in told.err


def test_the_end_of_a_huge_log_is_read(capsys, report):
    """A log of many megabytes says at its end how it failed."""
    noise = "step 1 of the training, loss 0.1\n" * 100_000
    end = "CUDA error: no kernel image is available for execution on the device\nGPU: RTX 5090\n"
    assert main(["doctor", "--report", report(noise + end), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["data"]["primary"] == "arch-not-in-build-too-new"


def test_a_setting_yields_to_what_the_command_line_names(capsys, report, monkeypatch, tmp_path):
    """TORCHUP_ENV names an environment only if no report, Python or machine is named; --env beside one is refused."""
    machine = tmp_path / "machine.json"
    machine.write_text('{"os": "linux", "arch": "x86_64"}')
    named = (["--report", report(HEALTHY)], ["--machine", str(machine)], ["--python", "/no/python"])
    monkeypatch.setenv("TORCHUP_ENV", "thesis")
    for words in named:
        main(["doctor", *words])
        said = capsys.readouterr().err
        assert "thesis" not in said
        assert "--env" not in said
    assert main(["doctor"]) == 2
    assert "there is no environment `thesis`" in capsys.readouterr().err
    assert [main(["doctor", "--env", "thesis", *words]) for words in named] == [2, 2, 2]


@pytest.mark.parametrize(("says", "code"), [("Python 3.6.15", 1), ("Python 3.12.1", 2), ("", 2)])
@pytest.mark.skipif(os.name == "nt", reason="a script stands in for the interpreter")
def test_a_python_that_cannot_be_examined(capsys, tmp_path, says, code):
    """One that is too old is named by its version; one that does not run is an error, not a clean bill."""
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n[ \"$1\" = -V ] && echo '{says}' && exit 0\nexit 3\n")
    python.chmod(0o755)
    assert main(["doctor", "--python", str(python), "--json"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert code == 2 or data["primary"] == "python-version-unsupported"


def test_a_dash_reads_stdin(capsys, monkeypatch):
    """`--report -` reads the report from standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TOO_OLD.encode()), isatty=lambda: False))
    assert main(["doctor", "--report", "-", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["data"]["primary"] == "driver-too-old"


def test_markdown_is_safe_to_paste(capsys, report):
    """`--format md` shows no user, home, UUID or escape code of the report."""
    text = Report(
        torch="2.6.0+cu124",
        cuda_build="12.4",
        available="False",
        gpus=["NVIDIA L4 (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)"],
        driver="550.54.15",
        environment={"CUDA_VISIBLE_DEVICES": "-1"},
        errors=[
            '\x1b[31mFile "/home/margaret/x.py"\x1b[0m',
            "RuntimeError: No CUDA GPUs are available /home/margaret/torch \x1b]0;title\x07",
        ],
    ).text()
    assert main(["doctor", "--report", report(text), "--format", "md"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("### torchup doctor")
    assert "visible-devices-hide" in out
    for secret in ("margaret", "01234567-89ab", "\x1b", "\x07"):
        assert secret not in out


def test_escape_codes_never_reach_the_terminal(capsys, report):
    """Neither text nor JSON carries the control characters of a report."""
    evil = (
        "OMP: Error #15: Initializing \x1b[2J\x9b31mlibiomp5.so\u202e, but found libomp.so already initialized.\x07\n"
    )
    for form in ([], ["--json"], ["--format", "md"], ["-v"]):
        assert main(["doctor", "--report", report(evil), *form]) == 1
        out = capsys.readouterr().out
        assert "duplicate-openmp" in out
        assert not set(out) & set("\x1b\x07\x9b\u202e")
        assert "\\u001b" not in out


def test_rules_can_be_chosen(capsys, report):
    """`--only` and `--ignore` take beginnings of slugs; what is left out is not run."""
    path = report(TOO_OLD)
    assert main(["doctor", "--report", path, "--only", "numpy", "--json"]) == 0
    assert [o["rule"] for o in json.loads(capsys.readouterr().out)["data"]["outcomes"]] == ["numpy-abi"]
    assert main(["doctor", "--report", path, "--ignore", "driver-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["primary"] is None


def test_strict_makes_warnings_count(report):
    """A warning is exit 0, under `--strict` exit 1."""
    path = report("NotImplementedError: The operator 'aten::foo' is not currently implemented for the MPS device.\n")
    assert main(["doctor", "--report", path]) == 0
    assert main(["doctor", "--report", path, "--strict"]) == 1


def test_verbose_lists_the_rules_that_passed(capsys, report):
    """`-v` shows every rule with its time."""
    assert main(["doctor", "--report", report(HEALTHY), "-v"]) == 0
    out = capsys.readouterr().out
    assert all(rule.slug in out for rule in RULES)


def test_list_runs_nothing(capsys):
    """`--list` prints the rules."""
    assert main(["doctor", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--report", "/nonexistent/report"],
        ["--only", "nothing-like-that"],
        ["--report", "x", "--env", "y"],
        ["--report", "x", "--fix"],
        ["--assume", "os=linux", "--fix"],
        ["--report", "x", "--report", "y"],
        ["--report", "x", "--assume", "os=linux"],
        ["report.txt"],
        ["--python", "/nonexistent/python"],
        ["--env", "no-such-environment"],
        ["--format", "html"],
    ],
)
def test_wrong_use_is_exit_2(capsys, arguments):
    """A wrong command line is a sentence on stderr, nothing on stdout."""
    assert main(["doctor", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err


def test_explain_knows_every_cause_and_question(capsys):
    """`torchup explain SLUG` answers for all rules and all questions; without one it lists them."""
    for slug in (*order(), *answers()):
        assert main(["explain", slug]) == 0
        assert capsys.readouterr().out.startswith(f"{slug}: ")
    assert main(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= len(order()) + len(answers())


def test_a_broken_cause_file_is_mended_by_a_command(monkeypatch, capsys):
    """The file is torchup's own: the hint installs torchup again."""

    def broken(slug):
        raise CauseFileError(f"{slug}.toml: cut off")

    monkeypatch.setattr("torchup.cli.explain.explanation", broken)
    assert main(["explain", "driver-too-old"]) == 2
    assert reinstall_torchup() in " ".join(capsys.readouterr().err.split())


def test_a_wheel_is_not_held_against_an_environment_that_does_not_exist(tmp_path, capsys):
    """A name that the user gave has to be one."""
    wheel = make_wheel(tmp_path, "ext", "1.0")
    assert main(["explain", str(wheel), "--env", "no-such"]) == 2
    assert "there is no environment `no-such`" in capsys.readouterr().err


def test_explain_guesses(capsys):
    """An unknown code is exit 2 with the nearest one."""
    assert main(["explain", "driver-to-old"]) == 2
    assert "did you mean `driver-too-old`?" in capsys.readouterr().err


def test_explain_json(capsys):
    """JSON holds title, meaning, see, fix and what differs by system."""
    assert main(["explain", "wsl-driver-problem", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert {"slug", "title", "meaning", "see", "fix", "wsl"} <= data.keys()


@pytest.mark.parametrize("other", [["--assume", "os=linux"], ["--machine", "x.json"], ["--from", "recording"]])
def test_only_this_machine_is_repaired(capsys, other):
    """An option that names another machine is refused beside `--fix`, before anything is read."""
    assert main(["doctor", *other, "--fix", "--yes"]) == 2
    assert f"--fix cannot be combined with {other[0]}" in capsys.readouterr().err
