"""`torchup verify` and `torchup bench` from the command line, against an interpreter that answers as a worker would."""

from __future__ import annotations

import json
import sys

import pytest

from torchup.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in interpreter is a shell script")


@pytest.fixture
def fake_python(tmp_path):
    """An executable that prints given lines and ends with a code."""

    def make(*lines, code=0):
        path = tmp_path / "python"
        body = "\n".join(f"printf '%s\\n' '{json.dumps(line)}'" for line in lines)
        path.write_text(f"#!/bin/sh\n{body}\nexit {code}\n")
        path.chmod(0o755)
        return str(path)

    return make


WHY = {"code": "raised", "values": {"text": "why"}}


def rung(name, status="pass"):
    """A line of the ladder."""
    return {"rung": {"name": name, "status": status, "seconds": 0.1, "device": "cpu", "detail": WHY}}


def test_verify_prints_the_ladder_and_ends_in_zero(fake_python, capsys):
    """A working environment: verdict on stdout, exit 0."""
    python = fake_python(rung("matmul"), {"torch": {"version": "2.13.0", "devices": ["cpu"]}})
    assert main(["verify", "--python", python]) == 0
    assert capsys.readouterr().out.startswith("PyTorch 2.13.0 works here on: cpu.")


def test_a_broken_environment_is_exit_5_with_one_json_document(fake_python, capsys):
    """The failed rung is in the data, stdout is JSON and nothing else."""
    python = fake_python(rung("matmul", "fail"), {"torch": {"version": "2.13.0"}})
    assert main(["verify", "--python", python, "--json"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["status"]) == (5, "error")
    assert document["data"]["rungs"][0]["status"] == "fail"


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--python", "/no/such/python"],
        ["verify", "--env", "nothing"],
        ["bench", "--env", "a", "--python", "b"],
        ["bench", "--epochs", "0"],
        ["bench", "--budget", "-3"],
        ["bench", "--precision", "fp4"],
    ],
)
def test_bad_input_is_exit_2_and_a_sentence(arguments, capsys):
    """Wrong names and numbers are usage errors without a traceback."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error


def test_a_benchmark_whose_child_dies_is_exit_6(fake_python, capsys):
    """No answer from the child: exit 6, its code in the sentence, the next step in the hint."""
    assert main(["bench", "--python", fake_python(code=3)]) == 6
    error = capsys.readouterr().err
    assert "code 3" in error
    assert "torchup verify" in error


def test_help_lists_the_workloads(capsys):
    """`torchup bench --help` names what can be measured."""
    assert main(["bench", "--help"]) == 0
    assert "cifar-resnet" in capsys.readouterr().out
