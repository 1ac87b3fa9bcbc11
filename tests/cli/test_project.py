"""`torchup project` as a user types it: shown first, asked for, written in one step, undone without a trace."""

from __future__ import annotations

import json
import re
import shlex
import stat

import pytest

from support.projects import LAYOUTS, POETRY, UV
from torchup.cli import main
from torchup.errors import ExitCode
from torchup.host import RealHost

FLEET = ("--for", "mac,windows-cuda,linux-cuda")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty project folder that is the current one, and a home for torchup."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def kept(folder):
    """Files that torchup keeps about projects."""
    place = folder.parent / "home" / "data" / "projects"
    return list(place.iterdir()) if place.exists() else []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sync_is_undone_without_a_trace(folder, layout, capsys):
    """Bytes, mode and folder are what they were, and nothing is kept."""
    name, text = LAYOUTS[layout]
    path = folder / name
    path.write_bytes(text.encode())
    path.chmod(0o640)
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.OK
    assert path.read_bytes() != text.encode()
    assert len(kept(folder)) == 1
    assert main(["project", "sync", "--undo", "--yes"]) == ExitCode.OK
    assert path.read_bytes() == text.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert kept(folder) == []
    assert [one.name for one in folder.iterdir()] == [name]
    assert main(["project", "sync", "--undo", "--yes"]) == ExitCode.USAGE
    capsys.readouterr()


def test_two_syncs_are_undone_one_by_one(folder, capsys):
    """The last first."""
    path = folder / "pyproject.toml"
    path.write_text(UV)
    main(["project", "sync", *FLEET, "--yes"])
    middle = path.read_bytes()
    main(["project", "sync", "--for", "linux-cuda='GTX 1080'", "--yes"])
    assert path.read_bytes() != middle
    main(["project", "sync", "--undo", "--yes"])
    assert path.read_bytes() == middle
    main(["project", "sync", "--undo", "--yes"])
    assert path.read_text() == UV
    capsys.readouterr()


def test_a_file_that_was_changed_since_is_not_undone(folder, capsys):
    """The user's own change is worth more than the undo."""
    path = folder / "pyproject.toml"
    path.write_text(UV)
    main(["project", "sync", *FLEET, "--yes"])
    path.write_text(path.read_text() + "# mine\n")
    assert main(["project", "sync", "--undo", "--yes"]) == ExitCode.USAGE
    assert path.read_text().endswith("# mine\n")
    assert "was changed after the sync" in capsys.readouterr().err


def test_nothing_is_written_without_consent(folder, capsys):
    """Without a terminal and without --yes the difference is shown and the file stays; so it does with --dry-run."""
    path = folder / "pyproject.toml"
    path.write_text(UV)
    assert main(["project", "sync", *FLEET]) == ExitCode.USAGE
    said = capsys.readouterr()
    assert "+explicit = true" in said.err
    assert "use --yes" in said.err
    assert main(["project", "sync", *FLEET, "--dry-run"]) == ExitCode.OK
    assert "+explicit = true" in capsys.readouterr().out
    assert path.read_text() == UV
    assert kept(folder) == []


def test_a_second_sync_writes_nothing(folder, capsys):
    """There is nothing to agree to, and nothing more to undo."""
    (folder / "pyproject.toml").write_text(UV)
    main(["project", "sync", *FLEET, "--yes"])
    before = (folder / "pyproject.toml").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["project", "sync", *FLEET]) == ExitCode.OK
    assert "nothing to change" in capsys.readouterr().out
    assert (folder / "pyproject.toml").stat().st_mtime_ns == before


def test_check_is_for_ci(folder, capsys):
    """1 with a flaw, 0 without, and with --for whether the file serves the machines."""
    path = folder / "pyproject.toml"
    path.write_text(UV)
    assert main(["project", "check"]) == ExitCode.FINDINGS
    assert "[index-without-marker]" in capsys.readouterr().out
    main(["project", "sync", *FLEET, "--yes"])
    capsys.readouterr()
    assert main(["project", "check", *FLEET]) == ExitCode.OK
    assert main(["project", "check", "--for", "linux-rocm", "--json"]) == ExitCode.FINDINGS
    data = json.loads(capsys.readouterr().out.split("\n", 1)[1])["data"]
    assert [flaw["rule"] for flaw in data["flaws"]] == ["not-as-planned"]


@pytest.mark.parametrize(
    ("file", "text", "kinds"),
    [
        ("pyproject.toml", UV, "linux-rocm"),
        ("requirements.txt", "torch\n", "linux-cuda=GTX 1080"),
        ("sub/requirements-x.txt", "torch\n", "cpu"),
    ],
)
def test_the_command_of_a_check_writes_what_it_checked(folder, capsys, file, text, kinds):
    """Typed as it is shown, it makes the same check pass: folder, file and machines are all in it."""
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    where = (() if path.parent == folder else ("sub",)) + ("--file", path.name)
    asked = ("project", "check", *where, "--for", kinds, "--torch", "2.13", "--offline")
    assert main([*asked, "--json"]) == ExitCode.FINDINGS
    flaws = json.loads(capsys.readouterr().out)["data"]["flaws"]
    (fix,) = {flaw["fix"] for flaw in flaws if flaw["rule"] == "not-as-planned"}
    command = shlex.split(fix.split("`")[1])
    assert main([*command[1:], "--yes"]) == ExitCode.OK
    capsys.readouterr()
    main([*asked, "--json"])
    assert "not-as-planned" not in {f["rule"] for f in json.loads(capsys.readouterr().out)["data"]["flaws"]}


def test_a_login_of_a_mirror_is_not_in_the_command(folder, capsys):
    """What is shown can be pasted into a log."""
    (folder / "requirements.txt").write_text("torch\n")
    mirror = "https://me:secret@mirror.example/whl/{variant}"
    assert main(["project", "check", "--for", "cpu", "--mirror", mirror, "--offline"]) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    assert "mirror.example" in said
    assert "secret" not in said


PIXI = '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n\n[pypi-dependencies]\ntorch = "*"\n'


@pytest.mark.parametrize(
    ("file", "text", "said"), [("pixi.toml", PIXI, "pixi run -e"), ("pyproject.toml", UV, "--extra cpu")]
)
def test_several_builds_are_chosen_in_the_words_of_the_tool(folder, capsys, file, text, said):
    """Uv has extras, pixi environments."""
    (folder / file).write_text(text)
    assert main(["project", "sync", "--for", "linux-cuda,linux-cpu", "--offline", "--yes"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert said in out
    assert ("--extra" in out) == (file == "pyproject.toml")


@pytest.mark.parametrize(("file", "table"), [("pixi.toml", "[workspace]"), ("pyproject.toml", "[tool.pixi.workspace]")])
def test_the_table_that_is_missing_is_the_files_own(folder, capsys, file, table):
    """Added as the hint says, the sync works."""
    head = "" if file == "pixi.toml" else "[tool.pixi]\n"
    (folder / file).write_text(f'{head}[{table[1:-10]}pypi-dependencies]\ntorch = "*"\n')
    sync = ["project", "sync", "--tool", "pixi", "--for", "cpu", "--offline", "--yes"]
    assert main(sync) == ExitCode.USAGE
    assert table in capsys.readouterr().err.partition("hint")[2]
    with (folder / file).open("a") as manifest:
        manifest.write(f'{table}\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n')
    assert main(sync) == ExitCode.OK


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../elsewhere.txt", "project.outside"),
        ("link.txt", "project.link"),
        ("missing.txt", "project.missing"),
        ("folder.txt", "project.unreadable"),
    ],
)
def test_each_reason_against_a_file_has_its_own_error(folder, capsys, tmp_path, name, code):
    """A path out of the folder, a link out of it, a name that is not there, and what cannot be read."""
    (tmp_path / "elsewhere.txt").write_text("torch\n")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    (folder / "folder.txt").mkdir()
    assert main(["project", "show", "--file", name, "--json"]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["messages"][0]["code"] == code


def test_show_says_what_the_file_asks_for(folder, capsys):
    """Package, version, index and platforms."""
    (folder / "pyproject.toml").write_text(UV)
    assert main(["project", "show", "--json"]) == ExitCode.OK
    (file,) = json.loads(capsys.readouterr().out)["data"]["files"]
    assert file["kind"] == "uv"
    torch = next(one for one in file["packages"] if one["name"] == "torch")
    assert torch["index"].endswith("/cu118")


def test_a_folder_of_machines_gets_one_file(folder, capsys):
    """Each machine's plan is in it."""
    machines = folder / "machines"
    machines.mkdir()
    for name, driver in (("a", "550.54"), ("b", "580.95")):
        card = {"vendor": "nvidia", "name": "NVIDIA GeForce RTX 4090"}
        machine = {
            "os": "linux",
            "arch": "x86_64",
            "gpus": [card],
            "drivers": [{"vendor": "nvidia", "version": driver}],
        }
        (machines / f"{name}.json").write_text(json.dumps(machine))
    (folder / "pyproject.toml").write_text(UV)
    assert main(["project", "sync", "--machine", "machines", "--yes", "--json"]) == ExitCode.OK
    (file,) = json.loads(capsys.readouterr().out)["data"]["files"]
    assert {build["variant"] for build in file["builds"]} == {"cu126"}


def test_this_machine_is_served_without_options(folder, capsys):
    """The plan is the one of `torchup plan`."""
    (folder / "requirements.txt").write_text("torch\n")
    assert main(["project", "sync", "--offline", "--yes", "--json"]) == ExitCode.OK
    (file,) = json.loads(capsys.readouterr().out)["data"]["files"]
    assert len(file["builds"]) == 1


def test_what_must_not_be_written_is_not(folder, capsys, tmp_path):
    """A read-only file, a link out of the folder, two tools in one file, no file at all."""
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.USAGE
    outside = tmp_path / "elsewhere.txt"
    outside.write_text("torch\n")
    (folder / "requirements.txt").symlink_to(outside)
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.USAGE
    assert main(["project", "show", "--file", "../elsewhere.txt"]) == ExitCode.USAGE
    (folder / "requirements.txt").unlink()
    path = folder / "pyproject.toml"
    path.write_text(UV)
    path.chmod(0o444)
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.USAGE
    path.chmod(0o644)
    assert path.read_text() == UV
    path.write_text(POETRY + UV)
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.USAGE
    assert outside.read_text() == "torch\n"
    assert kept(folder) == []
    capsys.readouterr()


def test_a_link_inside_the_folder_is_followed(folder, capsys):
    """The file behind it is written, and the link stays one."""
    (folder / "base.txt").write_text("torch\n")
    (folder / "requirements.txt").symlink_to("base.txt")
    assert main(["project", "sync", *FLEET, "--yes", "--file", "requirements.txt"]) == ExitCode.OK
    assert (folder / "requirements.txt").is_symlink()
    assert "+cu" in (folder / "base.txt").read_text()
    capsys.readouterr()


def test_a_write_that_fails_changes_nothing(folder, capsys, monkeypatch):
    """The second of two files cannot be written: the first is put back."""
    (folder / "requirements.txt").write_text("torch\n")
    (folder / "requirements-dev.txt").write_text("torch\npytest\n")
    real = RealHost.write_bytes

    def failing(self, path, content):
        if path.endswith("requirements.txt"):
            raise OSError(28, "No space left on device")
        real(self, path, content)

    monkeypatch.setattr(RealHost, "write_bytes", failing)
    assert main(["project", "sync", *FLEET, "--yes"]) == ExitCode.USAGE
    assert (folder / "requirements-dev.txt").read_text() == "torch\npytest\n"
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("kinds", ["linux-cude", "linux-cuda='Voodoo 2'", "mac,,linux-nope"])
def test_an_unknown_kind_of_machine_is_named(folder, capsys, kinds):
    """With those that there are."""
    (folder / "requirements.txt").write_text("torch\n")
    assert main(["project", "sync", "--for", kinds]) == ExitCode.USAGE
    assert "hint: " in capsys.readouterr().err


def test_the_command_that_undoes_a_sync_works_from_where_it_is_shown(folder, capsys):
    """It names the folder that was given, also one with a blank."""
    place = folder / "my project"
    place.mkdir()
    (place / "pyproject.toml").write_text(UV)
    assert main(["project", "sync", "my project", *FLEET, "--yes"]) == ExitCode.OK
    shown = " ".join(capsys.readouterr().out.split())
    command = re.search(r"run `torchup (project sync [^`]*)`", shown)
    assert command is not None
    assert main([*shlex.split(command[1]), "--yes"]) == ExitCode.OK
    assert (place / "pyproject.toml").read_text() == UV
