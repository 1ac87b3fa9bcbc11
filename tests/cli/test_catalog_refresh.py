"""`torchup catalog refresh` on the command line."""

from __future__ import annotations

import json

import pytest

from support.index_server import IndexServer, make_wheel
from torchup.cli import catalog_refresh, main
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.report.style import Style
from torchup.sources.outlook import Look


@pytest.fixture
def index(monkeypatch, tmp_path):
    """An index on this machine; no other host answers."""
    for name in ("PIP_FIND_LINKS", "PIP_CERT", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_PROXY", "http://127.0.0.1:1")  # whatever is not this machine is refused
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.chdir(tmp_path)
    real = RealHost.fetch

    def only_here(self, url, **options):
        return real(self, url, **{**options, "proxy": None} if "127.0.0.1" in url else options)

    monkeypatch.setattr(RealHost, "fetch", only_here)
    with IndexServer() as server:
        yield server


@pytest.fixture
def mirror(index):
    """A mirror on this machine with a release that no catalogue knows."""
    wheel = make_wheel("torch", "9.1.0+cu126", python="cp312", platform="manylinux_2_28_x86_64")
    index.publish("whl/cu126", wheel)
    return index.url("whl/{variant}")


def test_the_diff_is_shown_and_kept_only_on_request(mirror, capsys, tmp_path):
    """Without --write nothing changes; with it the overlay lies in the data folder and the next run knows the build."""
    arguments = ["catalog", "refresh", "--mirror", mirror, "--variant", "cu126"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "9.1.0+cu126" in shown
    assert "unknown" in shown
    assert "\nNo answer\n" in shown  # a source that was skipped is never skipped in silence
    assert "  pytorch-index:cu126: " in shown
    overlay = tmp_path / "torchup-home" / "data" / "catalog.json"
    assert not overlay.exists()
    assert main([*arguments, "--write", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["written"] == str(overlay)
    assert [build["torch"] for build in data["new"]] == ["9.1.0"]
    assert main(arguments) == 0
    assert "torchup found no new builds" in capsys.readouterr().out
    assert main(["catalog", "show", "--torch", "9.1.0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["rows"][0]["variant"] == "cu126"


ANNOUNCED = ("plan", "--offline", "--assume", "os=linux,arch=x86_64,gpu=H100,driver=600.01", "--variant", "cu130")


def _codes(capsys):
    """The notices of the plan for the announced build, made without a network."""
    assert main([*ANNOUNCED, "--torch", "2.15.0", "--json"]) == 0
    return {notice["code"] for notice in json.loads(capsys.readouterr().out)["data"]["advice"]}


def test_a_build_that_an_index_shows_is_no_longer_only_announced(index, capsys):
    """A refresh with --write ends the plan's advice to refresh; without it, the advice stays."""
    index.publish("whl/cu130", make_wheel("torch", "2.15.0+cu130", python="cp312", platform="manylinux_2_28_x86_64"))
    arguments = ["catalog", "refresh", "--mirror", index.url("whl/{variant}"), "--variant", "cu130"]
    assert "plan.advice.not-seen" in _codes(capsys)
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "2.15.0+cu130 linux_x86_64" in shown
    assert "torchup catalog refresh --write" in shown
    assert "plan.advice.not-seen" in _codes(capsys)
    assert main([*arguments, "--write", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["confirmed"] == ["2.15.0+cu130 linux_x86_64"]
    assert "plan.advice.not-seen" not in _codes(capsys)
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["confirmed"] == []  # known by now


def test_without_an_answer_it_exits_7(mirror, capsys):
    """A dead mirror and no network: one sentence, the sources asked, no traceback."""
    dead = "http://127.0.0.1:1/whl/{variant}"
    assert main(["catalog", "refresh", "--mirror", dead, "--variant", "cu126"]) == ExitCode.NETWORK
    error = capsys.readouterr().err
    assert "no source answered" in error
    assert "Traceback" not in error


def test_a_broken_overlay_is_a_usage_error(mirror, capsys, tmp_path):
    """A file that is no overlay is named; it is not overwritten."""
    overlay = tmp_path / "torchup-home" / "data" / "catalog.json"
    overlay.parent.mkdir(parents=True)
    overlay.write_text("{")
    assert main(["catalog", "refresh", "--mirror", mirror, "--write"]) == ExitCode.USAGE
    assert overlay.read_text() == "{"


def test_a_data_folder_that_cannot_be_written_is_a_usage_error(mirror, capsys, tmp_path):
    """The reason is told and nothing is half written."""
    (tmp_path / "torchup-home").mkdir(exist_ok=True)
    (tmp_path / "torchup-home" / "data").write_text("a file where the folder belongs")
    code = main(["catalog", "refresh", "--mirror", mirror, "--variant", "cu126", "--write"])
    assert code == ExitCode.USAGE
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "further",
    [("--write",), ("--mirror", "nju"), ("--variant", "cu126"), ("--write", "--variant", "cu126")],
    ids=" ".join,
)
def test_packages_refuses_what_it_would_ignore(mirror, capsys, monkeypatch, further):
    """Every option that says something about builds is named; a setting or how to show the answer is none."""
    asked = []
    monkeypatch.setattr(catalog_refresh, "_packages", asked.append)
    monkeypatch.setenv("TORCHUP_MIRROR", "nju")
    assert main(["catalog", "refresh", "--packages", *further]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert all(option in said for option in further if option.startswith("--"))
    assert asked == []
    main(["catalog", "refresh", "--packages", "-v", "--lang", "en"])
    assert len(asked) == 1


def test_a_look_without_an_answer_names_no_dash():
    """Where no source answered and none is named, the sentence says so; a silent one is named."""
    nobody = catalog_refresh.looks_text((Look(table="drivers", needed=True),), Style())
    assert nobody.endswith("drivers: not checked: no source answered")
    one = catalog_refresh.looks_text((Look(table="drivers", needed=True, silent=("nvidia.com",)),), Style())
    assert one.endswith("drivers: not checked completely (no answer: nvidia.com)")


def test_a_broken_overlay_is_skipped_with_a_sentence(capsys, tmp_path):
    """The other commands go on with the built-in catalogue, and say so."""
    overlay = tmp_path / "torchup-home" / "data" / "catalog.json"
    overlay.parent.mkdir(parents=True)
    overlay.write_text("{")
    assert main(["catalog", "show"]) == 0
    said = capsys.readouterr().err
    assert "the refreshed catalogue is not valid" in said
    assert "torchup uses the built-in catalogue" in said


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        (("--variant", "cu999"), "choose one of these variants: "),
        (("--variant", "cu999", "--torch", "2.12"), "choose one of these variants: "),
        (("--torch", "0.1"), "run `torchup catalog show --all` to see the releases, from "),
    ],
)
def test_the_hint_changes_only_what_was_asked(capsys, asked, first):
    """Another version is proposed to those who named one, and another variant where one is the matter."""
    assert main(["catalog", "show", *asked]) == ExitCode.USAGE
    assert f"hint: {first}" in capsys.readouterr().err
