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


@pytest.fixture
def direct(stored):
    """Beside them a wheel that came from an address, by its hash, and one that is begun."""
    digest, address = hashlib.sha256(b"y").hexdigest(), "address-" + "b" * 64
    (stored / digest).mkdir()
    (stored / digest / "flash_attn-2.8.3-py3-none-any.whl").write_bytes(b"y" * 2_000_000)
    (stored / f"{address}.json").write_text(json.dumps({"sha256": digest, "name": "flash_attn-2.8.3-py3-none-any.whl"}))
    begun = "address-" + "c" * 64
    (stored / f"{begun}.part").write_bytes(b"z" * 500_000)
    (stored / f"{begun}.journal").write_text('{"name": "sageattention-2.2.0-py3-none-any.whl"}\n')
    return stored


def test_wheels_from_an_address_are_shown_and_removed_like_any_other(direct, answer):
    """Their names, not their addresses; nothing that only remembers an address stays behind."""
    shown = {file["name"]: (file["size"], file["complete"]) for file in answer("show")["files"]}
    assert shown["flash_attn-2.8.3-py3-none-any.whl"] == (2_000_000, True)
    assert shown["sageattention-2.2.0-py3-none-any.whl"] == (500_000, False)
    assert len(shown) == 4
    assert answer("prune", "--yes", "--older-than", "1")["removed"] == []
    assert any(name.name.endswith(".json") for name in direct.iterdir())
    assert len(answer("prune", "--yes")["removed"]) == 4
    assert list(direct.iterdir()) == []


def test_prune_keeps_what_is_newer_and_dry_run_keeps_all(stored, answer):
    """`--older-than` counts days since the last write."""
    assert answer("prune", "--yes", "--older-than", "1")["removed"] == []
    assert len(answer("prune", "--dry-run")["would_remove"]) == 2
    assert len(answer("show")["files"]) == 2
