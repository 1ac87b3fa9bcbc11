"""The frame of the command line: help, errors, envelopes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from torchup.cli import main, registry
from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.errors import NetworkError
from torchup.model import message


@pytest.fixture
def verb(monkeypatch):
    """Register a throw-away verb for one test."""

    def add(function):
        module = type(sys)("torchup_test_verb")
        module.command = click.command("probe")(common_options(function))
        monkeypatch.setitem(sys.modules, "torchup_test_verb", module)
        monkeypatch.setitem(registry.VERBS, "probe", ("torchup_test_verb", message("test.probe", "probe")))

    return add


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    return subprocess.run([sys.executable, "-m", "torchup", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("argument", ["--version", "--help", "-h"])
def test_version_and_help_are_data_on_stdout(argument):
    """`--version` and `--help` print to stdout and exit 0."""
    completed = run(argument)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "torchup" in completed.stdout


def test_no_arguments_shows_the_help():
    """`torchup` alone shows the help."""
    assert "Usage: torchup" in run().stdout


def test_a_mistyped_verb_gets_a_guess(capsys, verb):
    """An unknown command is exit 2, with the nearest one as hint and nothing on stdout."""
    verb(lambda _session: None)
    assert main(["prob"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: there is no command `torchup prob`\n\nhint: did you mean `torchup probe`?\n"


def test_an_unknown_option_names_the_help(capsys, verb):
    """A wrong option is exit 2 and points to the verb's own help."""
    verb(lambda _session: None)
    assert main(["probe", "--wrong"]) == 2
    assert "torchup probe --help" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["probe", "--json"], ["--json", "probe"]])
def test_the_envelope_has_its_keys(capsys, verb, arguments):
    """`--json` before or after the verb prints exactly one envelope on stdout."""
    verb(lambda _session: Answer(command="probe", data={"n": 1}, text=lambda: "text"))
    assert main(arguments) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert list(document) == ["schema", "command", "status", "exit_code", "data", "messages"]
    assert (document["schema"], document["status"], document["data"]) == ("torchup/1", "ok", {"n": 1})


def test_an_error_still_gives_the_envelope(capsys, verb):
    """A failing verb prints the envelope with its code, and the sentence with its hint on stderr."""

    def fail(session: Session) -> Answer:
        raise NetworkError(
            message("test.net", "no answer from {host}", host="h"), hint=message("test.hint", "try later")
        )

    verb(fail)
    assert main(["probe", "--json"]) == 7
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["status"], document["exit_code"], document["data"]) == ("error", 7, None)
    assert document["messages"][0] == {"code": "test.net", "level": "error", "text": "no answer from h"}
    assert captured.err == "error: no answer from h\n\nhint: try later\n"


def test_usage_errors_give_the_envelope_too(capsys, verb):
    """Even a wrong option under --json is one JSON document."""
    verb(lambda _session: None)
    assert main(["probe", "--json", "--wrong"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


def test_a_defect_shows_a_log_and_no_traceback(capsys, verb, tmp_path):
    """An unforeseen exception is exit 70 with the path of a log that holds the traceback."""

    def crash(session: Session) -> Answer:
        return Answer(command="probe", data={}, text=lambda: str(1 / 0))

    verb(crash)
    assert main(["probe"]) == 70
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (log,) = (tmp_path / "torchup-home" / "log").iterdir()
    assert str(log) in captured.err
    assert "ZeroDivisionError" in log.read_text()


def test_interruption_is_130(capsys, verb):
    """Ctrl-C ends with 130 and a sentence."""

    def interrupted(session: Session) -> Answer:
        raise KeyboardInterrupt

    verb(interrupted)
    assert main(["probe"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(("line", "removes"), [(["self", "uninstall"], True), (["cache", "prune"], True),
                                               (["env", "remove", "x"], True), (["plan"], False)])  # fmt: skip
def test_an_interrupted_removal_does_not_promise_that_all_is_as_it_was(capsys, monkeypatch, line, removes):
    """A verb that removes names the way to the end; the others have undone what they began."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("torchup.cli.run._invoke", interrupted)
    assert main(line) == 130
    assert ("repeat the command to remove the rest" in capsys.readouterr().err) is removes


def test_a_defect_without_a_log_asks_for_what_is_on_the_screen(capsys, verb, monkeypatch):
    """If the log cannot be written, neither the sentence nor the hint names a file."""

    def crash(session: Session) -> Answer:
        return Answer(command="probe", data={}, text=lambda: str(1 / 0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torchup.host.RealHost.write_text", full)
    verb(crash)
    assert main(["probe"]) == 70
    said = capsys.readouterr().err
    assert "details of the error are on stderr" in said
    assert "ZeroDivisionError" in said
    assert "attach the file" not in said


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("--json", "env", "show", "nowhere"), "env show"),
        (("--json", "--lang", "zh", "results", "show", "nowhere"), "results show"),
        (("--json", "--lang", "en", "plan", "--python", "x"), "plan"),
        (("env", "nothing", "--json"), "env"),
        (("--json", "frobnicate"), "torchup"),
    ],
)
def test_an_error_names_its_command_as_the_answer_would(capsys, arguments, command):
    """A program that looks at `command` finds the same name whether it went well or not."""
    assert main(arguments) == 2
    assert json.loads(capsys.readouterr().out)["command"] == command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [["explain"], ["explain", "--json"], ["results"], ["--help"], ["--version"]])
def test_an_answer_that_cannot_be_written_is_told(arguments):
    """A full disk behind stdout is a usage error with a sentence, whatever is printed; no traceback at the end."""
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "torchup", *arguments]
        completed = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert completed.returncode == 2
    assert "the answer cannot be written: No space left" in completed.stderr
    assert "Traceback" not in completed.stderr


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("arguments", [["doctor", "--report", "-"], ["self", "uninstall"], ["env", "list"]])
def test_a_stream_that_is_closed_ends_nothing(monkeypatch, capsys, name, arguments):
    """``<&-`` and its like give Python no stream at all; the exit code is that of an empty one."""
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, name, None)
    assert main(arguments) == (2 if arguments[0] == "doctor" else 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    ["--help", "detect", "plan --offline", "env list", "results list", "doctor --list", "explain", "catalog show",
     "mirror list", "self paths", "kernel list", "env show", "verify", "bench"],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be removed there")
def test_a_deleted_current_folder_stops_no_verb(line, tmp_path):
    """The folder that a terminal stands in may be gone: no verb dies with a traceback or calls it a defect."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m torchup {line}"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2}, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("limit", [60_000, 100_000, 200_000, 400_000])
@pytest.mark.parametrize("line", ["detect", "plan --offline", "mirror test", "doctor", "env list"])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_a_memory_limit_is_no_traceback(line, limit):
    """Under `ulimit -v` a verb works or says that memory is short; no thread prints a traceback."""
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9")  # each of many threads fails at once
    script = f"ulimit -v {limit} && exec {sys.executable} -m torchup {line}"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={**os.environ, **proxies},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Exception in thread" not in done.stderr
    assert "Internal error" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("line", ["doctor", "detect", "plan --offline", "verify --python {python}", "env list"])
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX executables")
def test_no_verb_runs_a_program_of_the_current_folder(line, tmp_path):
    """`PATH=.:$PATH torchup doctor` once ran ./uname: no trap in the current folder is sprung by any verb."""
    for name in ("uname", "nvidia-smi", "python", "python3", "uv", "pip", "lspci", "rocminfo", "sysctl", "ldconfig"):
        trap = tmp_path / name
        trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung-{name}\n")
        trap.chmod(0o755)
    for name in ("torch", "json", "platform", "pip"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / f'sprung-{name}')!r}, 'w').close()\n")
    words = line.format(python=sys.executable)
    script = f"cd {tmp_path} && PATH=.::bin:$PATH exec {sys.executable} -I -m torchup {words}"
    subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, timeout=120)
    assert sorted(path.name for path in tmp_path.glob("sprung-*")) == []
