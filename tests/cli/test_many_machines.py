"""A folder of machines: what an administrator sees of all of them at once."""

from __future__ import annotations

import json

import pytest

from torchup.cli import main
from torchup.errors import ExitCode
from torchup.report.columns import cells

CARD = {"vendor": "nvidia", "name": "NVIDIA GeForce RTX 4090", "compute_capability": "8.9", "memory_bytes": 25769803776}
OLD = {"vendor": "nvidia", "name": "Tesla K80", "compute_capability": "3.7", "memory_bytes": 12769803776}
DRIVER = {"vendor": "nvidia", "version": "550.54.15", "cuda_api": "12.4"}
NODE = {"os": "linux", "os_version": "22.04", "arch": "x86_64", "glibc": "2.35", "python": "3.12.3"}


@pytest.fixture
def folder(tmp_path):
    """Three machines, one of them with a wrong key."""
    machines = {
        "mixed": {**NODE, "gpus": [CARD, OLD], "drivers": [DRIVER]},
        "eight": {**NODE, "gpus": [CARD] * 8, "drivers": [DRIVER]},
        "wrong": {**NODE, "gpu": [CARD]},
    }
    for name, machine in machines.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(machine))
    return tmp_path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_machine_takes_two_lines_of_80_columns(folder, capsys, language):
    """File, build, Python and cards; then what is left out and why not the newest."""
    code = main(["plan", "--machine", str(folder), "--lang", language])
    head, *lines = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert code == ExitCode.NO_BUILD  # one file holds no machine
    assert "Python" in head
    assert len(lines) == 6
    assert all(cells(line) <= 80 for line in lines)
    assert [line.split()[0] for line in lines[::2]] == ["eight.json", "mixed.json", "wrong.json"]
    assert "8x NVIDIA GeForce RTX 4090" in lines[0]
    assert " 3.12 " in lines[2]
    assert "Tesla K80" in lines[3].split(";")[0].split("；")[0]


def test_nothing_is_cut_when_more_is_asked_for(folder, capsys):
    """With -v the reasons have all the room that they need."""
    main(["plan", "--machine", str(folder), "-v"])
    out = capsys.readouterr().out
    assert "..." not in out
    assert "did you mean `gpus`?" in " ".join(out.split())


def test_the_doctor_looks_at_each_machine(folder, capsys):
    """Each has its headline; a file that holds no machine makes the exit code that of a wrong input."""
    code = main(["doctor", "--machine", str(folder)])
    out = capsys.readouterr().out
    assert code == ExitCode.USAGE
    assert all(f" {name}.json" in out for name in ("mixed", "eight", "wrong"))
    (folder / "wrong.json").unlink()
    main(["doctor", "--machine", str(folder), "--json"])
    machines = json.loads(capsys.readouterr().out)["data"]["machines"]
    assert [one["file"] for one in machines] == ["eight.json", "mixed.json"]
    assert {"verdict", "primary", "findings"} <= machines[0]["diagnosis"].keys()


@pytest.mark.parametrize(
    "line",
    [["plan", "--sizes"], ["plan", "--why-not", "2.9"], ["plan", "--export", "pylock"], ["doctor", "--env", "x"]],
)  # fmt: skip
def test_the_option_and_the_folder_are_named_each_as_what_it_is(folder, capsys, line):
    """Whichever verb refuses: the option stands where options stand, and the hint's file lies in the folder."""
    assert main([*line, "--machine", str(folder)]) == ExitCode.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert f"{line[1]} works with one machine" in said
    assert f"--machine {folder}/NAME.json" in said


@pytest.mark.parametrize("option", [("--env", "x"), ("--python", "x")])
def test_an_option_for_one_machine_is_refused_for_a_folder(folder, capsys, option):
    """Not ignored in silence."""
    assert main(["doctor", "--machine", str(folder), *option]) == ExitCode.USAGE
    assert "folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb", [("wheel", "flash-attn"), ("catalog", "measure", "torch==2.14.1"), ("fetch", "--to", "out")], ids=" ".join
)
def test_a_verb_for_one_machine_refuses_a_folder(folder, capsys, verb):
    """Its help says FILE and not DIR; a folder is named, and the hint says how to choose a file of it."""
    assert main([*verb, "--machine", str(folder)]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert f"{folder} is a folder, but this command takes one machine" in said
    assert f"--machine {folder}/NAME.json" in said
    main([*verb, "--help"])
    assert "--machine FILE " in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_column_is_lost_on_a_narrow_terminal(folder, capsys, monkeypatch, language):
    """Where the table does not fit, each machine stands by itself, with its cards."""
    monkeypatch.setenv("COLUMNS", "40")
    main(["plan", "--machine", str(folder), "--lang", language])
    out = capsys.readouterr().out
    assert "RTX 4090" in out
    assert "3.12" in out
    assert max(map(cells, out.splitlines())) <= 40


def test_a_folder_that_is_not_there_is_not_called_empty(tmp_path, capsys):
    """The hint never writes into it, either."""
    missing = tmp_path / "missing"
    assert main(["fleet", "report", str(missing)]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "does not exist" in said
    assert f"> {missing}" not in said
