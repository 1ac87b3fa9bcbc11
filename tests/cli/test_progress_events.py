"""`--progress json`: stderr is one JSON object a line, each of a documented form, to the end and in failure."""

from __future__ import annotations

import json
from typing import Union

import msgspec
import pytest

from support.bundles import write_sums
from support.plans import folder_plan
from support.wheels import make_fake_torch
from torchup.cli import events, main
from torchup.cli.events import EVENTS, ProgressDownload, ProgressError, ProgressStage
from torchup.encoding import to_builtins
from torchup.errors import ExitCode
from torchup.fetch import Progress
from torchup.install.base import Event
from torchup.model import verbatim


def read(text):
    """The events on a stream; whatever else stands there fails."""
    return [msgspec.json.decode(line, type=Union[EVENTS]) for line in text.splitlines()]  # noqa: UP007  # of a tuple


def test_an_error_is_the_last_event_with_its_exit_code(capsys):
    """No prose beside it; stdout stays what it is."""
    code = main(["fetch", "--to", "x", "--assume", "os=macos,arch=x86_64", "--progress", "json", "--lang", "zh"])
    told = read(capsys.readouterr().err)
    assert code == ExitCode.USAGE
    assert isinstance(told[-1], ProgressError)
    assert (told[-1].exit_code, told[-1].code) == (ExitCode.USAGE, "bundle.platform")
    assert told[-1].text.isascii()


@pytest.mark.slow
def test_an_installation_is_told_event_by_event(tmp_path, monkeypatch, capsys):
    """From a bundle without a network: notes, stages, the tool's lines, and the verification that fails at the end."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    folder = tmp_path / "bundle"
    wheel = make_fake_torch(folder / "wheels")
    plan = msgspec.structs.replace(folder_plan("/nowhere"), python_path=None)
    (folder / "plan.json").write_text("{}")
    write_sums(folder)
    (line,) = [line for line in (folder / "SHA256SUMS").read_text().splitlines() if line.endswith(".whl")]
    files = {wheel.name: line.split()[0]}
    (folder / "plan.json").write_text(json.dumps({"schema": 1, "files": files, "plan": to_builtins(plan)}))
    write_sums(folder)
    assert main(["up", "--from", str(folder), "--yes", "--no-bench", "--progress", "json"]) == ExitCode.VERIFY
    told = read(capsys.readouterr().err)
    assert [one.stage for one in told if isinstance(one, ProgressStage)][-1] == "verify"
    assert isinstance(told[-1], ProgressError)


def test_a_download_is_told_in_bytes(capsys):
    """Unknown stays null; what would steer a terminal is escaped."""
    state = Progress(file="torch\u202e.whl", place="h", done=1, total=2, all_done=3, all_total=4)
    events.installing(Event(stage="download", text=verbatim("x"), download=state))
    shown = capsys.readouterr().err
    (one,) = read(shown)
    assert shown.isascii()
    assert isinstance(one, ProgressDownload)
    assert (one.bytes, one.total_bytes, one.all_bytes, one.all_total_bytes, one.seconds_left) == (1, 2, 3, 4, None)


@pytest.mark.parametrize("verb", ["up --offline", "fetch --to x", "env bundle -o x", "env create x --offline"])
@pytest.mark.parametrize("value", ["0", "-1", "abc", "1000"])
def test_every_verb_that_downloads_refuses_the_same_numbers(verb, value, capsys):
    """The range is named, by the one definition of the option, and the answer is an event where a program reads."""
    assert main([*verb.split(), "--connections", value, "--progress", "json"]) == ExitCode.USAGE
    (told,) = read(capsys.readouterr().err)
    assert isinstance(told, ProgressError)
    assert "--connections" in told.text
    assert "1<=x<=16" in told.text or "abc" in told.text


@pytest.mark.parametrize("verb", ["up", "fetch --to x", "env bundle -o x", "detect"])
def test_a_wrong_setting_is_told_with_its_name(verb, capsys, monkeypatch):
    """A variable that no verb can use stops all of them, as a wrong torchup.toml does."""
    monkeypatch.setenv("TORCHUP_CONNECTIONS", "many")
    assert main(verb.split()) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "TORCHUP_CONNECTIONS: `many` is not a whole number from 1 to 16" in told
    assert "TORCHUP_CONNECTIONS=4" in told


def test_no_question_is_asked_where_a_program_reads(capsys):
    """A question would be no JSON."""
    assert main(["env", "remove", "nope", "--json"]) != ExitCode.OK
    capsys.readouterr()


@pytest.mark.parametrize(
    "line", ["up --nonsense --progress json", "up --progress=json --connections", "fetch --progress json"]
)
def test_a_command_line_that_cannot_be_read_is_an_event_too(line, capsys):
    """A program that reads stderr reads nothing else there."""
    assert main(line.split()) == ExitCode.USAGE
    (told,) = read(capsys.readouterr().err)
    assert (type(told), told.exit_code) == (ProgressError, ExitCode.USAGE)


def test_the_option_of_another_program_is_not_torchups(capsys):
    """What stands behind ``--`` is not for torchup."""
    assert main(["env", "run", "nope", "--", "x", "--progress", "json"]) == ExitCode.USAGE
    assert "error: " in capsys.readouterr().err
