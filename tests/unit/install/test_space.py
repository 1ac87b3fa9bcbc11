"""Too little space: the hint names only what helps on the disk that is full."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from support.sources import IsolatedHost
from torchup.errors import InstallError
from torchup.fetch import store
from torchup.install import space
from torchup.install.lockfile import LockedFile
from torchup.install.space import check_space

ENVIRONMENT, HOME = "--path", "TORCHUP_HOME"


class Disks(IsolatedHost):
    """A machine whose cache and whose other folders lie on disks with this much space."""

    def __init__(self, home, cache, other):
        super().__init__(home)
        self.free = cache, other

    def disk_free(self, path):
        """Bytes of the disk."""
        return self.free[not path.startswith(store.folder(self))]

    def same_disk(self, one, other):
        """Two disks."""
        return one == other


@pytest.mark.parametrize(
    ("cache", "other", "unpacked", "named"),
    [
        (1, 1 << 50, True, {HOME}),
        (1, 1 << 50, False, {HOME}),
        (1 << 50, 1, True, {HOME, ENVIRONMENT}),
        (1 << 50, 1, False, set()),
    ],
)
def test_a_hint_names_what_moves_the_files_of_the_full_disk(tmp_path, cache, other, unpacked, named):
    """The cache moves with TORCHUP_HOME, an environment also with --path, and a folder of files with another folder."""
    file = LockedFile(package="x", name="x.whl", version="1", sha256="0" * 64, url="https://x.example/x.whl", size=1000)
    with pytest.raises(InstallError) as caught:
        check_space(Disks(tmp_path, cache, other), SimpleNamespace(), [file], "/place/env", unpacked=unpacked)
    assert caught.value.code == "install.space"
    hint = str(caught.value.hint)
    assert {word for word in (HOME, ENVIRONMENT) if word in hint} == named


@pytest.mark.parametrize(
    ("cache", "other", "unpacked", "reason"),
    [
        (1, 1 << 50, True, "but the downloads need 1.0 GB there"),
        (1 << 50, 1, True, "but the unpacked files need 6.0 GB there"),
        (1 << 50, 1, False, "but the copied files need 1.0 GB there"),
    ],
)
def test_a_full_disk_is_held_against_what_goes_there(tmp_path, monkeypatch, cache, other, unpacked, reason):
    """The need of another disk is not part of the sentence."""
    file = LockedFile(
        package="x", name="x.whl", version="1", sha256="0" * 64, url="https://x.example/x.whl", size=10**9
    )
    reach = SimpleNamespace(with_login=None, connection=None)
    monkeypatch.setattr(space, "unpacked_sizes", lambda *_: {"x.whl": 6 * 10**9})
    with pytest.raises(InstallError, match=reason):
        check_space(Disks(tmp_path, cache, other), reach, [file], "/place/env", unpacked=unpacked)
