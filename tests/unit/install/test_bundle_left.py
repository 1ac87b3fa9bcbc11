"""What a killed `env bundle` leaves is taken up by the next run; what is not its own is refused and kept."""

from __future__ import annotations

from itertools import combinations

import pytest

from support.plans import folder_plan
from torchup.errors import UsageError
from torchup.host import RealHost
from torchup.install import bundle

PARTS = (".workshop", "wheels", "SHA256SUMS", "plan.json", ".plan.json.k3x.part", ".SHA256SUMS.k3x.part")
LEFT = [names for n in range(len(PARTS)) for names in combinations(PARTS[1:], n) if set(names) != bundle.COMPLETE]


class Killed(BaseException):
    """Ends a run as SIGKILL does: no clean-up of the run itself comes after it."""


class Mortal(RealHost):
    """Dies before its n-th removal."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    def remove(self, path: str) -> None:
        """Remove, or die."""
        self.lives -= 1
        if self.lives < 0:
            raise Killed
        super().remove(path)


def _left(folder, names):
    for name in names:
        if name in {".workshop", "wheels"}:
            (folder / name).mkdir()
            (folder / name / "torch.whl").write_text("half")
        else:
            (folder / name).write_text("half")


@pytest.mark.parametrize("names", LEFT, ids=",".join)
def test_a_kill_while_the_rest_is_cleared_leaves_what_the_next_run_takes(tmp_path, names):
    """Whatever a run with a workshop was killed at, and wherever its successor is killed, a third one begins."""
    for lives in range(len(names) + 2):
        folder = tmp_path / str(lives)
        folder.mkdir()
        _left(folder, (".workshop", *names))
        try:
            assert bundle._check(Mortal(lives), folder_plan("x"), str(folder), None) is None
        except Killed:
            assert bundle._check(RealHost(), folder_plan("x"), str(folder), None) is None
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", ".plan.json", "wheels2", ".part"])
def test_what_is_not_of_a_bundle_is_refused_and_kept(tmp_path, name):
    """A workshop does not make a folder torchup's: with anything else in it nothing is removed."""
    _left(tmp_path, (".workshop", "wheels"))
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        bundle._check(RealHost(), folder_plan("x"), str(tmp_path), None)
    assert {entry.name for entry in tmp_path.iterdir()} == {".workshop", "wheels", name}


def test_a_failed_run_removes_its_workshop_last(tmp_path):
    """Ctrl-C clears what was made; a kill in the middle of that leaves a folder that is still known."""
    _left(tmp_path, PARTS)
    for left in range(len(PARTS), 1, -1):
        with pytest.raises(Killed):
            bundle._empty(Mortal(1), str(tmp_path), {entry.name for entry in tmp_path.iterdir()})
        there = {entry.name for entry in tmp_path.iterdir()}
        assert (len(there), ".workshop" in there, "plan.json" in there) == (left - 1, True, False)
