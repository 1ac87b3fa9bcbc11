"""Every input that a fuzzer or a review found is kept: each is read or refused, quickly, and what comes out is JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.fuzz_parsers import CORPUS, TARGETS, check_of

FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(Path(path).relative_to(CORPUS)))
def test_what_was_found_stays_mended(path):
    """The fuzzer's own check on one input: only documented errors, under two seconds."""
    check_of(TARGETS[path.parent.name])(path.read_bytes())


def test_every_kind_of_foreign_document_has_a_seed():
    """A target that no recorded machine seeds has a file of its own."""
    known = {path.parent.name for path in FILES}
    assert known <= TARGETS.keys()
    assert {"index-html", "index-json", "bundle", "results", "toml", "yaml", "ini", "report", "lock-file"} <= known
