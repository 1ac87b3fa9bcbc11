"""`torchup fleet report`: a folder of documents becomes an answer and a page."""

from __future__ import annotations

import json

import pytest

from torchup.cli import main
from torchup.errors import ExitCode

NODE = {"os": "linux", "arch": "x86_64", "glibc": "2.35", "gpus": [{"vendor": "nvidia", "name": "NVIDIA A100"}],
        "drivers": [{"vendor": "nvidia", "version": "580.95"}]}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Two machines, one with its environments."""
    for name in ("node1", "node2"):
        (tmp_path / f"{name}.json").write_text(json.dumps(NODE))
    envelope = {"schema": "torchup/1", "data": [{"name": "lab", "path": "/x", "torch": "2.9.0", "variant": "cu126"}]}
    (tmp_path / "node2.env.json").write_text(json.dumps(envelope))
    return tmp_path


def test_the_report_is_an_answer_and_a_page(folder, capsys):
    """Both machines are planned, the drift is named, and the page is written."""
    assert main(["fleet", "report", str(folder), "--html", str(folder / "page.html"), "--json"]) == ExitCode.OK
    data = json.loads(capsys.readouterr().out)["data"]
    assert [one["name"] for one in data["machines"]] == ["node1", "node2"]
    assert [(drift["machine"], drift["kind"]) for drift in data["drifts"]] == [("node2", "environment")]
    assert "node2" in (folder / "page.html").read_text("utf-8")


def test_a_machine_without_a_plan_gives_3(folder, capsys):
    """The others are shown all the same."""
    (folder / "old.json").write_text('{"os": "linux", "arch": "mips"}')
    assert main(["fleet", "report", str(folder)]) == ExitCode.NO_BUILD
    assert "node1: 2." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("node1.env.json", "[1]", "envelope"), ("node1.env.json", "{", "envelope"), ("", "", "empty"), ("", "", "html")],
)
def test_what_cannot_be_used_is_said(folder, capsys, name, content, code):
    """A list that is none, a folder without machines, a page that cannot be written: usage errors with a hint."""
    line = ["fleet", "report", str(folder)]
    if name:
        (folder / name).write_text(content)
    if code == "empty":
        (folder / "sub").mkdir()
        line[-1] = str(folder / "sub")
    if code == "html":
        line += ["--html", "/dev/null/x.html"]
    assert main(line) == ExitCode.USAGE
    assert "hint: " in capsys.readouterr().err
