"""`torchup doctor --fix` repairs kernels: its own stale ones go, other people's stay."""

from __future__ import annotations

import json
import sys

import pytest

from torchup.cli import main
from torchup.envs.kernels import MARK


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """A stale kernel of torchup's and a stale one of somebody else's."""
    folder = tmp_path / "jupyter" / "kernels"
    for name, metadata in (("torchup-old-123456", {MARK: {"name": "old", "path": "/gone"}}), ("theirs", {})):
        (folder / name).mkdir(parents=True)
        spec = {"argv": ["/gone/bin/python"], "display_name": name, "language": "python", "metadata": metadata}
        (folder / name / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return folder


def test_only_stale_kernels_of_torchups_are_removed(capsys, kernels):
    """`--yes` removes what torchup made and cannot start; a foreign kernel is left as it is."""
    main(["doctor", "--python", sys.executable, "--fix", "--yes", "--only", "no-gpu", "--json"])
    codes = [message["code"] for message in json.loads(capsys.readouterr().out)["messages"]]
    assert "doctor.fix.kernels.done" in codes
    assert [path.name for path in kernels.iterdir()] == ["theirs"]


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
def test_nothing_is_removed_without_consent(capsys, kernels, arguments):
    """`--dry-run`, or nobody there to agree, leaves every kernel."""
    main(["doctor", "--python", sys.executable, "--fix", "--only", "no-gpu", "--json", *arguments])
    capsys.readouterr()
    assert len(list(kernels.iterdir())) == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "the program that runs the kernel no longer exists"), ("zh", "运行这个内核的程序已不存在")],
)
def test_a_stale_kernel_is_shown_with_its_reason_in_words(capsys, kernels, language, words):
    """The doctor says what is wrong with a kernel as `torchup kernel list` does, in the user's language."""
    main(["doctor", "--lang", language, "--python", sys.executable, "--only", "no-gpu"])
    said = capsys.readouterr().err
    assert words in said
    assert "python-missing" not in said
