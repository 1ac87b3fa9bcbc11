"""Files through the one door."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from torchup.host import RealHost

HOST = RealHost()


def test_missing_things_are_none(tmp_path):
    """Reading what is not there gives None, never an exception."""
    absent = str(tmp_path / "absent")
    assert HOST.read_text(absent) is None
    assert HOST.read_bytes("bad\0name") is None
    assert HOST.list_dir(absent) is None
    assert HOST.access(absent) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_not_read(tmp_path):
    """A pipe in the place of a file does not block torchup."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    assert HOST.read_bytes(str(fifo)) is None


def test_writes_are_atomic_and_leave_nothing_behind(tmp_path):
    """A write replaces the whole file; readers see the old or the new content, and no neighbour file stays."""
    target = tmp_path / "new folder" / "文件.json"
    HOST.write_text(str(target), "old" * 10_000)
    seen: set[str | None] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(HOST.read_text(str(target)))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        HOST.write_text(str(target), "new" * 10_000)
    stop.set()
    reader.join()
    assert seen <= {"old" * 10_000, "new" * 10_000}
    assert HOST.list_dir(str(target.parent)) == ("文件.json",)


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    """When the disk gives out, the old content and nothing else is there."""
    target = tmp_path / "file"
    HOST.write_text(str(target), "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        HOST.write_text(str(target), "new")
    assert HOST.read_text(str(target)) == "old"
    assert HOST.list_dir(str(tmp_path)) == ("file",)


def test_rename_never_swallows_a_folder(tmp_path):
    """A folder is not renamed over another."""
    for name in ("a", "b"):
        HOST.make_dirs(str(tmp_path / name))
    with pytest.raises(FileExistsError):
        HOST.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    HOST.rename(str(tmp_path / "a"), str(tmp_path / "c"))
    assert HOST.list_dir(str(tmp_path)) == ("b", "c")


def test_remove_follows_no_links_and_takes_read_only_things(tmp_path):
    """Removing a folder leaves what its links point to, and read-only folders do not stop it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "file").write_text("x")
    (inside / "link").symlink_to(outside)
    (inside / "deep").chmod(0o555)
    HOST.remove(str(inside))
    HOST.remove(str(inside))
    assert (outside / "keep").exists()
    assert not inside.exists()


def test_second_holder_of_a_lock_is_told(tmp_path):
    """A lock that is held raises TimeoutError for the next, and is free afterwards."""
    path = str(tmp_path / "locks" / "lock")
    with HOST.lock(path), pytest.raises(TimeoutError), HOST.lock(path):
        pytest.fail("the lock was given twice")
    with HOST.lock(path):
        assert HOST.exists(path)


def test_disk_free_of_a_folder_to_be(tmp_path):
    """Free space is told for a folder that does not exist yet."""
    assert HOST.disk_free(str(tmp_path / "a" / "b" / "c")) == pytest.approx(HOST.disk_free(str(tmp_path)), rel=0.05)


@pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")
def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    """`-o /dev/stdout` and named pipes stay what they are; root would otherwise turn /dev/null into a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    HOST.write_text(str(pipe), "words")
    reader.join(5)
    assert read == [b"words"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
