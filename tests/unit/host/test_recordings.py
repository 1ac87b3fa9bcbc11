"""Recordings answer as the machine did."""

from __future__ import annotations

import sys

import pytest

from torchup.host import RecordedHost, RecordingHost
from torchup.host.recorded import dump_recording, load_recording


def test_a_replay_answers_what_was_asked(tmp_path):
    """Programs, command output, files and folders come back from the recording, through its JSON form."""
    (tmp_path / "file").write_text("content")
    recorder = RecordingHost()
    argv = (sys.executable, "-I", "-c", "print('hello')")
    live = (recorder.run(argv).stdout, recorder.read_text(str(tmp_path / "file")), recorder.list_dir(str(tmp_path)))
    recorder.which("sh")
    replay = RecordedHost(load_recording(dump_recording(recorder.recording())))
    assert live == (replay.run(argv).stdout, replay.read_text(str(tmp_path / "file")), replay.list_dir(str(tmp_path)))
    assert replay.which("sh") == recorder.which("sh")
    assert replay.platform() == recorder.platform()


def test_what_was_not_recorded_did_not_exist():
    """Unknown programs, files and addresses are missing in a replay."""
    replay = RecordedHost(RecordingHost().recording())
    assert replay.run(("nvidia-smi",)).missing
    assert replay.read_text("/etc/os-release") is None
    assert not replay.fetch("https://example.invalid/").ok


def test_the_environment_is_kept_only_where_asked(monkeypatch):
    """A recording holds no variable that was not named."""
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    text = dump_recording(RecordingHost().recording(environ={"LANG": "C"}))
    assert "s3cret" not in text


def test_a_replay_changes_nothing(tmp_path):
    """Writing through a recording is refused."""
    replay = RecordedHost(RecordingHost().recording())
    with pytest.raises(PermissionError):
        replay.write_text(str(tmp_path / "x"), "x")
    assert not (tmp_path / "x").exists()
