"""`torchup detect` as its users meet it: table, JSON, recordings, languages, wrong input."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from torchup.cli import main

MACHINES = Path(__file__).parents[1] / "machines"


def test_this_machine_as_json(capsys):
    """One envelope; what Python knows of this machine is in it; stderr is empty."""
    assert main(["detect", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    machine = answer["data"]["machine"]
    assert (answer["schema"], answer["command"], answer["status"], err) == ("torchup/1", "detect", "ok", "")
    assert machine["os"] == {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}[platform.system()]
    assert machine["python"] == platform.python_version()
    assert machine["pythons"][0]["version"] == platform.python_version()
    assert machine["memory_bytes"] > 2**28
    assert machine["cpu"]["threads"] >= 1
    assert {"os", "arch", "memory_bytes", "cpu"} <= machine["sources"].keys()


def test_this_machine_as_a_table(capsys):
    """Facts with their sources for people; nothing on stderr."""
    assert main(["detect"]) == 0
    out, err = capsys.readouterr()
    assert "Source" in out
    assert platform.python_version() in out
    assert err == ""


def test_the_table_names_cards_drivers_and_problems(capsys, monkeypatch):
    """A recorded server with a stale driver: the card, both versions, and what it means in words."""
    monkeypatch.setenv("COLUMNS", "220")
    assert main(["detect", "--from", str(MACHINES / "linux-ubuntu-mismatch-570")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "compute capability 8.6" in out
    assert "570.86.15" in out
    assert "reboot to finish the driver update" in out


def test_the_recording_file_itself_may_be_named(capsys):
    """--from takes the folder or its recording.json."""
    assert main(["detect", "--from", str(MACHINES / "macos-sonoma-m1" / "recording.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["machine"]["gpus"][0]["name"] == "Apple M1"


def test_a_recording_of_this_machine_replays_to_its_expected_machine(tmp_path, capsys):
    """Written files: recording.json and expected.json; a replay equals the latter; its path is told on stderr."""
    folder = tmp_path / "\u673a\u5668 one"
    assert main(["detect", "--record", str(folder)]) == 0
    assert "recording.json" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["expected.json", "recording.json"]
    assert main(["detect", "--from", str(folder), "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out)["data"]["machine"]
    assert replayed == json.loads((folder / "expected.json").read_text("utf-8"))


def test_a_recording_of_this_machine_is_redacted(tmp_path, capsys, monkeypatch):
    """The user's and the host's names do not get into the file."""
    monkeypatch.setenv("USER", "alexandra")
    monkeypatch.setenv("HOSTNAME", "secretbox")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/srv/alexandra/lib:/home/alexandra/lib")
    assert main(["detect", "--record", str(tmp_path)]) == 0
    capsys.readouterr()
    text = (tmp_path / "recording.json").read_text("utf-8")
    assert "LD_LIBRARY_PATH" in text
    assert "alexandra" not in text
    assert "secretbox" not in text


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_narrow_and_wide_consoles(columns, capsys, monkeypatch):
    """No line is wider than the console, but for a path that is longer than a line: it is not parted."""
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["detect", "--from", str(MACHINES / "linux-ubuntu-mi210")]) == 0
    out = capsys.readouterr().out
    wide = [line for line in out.splitlines() if len(line) > int(columns) and not line.startswith("!")]
    assert [line for line in wide if len(line.split()) > 1] == []


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--from"], ["extra"], ["--record"]])
def test_wrong_use_is_exit_2(arguments, capsys):
    """A sentence and a hint on stderr, no traceback, nothing on stdout."""
    assert main(["detect", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "hint" in err
    assert "Traceback" not in err


def test_no_gpu_is_said_plainly(capsys):
    """A machine without a GPU is fine: exit 0 and a sentence."""
    assert main(["detect", "--from", str(MACHINES / "linux-alpine-musl")]) == 0
    assert "No GPU was found" in capsys.readouterr().out
