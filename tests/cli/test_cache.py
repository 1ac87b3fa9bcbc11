"""`torchup cache`: what it lists and removes."""

from __future__ import annotations

import hashlib
import json

import pytest

from torchup.cli import main


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A cache with a complete file and an unfinished one."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path))
    folder = tmp_path / "cache" / "files"
    whole = folder / hashlib.sha256(b"x").hexdigest()
    whole.mkdir(parents=True)
    (whole / "torch-2.0.0-py3-none-any.whl").write_bytes(b"x" * 3_000_000)
    (folder / ("a" * 64 + ".part")).write_bytes(b"x" * 1_000_000)
    (folder / ("a" * 64 + ".journal")).write_text("{}\n")
    return folder


@pytest.fixture
def answer(capsys):
    """The data of one call of `torchup cache`."""

    def ask(*arguments):
        assert main(["cache", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["data"]

    return ask


def test_show_lists_sizes_and_what_is_unfinished(stored, answer):
    """The largest file stands first; the sum is of all."""
    data = answer("show")
    assert [(file["size"], file["complete"]) for file in data["files"]] == [(3_000_000, True), (1_000_000, False)]
    assert data["bytes"] == 4_000_000


def test_prune_removes_everything_with_its_journal(stored, answer):
    """Nothing of a file stays, and a second call has nothing to do."""
    assert len(answer("prune", "--yes")["removed"]) == 2
    assert list(stored.iterdir()) == []
    assert answer("show")["files"] == []


def test_prune_keeps_what_is_newer_and_dry_run_keeps_all(stored, answer):
    """`--older-than` counts days since the last write."""
    assert answer("prune", "--yes", "--older-than", "1")["removed"] == []
    assert len(answer("prune", "--dry-run")["would_remove"]) == 2
    assert len(answer("show")["files"]) == 2
