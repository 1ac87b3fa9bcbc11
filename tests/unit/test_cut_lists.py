"""A list or a sum that is not whole says so."""

from __future__ import annotations

import pytest

from support.sources import IsolatedHost
from torchup.cli.plan_sizes import sizes_text
from torchup.cli.results import _refused
from torchup.errors import UsageError
from torchup.install.sizes import SizedFile, Sizes
from torchup.model import Notice, message
from torchup.report.style import Style
from torchup.results import store
from torchup.results.run import Run


@pytest.mark.parametrize(("size", "said"), [(None, "at least 0 MB to download, at least"), (10**6, "1 MB to download")])
def test_a_sum_with_an_unknown_size_is_a_lower_limit(size, said):
    """An unknown size is not zero."""
    file = SizedFile(package="x", version="1", name="x.whl", sha256="0", bytes=size, unpacked_bytes=size, here=False)
    found = Sizes(files=(file,), bytes=size or 0, unpacked_bytes=size or 0)
    assert said in sizes_text(found, Style(), verbose=False)


def test_a_start_of_many_ids_says_how_many(tmp_path, monkeypatch):
    """Five are named, and the count tells that there are more."""
    runs = tuple(Run(id=f"2026-11-30-{number}") for number in range(8))
    monkeypatch.setattr(store, "list_runs", lambda _: store.Listing(runs=runs))
    with pytest.raises(UsageError, match=r"matches 8 runs: .*4, \.\.\.$"):
        store.load(IsolatedHost(tmp_path), "2026")


@pytest.mark.parametrize(("count", "said"), [(1, "reason 0"), (3, "reason 0 (further problems: 2)")])
def test_a_refused_file_says_how_many_problems_it_has(count, said):
    """The first problem is shown, the others are counted."""
    errors = [Notice(code="x", text=message("x", "reason {n}", n=n), level="error") for n in range(count)]
    assert str(_refused("a.json", errors)).endswith(said)
