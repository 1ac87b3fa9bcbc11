"""`torchup wheel` and `torchup explain FILE.whl` as they are typed."""

from __future__ import annotations

import json

import pytest

from support.wheels import make_wheel
from torchup.cli import main

RTX = ("--assume", "gpu=RTX 4090", "--assume", "driver=580.65.06", "--assume", "os=linux", "--offline")


def run(capsys, *arguments):
    """Exit code, stdout, stderr."""
    code = main([*arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_wheel_and_its_install_line(capsys):
    """The file, its publisher, the evidence, and a line that leaves torch alone."""
    code, out, _ = run(capsys, "wheel", "flash-attn", "--python", "3.13", *RTX)
    assert code == 0
    assert "pip install --no-deps https://" in out
    assert "third party" in out
    assert "as of 2026-11-30" in out


def test_json_holds_the_fields_that_programs_read(capsys):
    """Every field of the answer is there, empty ones too."""
    code, out, _ = run(capsys, "wheel", "mmcv", "--why-not", "2.8+cu128", "--json", *RTX)
    data = json.loads(out)["data"]
    assert code == 3
    assert {"package", "kind", "status", "version", "torch", "cuda", "python", "platform", "url", "install", "evidence",
            "as_of", "source", "reuse", "failed", "nearest"} <= set(data)  # fmt: skip
    assert [failed["axis"] for failed in data["failed"]] == ["cuda", "torch"]
    assert data["nearest"][0]["torch"] == "2.4"
    assert data["source"].startswith("https://") or "PyPI" in data["source"]


@pytest.mark.parametrize(("name", "said"), [("flash_atn", "flash-attn"), ("xformer", "xformers"), ("zzz", "to list")])
def test_an_unknown_package(name, said, capsys):
    """Exit 2 and the names that are spelled alike."""
    code, _, err = run(capsys, "wheel", name, *RTX)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("name", ["apex", "nunchaku"])
def test_a_name_that_is_another_project_on_pypi(name, capsys):
    """The answer says so, and never to install that name."""
    _, out, _ = run(capsys, "wheel", name, *RTX)
    assert "another project" in out
    assert f"pip install {name}\n" not in out


def test_contradictory_wishes(capsys):
    """A torch that is no version is refused with words; one that no table has is answered."""
    code, _, err = run(capsys, "wheel", "flash-attn", "--torch", "banana", *RTX)
    assert code == 2
    assert "banana" in err
    assert run(capsys, "wheel", "flash-attn", "--torch", "9.9+cu130", *RTX)[0] == 3


def test_without_a_package_all_are_listed(capsys):
    """A line a package, with its kind."""
    code, out, _ = run(capsys, "wheel")
    assert code == 0
    assert "flash-attn" in out
    assert len(out.splitlines()) > 40


def test_a_wheel_file_is_explained(capsys, tmp_path, monkeypatch):
    """A pure wheel fits; a text that is none is an error with words."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    wheel = make_wheel(tmp_path, "ext", "1.0")
    code, out, _ = run(capsys, "explain", str(wheel))
    assert code == 0
    assert "not linked with torch" in out
    (tmp_path / "bad-1.0-py3-none-any.whl").write_text("404")
    assert run(capsys, "explain", str(tmp_path / "bad-1.0-py3-none-any.whl"))[0] == 2
    assert run(capsys, "explain", str(tmp_path / "missing-1.0-py3-none-any.whl"))[0] == 2
