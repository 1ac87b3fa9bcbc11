"""What strangers can put in front of torchup: a cloned project, a machine file, a recording, a result, a report."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from torchup.cli import defaults, main
from torchup.cli.app import make_app
from torchup.errors import ExitCode
from torchup.results.baselines import load_baseline
from torchup.results.schema import to_text

DIGITS = "9" * 6000  # more than Python turns into a number
ESCAPES = "\x1b[2Jgone\u202etxt\x9b31m\x07"
DEEP = "[" * 100_000
RECORDING = Path(__file__).parents[1] / "machines" / "linux-ubuntu-rtx4090" / "recording.json"


def call(capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and everything that was shown; what steers a terminal must not be in it."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert code != ExitCode.INTERNAL, shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    return code, shown


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A cloned project: the current folder, whose torchup.toml the test writes."""
    folder = tmp_path / "cloned"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(text: str) -> Path:
        (folder / "torchup.toml").write_text(text)
        return folder

    return write


# ---------------------------------------------------------------- torchup.toml of a cloned project


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("[up]\nyes = true", ["up", "--offline"]),
        ('[up]\npath = "/tmp"', ["up", "--dry-run"]),
        ('[up]\nfrom = "./bundle"', ["up", "--dry-run"]),
        ('[doctor]\npython = "./evil"', ["doctor"]),
        ('[verify]\npython = "./evil"', ["verify"]),
        ('[bench]\npython = "./evil"', ["bench"]),
        ("[doctor]\nfix = true", ["doctor"]),
        ('[results]\noutput = "stolen"', ["results", "export", "article"]),
        ('[results]\nhtml = "stolen"', ["results", "report", "article", "--html", "page.html"]),
        ("[results]\nforce = true", ["results", "list"]),
        ('[detect]\nrecord = "stolen"', ["detect"]),
        ("[env]\nyes = true", ["env", "list"]),
        ('[kernel]\nprefix = "stolen"', ["kernel", "list"]),
        ("[self]\nyes = true", ["self", "paths"]),
        ("[catalog]\nwrite = true", ["catalog", "check"]),
    ],
)
def test_a_project_answers_no_question_and_names_no_program_and_no_file(project, capsys, text, arguments):
    """Such a key is refused by name, before anything runs or is written."""
    folder = project(text)
    evil = folder / "evil"
    evil.write_text("#!/bin/sh\ntouch stolen\n")
    evil.chmod(0o755)
    code, shown = call(capsys, *arguments)
    assert (code, "torchup never reads it from a file" in shown) == (ExitCode.USAGE, True)
    assert not (folder / "stolen").exists()


@pytest.mark.parametrize("verb", ["verify", "doctor", "bench"])
def test_the_python_of_a_project_is_a_version_and_no_program(project, monkeypatch, capsys, verb):
    """`python` chooses what is installed; the verbs whose --python is a path do not take it for one."""
    monkeypatch.setenv("PATH", "")
    folder = project('python = "./evil"')
    evil = folder / "evil"
    evil.write_text("#!/bin/sh\ntouch stolen\n")
    evil.chmod(0o755)
    code, _ = call(capsys, verb)
    assert code == ExitCode.USAGE  # there is neither an environment nor a Python
    assert not (folder / "stolen").exists()


def _commands(command: click.Command, path: str = "torchup") -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    below = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [pair for name, one in below if one is not None for pair in _commands(one, f"{path} {name}")]


def test_nothing_that_agrees_or_names_a_place_is_settable():
    """Of every verb: a file sets neither --yes and its like, nor an option whose value is a path."""
    answers = {"yes", "fix", "force", "write", "stale", "output", "html", "record", "from", "machine", "path", "report"}
    for path, command in _commands(make_app()):
        settable = defaults._names(command)
        assert not settable.keys() & answers, path
        places = [option.name for option in command.params if option.metavar in {"PATH", "DIR", "FILE", "FILE|DIR"}]
        assert not set(settable.values()) & set(places), path


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        f"[bench]\nrepeats = {DIGITS}",
        "[bench]\nbudget = 2020-01-01",
        "[up.mirror]\nx = 1",
        '"\\u001b[2J" = 1',
        'mirror = "\\u001b[2J"',
        'env = "../../x"',
        "[bench]\nrepeats = -5",
        '[up]\nwith = "abc"',
    ],
)
@pytest.mark.parametrize("arguments", [["plan", "--offline"], ["bench"], ["env", "show"]])
def test_any_project_file_is_read_or_refused(project, capsys, text, arguments):
    """Nonsense in torchup.toml is a usage error or is not this verb's; never a defect, never escape codes."""
    project(text)
    call(capsys, *arguments)


@pytest.mark.parametrize("package", ["--index-url=https://evil.example", "-r/etc/passwd", "x\n--index-url https://e"])
def test_an_option_in_place_of_a_package_is_refused(project, capsys, package):
    """Pip and uv would obey it; from a flag, a file or a plan it is no package."""
    folder = project(f"with = [{json.dumps(package)}]")
    code, shown = call(capsys, "plan", "--offline")
    assert (code, "is not a valid package name" in shown) == (ExitCode.USAGE, True)
    (folder / "torchup.toml").unlink()
    assert call(capsys, "plan", "--offline", f"--with={package}")[0] == ExitCode.USAGE
    plan = {"build": {"torch": "2.13.0", "variant": "cpu"}, "python": "3.12", "packages": ["torch", package]}
    (folder / "plan.json").write_text(json.dumps(plan))
    code, shown = call(capsys, "env", "bundle", "-o", "wheels", "--plan", "plan.json")
    assert (code, "torchup refuses plan.json: `packages.1`" in shown) == (ExitCode.USAGE, True)


def test_packages_and_wheels_that_a_project_names_are_pointed_out(project, capsys):
    """Whoever wrote the file decides what runs; the user is told before it does."""
    project('with = ["pandas"]\nwheelhouse = "./wheels"')
    _, shown = call(capsys, "plan", "--offline", "--json")
    codes = {advice["code"] for advice in json.loads(shown)["data"]["advice"]}
    codes |= {entry["code"] for entry in json.loads(shown)["messages"]}
    assert {"sources.wheelhouse.by-project", "sources.packages.by-project"} <= codes


# ---------------------------------------------------------------- machines, recordings, results, reports


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("os_version", f"{DIGITS}.{DIGITS}"),
        ("glibc", f"{DIGITS}.1"),
        ("glibc", "x.y"),
        ("python", ESCAPES),
        ("memory_bytes", 10**30),
        ("distribution", ESCAPES),
        ("gpus", [{"vendor": "nvidia", "name": ESCAPES, "compute_capability": "8.6"}]),
        ("gpus", [{"vendor": "nvidia", "name": "x", "compute_capability": f"{DIGITS}.0"}]),
        ("drivers", [{"vendor": "nvidia", "version": f"{DIGITS}.1", "cuda_api": f"{DIGITS}.1"}]),
        ("drivers", [{"vendor": "nvidia", "version": ESCAPES, "cuda_api": "x"}]),
        ("sources", {ESCAPES: ESCAPES}),
    ],
)
@pytest.mark.parametrize("arguments", [["plan", "--offline", "-v"], ["doctor"], ["plan", "--export", "script-sh"]])
def test_any_machine_file_is_read_or_refused(tmp_path, capsys, key, value, arguments):
    """Numbers without end and escape codes in a machine file are values like others, or a usage error."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"os": "linux", "arch": "x86_64", key: value}))
    call(capsys, *arguments, "--machine", str(path))


def _changed(value, change):
    if isinstance(value, dict):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return change(value)


CHANGES = {
    "digits": lambda value: (
        re.sub(r"\d+", DIGITS[:5000], value) if isinstance(value, str) and len(value) < 99 else value
    ),
    "escapes": lambda value: value + ESCAPES if isinstance(value, str) else value,
    "negative": lambda value: -1 if type(value) in {int, float} else value,
    "script": lambda value: (
        value + "<script>alert(1)</script>" if isinstance(value, str) and len(value) < 99 else value
    ),
    "huge": lambda value: 1e308 if type(value) is float else value,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("arguments", [["detect"], ["plan", "--offline"], ["doctor"]])
def test_any_recording_is_replayed_or_refused(tmp_path, capsys, change, arguments):
    """A recording that was altered everywhere at once ends in an answer or a usage error."""
    document = _changed(json.loads(RECORDING.read_text("utf-8")), CHANGES[change])
    (tmp_path / "recording.json").write_text(json.dumps(document))
    call(capsys, *arguments, "--from", str(tmp_path))


@pytest.mark.parametrize("change", CHANGES)
def test_any_result_file_is_shown_or_refused(tmp_path, capsys, change):
    """Show, export and import of an altered result file; the page that is made of it holds no script of its own."""
    document = json.loads(to_text(load_baseline("article")))
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**document, "run": _changed(document["run"], CHANGES[change])}))
    page = tmp_path / "page.html"
    call(capsys, "results", "show", str(path))
    call(capsys, "results", "export", str(path), "--format", "md")
    call(capsys, "results", "import", str(path))
    call(capsys, "results", "report", str(path), "--html", str(page))
    assert not page.exists() or "<script>alert" not in page.read_text("utf-8")


@pytest.mark.parametrize("content", [DEEP, '{"a":' * 50_000, DIGITS, "1e999999", "", "null", '"x"', "[]", "\udcff"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--offline", "--machine"],
        ["results", "show"],
        ["results", "import"],
        ["env", "bundle", "-o", "wheels", "--plan"],
    ],
)
def test_documents_of_any_shape_are_usage_errors(tmp_path, monkeypatch, capsys, content, arguments):
    """Nested without end, a number without end, nothing, another type: each is told, with the file's name."""
    monkeypatch.chdir(tmp_path)
    Path("file.json").write_text(content, errors="surrogateescape")
    code, shown = call(capsys, *arguments, "file.json")
    assert (code, "file.json" in shown) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("content", [DEEP, DIGITS, "", "{}", '{"files": {}}'])
def test_a_folder_that_claims_to_be_a_recording_or_a_bundle(tmp_path, capsys, content):
    """The two folders that strangers send: broken ones are refused."""
    for name, arguments in (("recording.json", ["detect", "--from"]), ("plan.json", ["up", "--yes", "--from"])):
        (tmp_path / name).write_text(content)
        assert call(capsys, *arguments, str(tmp_path))[0] == ExitCode.USAGE


def test_a_report_without_end_is_not_read_to_its_end(monkeypatch, capsys):
    """A pipe that never closes is read up to the limit."""
    asked = []

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            asked.append(size)
            assert size > 0
            return b"torch 2.1.0\n" * 1000

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Endless(), isatty=lambda: False))
    call(capsys, "doctor", "--report", "-")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ExitCode.USAGE),
        ("\x00\xff\x00", ExitCode.USAGE),
        ("\x00\x01\x02\xff" * 500, ExitCode.USAGE),
        (" \n" * 50, ExitCode.USAGE),
        ("hello, it does not work", ExitCode.USAGE),
        ("ValueError: operands could not be broadcast", ExitCode.USAGE),
    ],
)
def test_a_report_that_says_nothing_is_no_sign_of_health(tmp_path, capsys, text, expected):
    """What torchup does not understand is not called healthy; the user is told what to paste."""
    path = tmp_path / "report.txt"
    path.write_text(text, "latin-1")
    code, shown = call(capsys, "doctor", "--report", str(path))
    assert (code, "torch.utils.collect_env" in shown) == (expected, True)
    assert "no problem was found" not in shown


@pytest.mark.parametrize("name", ["TORCHUP_MIRROR", "TORCHUP_ENV", "TORCHUP_TORCH", "TORCHUP_LANG", "COLUMNS"])
@pytest.mark.parametrize("value", [ESCAPES, "../x", DIGITS])
def test_any_variable_is_used_or_refused(monkeypatch, capsys, name, value):
    """Variables that somebody else set in a strange way."""
    monkeypatch.setenv(name, value)
    call(capsys, "plan", "--offline")
    call(capsys, "env", "show")
    call(capsys, "catalog", "check")


def test_the_log_of_a_defect_can_be_shown_on_a_terminal(monkeypatch, tmp_path, capsys):
    """What was on the command line and in the exception is written without escape codes and passwords."""
    monkeypatch.setattr("torchup.cli.run._invoke", lambda *_: 1 / 0)
    main(["plan", ESCAPES, "https://me:secret@host/"])
    capsys.readouterr()
    (log,) = (tmp_path / "torchup-home" / "log").iterdir()
    text = log.read_text("utf-8")
    assert "ZeroDivisionError" in text
    assert "secret" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "changed",
    [{"memory_bytes": -1}, {"memory_bytes": 1 << 62}, {"cpu": {"cores": -4}}, {"disk_free_bytes": -(10**18)},
     {"gpus": [{"vendor": "nvidia", "memory_bytes": -1}]}],
)  # fmt: skip
def test_an_amount_that_no_machine_has_is_refused(tmp_path, capsys, changed):
    """Sizes below nothing or beyond all are no machine's."""
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"os": "linux", "arch": "x86_64", **changed}))
    code, shown = call(capsys, "plan", "--offline", "--machine", str(file))
    assert code == ExitCode.USAGE
    assert "m.json" in shown


def test_a_file_without_end_is_no_machine_and_no_recording(tmp_path, capsys):
    """What is larger than any real one is not parsed; a recording of another version is not replayed."""
    (tmp_path / "m.json").write_text(" " * (1 << 20) + "{}")
    assert call(capsys, "plan", "--machine", str(tmp_path / "m.json"))[0] == ExitCode.USAGE
    known = json.loads(RECORDING.read_text("utf-8"))
    (tmp_path / "recording.json").write_text(json.dumps({**known, "version": 99}))
    code, shown = call(capsys, "detect", "--from", str(tmp_path))
    assert (code, "recording.json" in shown) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("character", ["\u0085", "\u009b", "\u2028", "\u2029", "\u202e", "\ufeff"])
def test_no_control_character_reaches_text_or_json(tmp_path, capsys, character):
    """C1 controls, line separators and bidirectional marks are dropped from texts and escaped in JSON, losslessly."""
    file = tmp_path / "m.json"
    name = f"RTX{character}4090"
    gpu = {"vendor": "nvidia", "name": name}
    file.write_text(json.dumps({"os": "linux", "arch": "x86_64", "gpus": [gpu]}))
    main(["plan", "--offline", "--machine", str(file)])
    shown = capsys.readouterr()
    assert character not in shown.out + shown.err
    main(["doctor", "--machine", str(file), "--json"])
    assert character not in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_report_may_come_through_a_pipe(tmp_path):
    """`doctor --report <(command)` and `--report /dev/stdin` read what they are given."""
    report = tmp_path / "r.txt"
    report.write_text("PyTorch version: 2.12.0+cu130\nIs CUDA available: False\n")
    program = f"{sys.executable} -m torchup doctor --json --report"
    for line in (f"{program} <(cat {report})", f"cat {report} | {program} /dev/stdin", f"{program} - < {report}"):
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in {0, 1}, done.stderr
