"""What a download is said to take."""

from __future__ import annotations

import pytest

from torchup.install.downloading import _event, fetching
from torchup.install.lockfile import LockedFile


def file(size):
    """One of a lock."""
    return LockedFile(package="torch", name="x.whl", version="1", sha256="0" * 64, url="https://x.example/x", size=size)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([None], "download torch"),
        ([2_000_000], "download torch, 2.0 MB"),
        ([None, 2_000_000], "download at least 2.0 MB (files: 2)"),
        ([1_000_000, 2_000_000], "download 3.0 MB (files: 2)"),
    ],
)
def test_a_size_that_no_server_tells_is_not_zero(sizes, said):
    """An unknown size is left out, and a sum with one is a lower limit."""
    assert str(_event([file(size) for size in sizes]).text) == said
    if len(sizes) > 1:
        assert str(fetching(sizes)) == said
