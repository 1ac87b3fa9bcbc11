"""Environments whose folder cannot be used: each verb says what is wrong with the place, and `env remove` ends it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from torchup.cli import main
from torchup.envs import records, registry
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.model import Environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and permissions of POSIX")
HOST = RealHost()


def reads_everything():
    """Whether permissions do not hold this user up (root, mostly)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0)
        return os.access(folder, os.R_OK)


ROOT = reads_everything()
VERBS = (
    "verify",
    "doctor",
    "env list",
    "env show",
    "env rollback",
    "env repair",
    "env run -- true",
    "bench",
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the environment `default` lies, with an interpreter and a record, and nothing else."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    folder = Path(registry.environment_path(HOST, "default"))
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    records.write(HOST, str(folder), records.Record(environment=Environment(name="default", path=str(folder))))
    return folder


def dangling(folder):
    """The disk that it was moved to is not there."""
    shutil.rmtree(folder)
    folder.symlink_to("/nowhere/default")


def emptied(folder):
    """Only the folder is left."""
    shutil.rmtree(folder)
    folder.mkdir()


def unreadable(folder):
    """Another user's folder, or one whose permissions were taken away."""
    folder.chmod(0)


BROKEN = [
    dangling,
    emptied,
    pytest.param(unreadable, marks=pytest.mark.skipif(ROOT, reason="root reads everything")),
]


@pytest.mark.parametrize("breaking", BROKEN)
def test_every_verb_names_the_place(place, capsys, breaking):
    """No verb takes it for an environment that was never made, and none dies of it."""
    breaking(place)
    for verb in VERBS:
        code = main(verb.split())
        said = "".join(capsys.readouterr())
        assert code in ({ExitCode.OK} if verb == "env list" else {ExitCode.USAGE, ExitCode.INSTALL}), verb
        assert str(place) in said, verb
        assert "Traceback" not in said
    if breaking is unreadable:  # who may not write there cannot move it
        assert main(["env", "remove", "default", "--yes"]) == ExitCode.INSTALL
        assert "check who owns" in capsys.readouterr().err
        place.chmod(0o700)
    assert main(["env", "remove", "default", "--yes"]) == ExitCode.OK
    assert not os.path.lexists(place)
    assert registry.names(HOST) == ()


def test_an_environment_is_not_made_over_a_link_to_nowhere(place, capsys):
    """The link is named, and the environment beside it stays as it is."""
    dangling(place)
    previous = Path(f"{place}.previous")
    previous.mkdir()
    assert main(["env", "rollback"]) == ExitCode.INSTALL
    assert "link to a place that does not exist" in capsys.readouterr().err
    assert previous.is_dir()
    assert place.is_symlink()


@pytest.mark.parametrize(
    ("number", "cure"),
    [(errno.ENOSPC, "free some space"), (errno.EACCES, "check who owns"), (errno.EROFS, "read-only"),
     (errno.EBUSY, "close the programs")],
)  # fmt: skip
def test_a_refused_change_has_its_own_cure(place, capsys, monkeypatch, number, cure):
    """A full disk, a missing permission and a file in use are three things; the environment is as it was."""
    Path(f"{place}.previous").mkdir()
    monkeypatch.setattr("torchup.envs.transaction.RETRIES", ())

    def refused(*_):
        raise OSError(number, os.strerror(number))

    for name in ("exchange", "rename"):
        monkeypatch.setattr(f"torchup.host.files.{name}", refused)
    for verb in ("env rollback", "env remove default --yes"):
        assert main(verb.split()) == ExitCode.INSTALL
        assert cure in capsys.readouterr().err
    assert (place / "bin/python").exists()


def test_a_full_disk_is_no_reason_to_keep_an_environment(place, monkeypatch):
    """Removing needs no room for a folder: it is how room is made."""
    real = os.makedirs

    def full(path, *arguments, **options):
        if ".staging" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, *arguments, **options)

    monkeypatch.setattr("os.makedirs", full)
    assert main(["env", "remove", "default", "--yes"]) == ExitCode.OK
    assert not place.exists()


@pytest.mark.skipif(ROOT, reason="root reads everything")
def test_a_list_that_cannot_be_read_is_not_empty(place, capsys):
    """Where the folder of the environments cannot be read, the list says so."""
    place.parent.chmod(0o300)
    try:
        assert main(["env", "list"]) == ExitCode.OK
        assert "cannot be listed" in capsys.readouterr().err
    finally:
        place.parent.chmod(0o700)
