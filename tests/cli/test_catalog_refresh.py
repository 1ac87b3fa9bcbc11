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
def mirror(monkeypatch, tmp_path):
    """A mirror on this machine with a release that no catalogue knows; no other host answers."""
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
        wheel = make_wheel("torch", "9.1.0+cu126", python="cp312", platform="manylinux_2_28_x86_64")
        server.publish("whl/cu126", wheel)
        yield server.url("whl/{variant}")


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
    assert one.endswith("nvidia.com did not answer")
