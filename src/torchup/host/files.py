"""Files and folders: reads that never raise, writes that are atomic."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AT_FDCWD = -100  # linux/fcntl.h: "relative to the current folder"
_SWAP_FLAG = 2  # RENAME_EXCHANGE (linux/fs.h) and RENAME_SWAP (macOS sys/stdio.h) are both 2
_HANDED_OVER = lazy_pattern(r"/(?:dev|proc/self)/fd/\d{1,9}|/dev/stdin")


def read_bytes(path: str, limit: int | None = None) -> bytes | None:
    """See `Host.read_bytes`. Never blocks on a FIFO or a device: only regular files (and /proc, /sys) are read.

    A pipe that the user's shell hands over (``<(command)``, ``/dev/stdin``) is read to its end: somebody writes to it.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not (stat.S_ISFIFO(mode) and _HANDED_OVER.fullmatch(path)):
            return None
        with open(path, "rb") as file:
            return file.read() if limit is None else file.read(limit)
    except (OSError, ValueError):
        return None


def read_part(path: str, start: int, length: int) -> tuple[bytes, int] | None:
    """See `Host.read_part`."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(length), status.st_size
    except (OSError, ValueError):
        return None


def read_given(path: str, limit: int) -> bytes | None:
    """See `Host.read_given`."""
    try:
        if stat.S_ISBLK(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return file.read(limit)
    except (OSError, ValueError):
        return None


def sha256(path: str) -> str | None:
    """See `Host.sha256`."""
    import hashlib  # 2 ms that most verbs need not pay

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def size(path: str) -> int | None:
    """See `Host.size`."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def decode(raw: bytes) -> str:
    """What a tool wrote, as text: UTF-16 where a byte-order mark says so (PowerShell, wsl.exe), else lossy UTF-8."""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return raw.decode("utf-16", errors="replace").replace("\r\n", "\n")
    return raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


def list_dir(path: str) -> tuple[str, ...] | None:
    """See `Host.list_dir`."""
    try:
        return tuple(sorted(os.listdir(path)))
    except (OSError, ValueError):
        return None


def access(path: str) -> tuple[bool, bool] | None:
    """See `Host.access`."""
    return (os.access(path, os.R_OK), os.access(path, os.W_OK)) if os.path.lexists(path) else None


def is_read_only(path: str) -> bool:
    """See `Host.is_read_only`."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(path, os.W_OK)


def write_bytes(path: str, content: bytes, *, private: bool = False) -> None:
    """Write a neighbour file, flush it to disk, rename it over the target."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        with open(path, "wb") as device:  # /dev/stdout, a named pipe: written to, never replaced
            device.write(content)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # 1 ms that a verb which only reads need not pay

    handle, neighbour = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(neighbour, 0o600 if private else _mode(path))
        os.replace(neighbour, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(neighbour)
        raise


def _mode(path: str) -> int:
    """The mode of the file that is replaced (a script stays executable), else that of plain data."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return 0o644


def rename(source: str, target: str) -> None:
    """See `Host.rename`."""
    if os.path.isdir(target) and not os.path.islink(target):
        raise FileExistsError(target)
    os.replace(source, target)


def exchange(first: str, second: str) -> bool:
    """See `Host.exchange`: ``renameat2`` with RENAME_EXCHANGE on Linux, ``renamex_np`` with RENAME_SWAP on macOS."""
    import ctypes  # 5 ms that only an installation pays

    raw_first, raw_second = os.fsencode(first), os.fsencode(second)
    try:
        library = ctypes.CDLL(None, use_errno=True)  # type: ignore[arg-type,unused-ignore]  # None: this process
        if sys.platform == "darwin":
            code = library.renamex_np(raw_first, raw_second, _SWAP_FLAG)
        else:
            code = library.renameat2(_AT_FDCWD, raw_first, _AT_FDCWD, raw_second, _SWAP_FLAG)
    except (AttributeError, OSError, TypeError):
        return False  # Windows, or a C library older than glibc 2.28
    if code == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV}:
        return False  # this kernel or file system cannot
    raise OSError(number, os.strerror(number), first, None, second)


def remove(path: str) -> None:
    """See `Host.remove`. Read-only entries (Windows, wheels' own modes) are made writable and tried again."""
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        import shutil  # 2 ms that a verb which only reads need not pay

        shutil.rmtree(path, onerror=_writable_and_again)  # onexc needs Python 3.12


def _writable_and_again(function: Callable[[str], object], path: str, _: object) -> None:
    if not os.path.lexists(path):
        return  # another process removed it first: the aim is reached
    os.chmod(os.path.dirname(path), stat.S_IRWXU)
    os.chmod(path, stat.S_IRWXU)
    function(path)


@contextlib.contextmanager
def lock(path: str, timeout: float) -> Iterator[object]:
    """See `Host.lock`."""
    import filelock  # 15 ms (it brings asyncio) that reading verbs need not pay

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(path, timeout=timeout)
    try:
        held.acquire()
    except filelock.Timeout as error:
        raise TimeoutError(path) from error
    try:
        yield held
    finally:
        held.release()


def linux_cores() -> int | None:
    """Physical cores, counted by package and core id in sysfs; ``None`` where sysfs does not say."""
    cores = set()
    for name in list_dir("/sys/devices/system/cpu") or ():
        if name.startswith("cpu") and name[3:].isdecimal():
            topology = f"/sys/devices/system/cpu/{name}/topology"
            package, core = read_bytes(f"{topology}/physical_package_id"), read_bytes(f"{topology}/core_id")
            if package is None or core is None:
                continue  # switched off
            cores.add((package, core))
    return len(cores) or None


def copy(source: str, target: str) -> None:
    """See `Host.copy`."""
    import shutil  # see `remove`

    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def same_disk(first: str, second: str) -> bool:
    """See `Host.same_disk`."""
    found = []
    for path in (first, second):
        for folder in (Path(path), *Path(path).parents):
            with contextlib.suppress(OSError):
                found.append(folder.stat().st_dev)
                break
    return len(set(found)) < 2  # noqa: PLR2004  # two places


def disk_free(path: str) -> int | None:
    """See `Host.disk_free`."""
    import shutil  # see `remove`

    for folder in (Path(path), *Path(path).parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return None
