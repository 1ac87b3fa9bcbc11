"""Every recorded machine replays to its expected document, and says what its specification claims."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import machine_specs_nvidia, machine_specs_other
from torchup.cli import main
from torchup.host.recorded import dump_recording, load_recording

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/recording.json"))
SPECS = [*machine_specs_nvidia.machines(), *machine_specs_other.machines()]


def at(document, path):
    """The value at a dotted path; a source's own name may hold dots."""
    if path.startswith("sources."):
        return document["sources"][path.removeprefix("sources.")]
    for key in path.split("."):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def test_there_are_many_machines():
    """At least sixty machines, of every system."""
    assert len(FOLDERS) >= 60
    assert {folder.name.split("-")[0] for folder in FOLDERS} >= {"linux", "windows", "macos", "wsl"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_recording_replays_to_its_expected_machine(folder, capsys):
    """`torchup detect --from FOLDER --json` equals expected.json."""
    assert main(["detect", "--from", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["data"]["machine"] == json.loads((folder / "expected.json").read_text("utf-8"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_specified_machine_says_what_it_must(spec):
    """The facts written by hand in the specification are in expected.json, which the replay above equals."""
    folder = Path(__file__).parent / spec.name
    stale = "run scripts/build_machines.py"
    assert (folder / "recording.json").read_text("utf-8") == dump_recording(spec.recording), stale
    document = json.loads((folder / "expected.json").read_text("utf-8"))
    assert {path: at(document, path) for path in spec.claims} == spec.claims
    assert not [problem for problem in document["problems"] if problem["code"] == "crashed"]
    assert spec.recording.note


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_recording_holds_no_identity(folder):
    """No UUID but the zeroed one, no home but the neutral one."""
    text = (folder / "recording.json").read_text("utf-8")
    recording = load_recording(text)
    assert dump_recording(recording) == text
    assert "/home/" not in text.replace("/home/user", "")
    assert "/Users/" not in text.replace("/Users/user", "")
