"""Making, replacing and removing environments so that a kill at any instant leaves a usable one, or none.

Everything in the making lies in ``.NAME.staging/ID/NAME`` beside the target ``NAME``. A finished environment is marked
(``torchup-ready``, holding the ID) and swapped with the target in one atomic exchange where the system has one (Linux,
macOS), else by two renames; then what was there becomes ``NAME.previous``. `recover` finishes or undoes what a kill
left, told by nothing but the files: no clock, no process list.

| found | means | done |
|---|---|---|
| mark in the target | exchanged; the old one may still lie in staging | old one -> previous, mark removed |
| no target, mark in staging | killed between two renames | staged one -> target |
| no target, a previous | the same, earlier | previous -> target |
| anything else in staging | not finished, or removed | deleted |
"""

from __future__ import annotations

import contextlib
import errno
import time
import uuid
from typing import TYPE_CHECKING

from torchup.envs.paths import is_windows_path, join, split
from torchup.errors import InstallError
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Host
    from torchup.model import Message

READY = "torchup-ready"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
RETRIES = (0.1, 0.3, 0.6, 1.0)  # seconds; virus scanners and indexers on Windows hold new files for moments


def staging_root(target: str) -> str:
    """``.NAME.staging`` beside the target."""
    parent, name = split(target)
    return join(parent, f".{name}.staging")


def previous_of(target: str) -> str:
    """``NAME.previous`` beside the target."""
    return f"{target}.previous"


def new_staging(target: str) -> str:
    """A path of its own for one attempt, its last part the target's name (tools show it in prompts)."""
    return join(staging_root(target), uuid.uuid4().hex[:8], split(target)[1])


def commit(host: Host, staged: str, target: str) -> None:
    """Put a finished environment in the target's place; the old one becomes ``previous``. Raises `OSError`."""
    attempt = split(split(staged)[0])[1]
    host.write_text(join(staged, READY), attempt)
    if not host.exists(target):
        _patiently(lambda: host.rename(staged, target))
    elif not _exchange(host, staged, target):
        _two_renames(host, staged, target)
    _finish(host, target)


def recover(host: Host, target: str) -> bool:
    """Finish or undo what a killed run left at the target (see the table above); whether there was anything.

    The caller holds the environment's lock. Raises `OSError`.
    """
    root, previous = staging_root(target), previous_of(target)
    attempts = host.list_dir(root)
    marked = host.exists(join(target, READY))
    absent = not host.exists(target)
    if attempts is None and not marked and not (absent and host.exists(previous)):
        return False
    if absent:
        staged = next((path for path in _attempts(host, target) if host.exists(join(path, READY))), None)
        if staged is not None or host.exists(previous):
            host.rename(staged or previous, target)
    if host.exists(join(target, READY)):
        _finish(host, target)
    clean(host, target)
    return True


def roll_back(host: Host, target: str) -> None:
    """Swap the target with ``previous``, which must exist. Raises `OSError`."""
    previous = previous_of(target)
    if not host.exists(target):
        _patiently(lambda: host.rename(previous, target))
    elif not _exchange(host, previous, target):
        aside = new_staging(target)
        host.make_dirs(split(aside)[0])
        _patiently(lambda: host.rename(target, aside))
        host.rename(previous, target)
        host.rename(aside, previous)
        clean(host, target)


def discard(host: Host, path: str, target: str) -> None:
    """Remove a folder for good: out of the way by one rename first, so that a kill leaves no half of it behind."""
    if not host.exists(path):
        return
    aside = new_staging(target)
    try:
        host.make_dirs(split(aside)[0])
    except OSError as error:
        if error.errno not in _FULL:
            raise
        host.remove(path)  # a full disk has no room for a folder, and this makes some
    else:
        _patiently(lambda: host.rename(path, aside))
    clean(host, target)


def dangles(host: Host, path: str) -> bool:
    """Whether a path is a link to a place that is not there."""
    return not host.exists(path) and host.access(path) is not None


def check_link(host: Host, target: str) -> None:
    """Refuse a target that is a link to nowhere; raises `InstallError`."""
    if dangles(host, target):
        text = message("envs.dangling", "{path} is a link to a place that does not exist", path=target)
        hint = message("envs.dangling.hint", "restore the place that the link points to, or remove the link")
        raise InstallError(text, hint=hint)


def in_use(target: str, error: OSError) -> InstallError:
    """The error for a change that the system refuses: on Windows most often because a program holds a file open."""
    text = message(
        "envs.in-use", "{path} cannot be replaced or removed: {error}", path=target, error=error.strerror or error
    )
    return InstallError(text, hint=_cure(target, error))


def _cure(target: str, error: OSError) -> Message:
    if error.errno in _FULL:
        return message("envs.in-use.full", "free some space on that disk and try again")
    if error.errno in _FORBIDDEN and not is_windows_path(target):
        return message(
            "envs.in-use.forbidden", "check who owns {path} and the folder above it, and whether its disk is read-only",
            path=target,
        )  # fmt: skip
    return message(
        "envs.in-use.hint",
        "close the programs that use these files (Python, Jupyter, an open terminal) and try again",
    )


def clean(host: Host, target: str) -> None:
    """Delete what lies in staging. What cannot be deleted now (a program still writes there) a later run deletes."""
    with contextlib.suppress(OSError):
        host.remove(staging_root(target))


def _finish(host: Host, target: str) -> None:
    """Give what was swapped out its place as ``previous``, then take the mark away."""
    attempt = (host.read_text(join(target, READY)) or "").strip()
    replaced = join(staging_root(target), attempt, split(target)[1]) if attempt.isalnum() else ""
    if replaced and host.exists(replaced):
        _set_previous_aside(host, target)
        host.rename(replaced, previous_of(target))
    host.remove(join(target, READY))
    clean(host, target)


def _set_previous_aside(host: Host, target: str) -> str | None:
    """Move an older ``previous`` into staging, where the clean-up takes it; returns where it is now."""
    previous = previous_of(target)
    if not host.exists(previous):
        return None
    aside = new_staging(target)
    host.make_dirs(split(aside)[0])
    _patiently(lambda: host.rename(previous, aside))
    return aside


def _exchange(host: Host, first: str, second: str) -> bool:
    done = False

    def attempt() -> None:
        nonlocal done
        done = host.exchange(first, second)

    _patiently(attempt)
    return done


def _two_renames(host: Host, staged: str, target: str) -> None:
    """Without an exchange: old one to previous, new one in; if the second is refused, the first is undone."""
    older, previous = _set_previous_aside(host, target), previous_of(target)
    try:
        _patiently(lambda: host.rename(target, previous))
        _patiently(lambda: host.rename(staged, target))
    except OSError:
        if not host.exists(target):
            host.rename(previous, target)
        if older is not None:
            host.rename(older, previous)
        raise


def _attempts(host: Host, target: str) -> list[str]:
    root, name = staging_root(target), split(target)[1]
    return [join(root, attempt, name) for attempt in host.list_dir(root) or ()]


def _patiently(action: Callable[[], None]) -> None:
    """Try again for a moment when the system says that a file is in use."""
    for pause in RETRIES:
        try:
            action()
        except PermissionError:
            time.sleep(pause)
        else:
            return
    action()
