"""Before an installation: resolve it to exact files, fetch them in a way that survives, install them by hash."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TYPE_CHECKING

from torchup.envs.paths import is_windows_path, join, split
from torchup.errors import InstallError, NetworkError
from torchup.fetch import CONNECTIONS, store
from torchup.host.threads import thread
from torchup.install import pip, uv
from torchup.install.arguments import pip_arguments, uv_arguments
from torchup.install.base import Event
from torchup.install.downloading import Downloading, is_remote
from torchup.install.failures import explain
from torchup.install.lockfile import LIMIT, Lock, LockedFile, hashed_lines, read_lock
from torchup.install.space import check_space
from torchup.model import InstallerName, Step, message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.host import Completed, Host
    from torchup.install.base import Progress
    from torchup.model import Plan

_CACHED = re.compile(r"requirement already cached: (\S+)==")

Perform = Callable[[Step], "Completed"]


@dataclass(frozen=True)
class Staging:
    """An environment in the making, and how its tools are run."""

    host: Host
    plan: Plan
    path: str
    perform: Perform
    tell: Progress
    connections: int = CONNECTIONS

    @property
    def places(self) -> tuple[str, ...]:
        """The installer's options of where from."""
        return uv_arguments(self.plan) if self.plan.installer is InstallerName.UV else pip_arguments(self.plan)

    def exact(self, step: Step, files: Iterable[LockedFile], *options: str) -> Step:
        """The packages step for exactly these files, by hash."""
        pins = join(self.path, "torchup-pins.txt")
        self.host.write_text(pins, hashed_lines(files))
        make = uv.exact_step if self.plan.installer is InstallerName.UV else pip.exact_step
        return make(step, self.path, pins, *options)


def locked_step(staging: Staging, step: Step) -> Step:
    """The packages step of uv or pip, made to install a lock whose files torchup has fetched.

    Where the wish cannot be locked to wheels with hashes (a package without one, an index without hashes) the step
    comes back as it was, and the installer downloads.

    Raises: what `fetch_all` raises; InstallError: there is too little space, or a file cannot be installed.
    """
    staging.tell(Event(stage="lock", text=message("install.lock", "resolve the plan to exact files")))
    lock = locked(staging, uv.compile_step(staging.plan, staging.path))
    if lock is None or not lock.whole:
        return step
    downloading = Downloading(staging.host, staging.plan, staging.tell, staging.connections)
    files = downloading.sized(lock.files)
    remote = [file for file in files if is_remote(file)]
    have = _cached(staging, step, remote) if remote else set[str]()
    remote = [file for file in remote if file.sha256 not in have]
    stored = _unpacked(staging, step, [file for file in remote if _stored(staging.host, file)])
    wanted = [file for file in remote if file.sha256 not in stored]
    check_space(staging.host, downloading.reach, wanted, staging.path)
    left = _fetch(staging, downloading, step, wanted) | stored | _named(files)
    done = {file.sha256 for file in wanted} - left.keys()
    return _last(staging, step, [file for file in files if file.sha256 not in done], left)


def locked(staging: Staging, step: Step) -> Lock | None:
    """The lock that a step of uv prints; ``None``: there is none, or it is empty."""
    try:
        completed = staging.perform(step)
    except InstallError:  # no uv, which pip does without
        return None
    if not completed.ok and staging.plan.installer is InstallerName.UV:
        error = explain(step, completed)
        if isinstance(error, NetworkError):
            raise error  # uv would ask the same server again, for as long
    lock = read_lock(completed.stdout[:LIMIT]) if completed.ok else None
    return lock if lock is not None and lock.files else None


def _last(staging: Staging, step: Step, files: Sequence[LockedFile], here: dict[str, str]) -> Step:
    """Install what lies in the store, without a network; the step for the rest. uv prefers an index to a folder."""
    local = [file for file in files if file.sha256 in here]
    rest = [file for file in files if file.sha256 not in here]
    if not local:
        return staging.exact(step, rest, *staging.places)
    from_store = staging.exact(step, local, *folders(staging.plan, [here[file.sha256] for file in local]))
    if not rest:
        return from_store
    _perform(staging, from_store)
    return staging.exact(step, rest, *staging.places)


def folders(plan: Plan, paths: Iterable[str]) -> tuple[str, ...]:
    """Options that name the files' folders and nothing else."""
    alone = ("--offline", "--no-index") if plan.installer is InstallerName.UV else ("--no-index",)
    return (*alone, *(part for path in paths for part in ("--find-links", split(path)[0])))


def perform_exact(staging: Staging, step: Step, files: Sequence[LockedFile], options: tuple[str, ...]) -> None:
    """Install exactly these files. Raises `InstallError`."""
    _perform(staging, staging.exact(step, files, *options))


def _perform(staging: Staging, step: Step) -> None:
    completed = staging.perform(step)
    if not completed.ok:
        raise explain(step, completed)


# ---------------------------------------------------------------- what is there already


def _cached(staging: Staging, step: Step, files: Sequence[LockedFile]) -> set[str]:
    """The files that uv has in its cache, which it says without installing; pip's cache cannot be asked."""
    return told_cached(staging, step, files, staging.places)


def _unpacked(staging: Staging, step: Step, files: Sequence[LockedFile]) -> dict[str, str]:
    """Of the files in the store those that uv unpacked from there before: neither hashed nor unpacked again."""
    paths = {file.sha256: _path(staging.host, file) for file in files}
    known = told_cached(staging, step, files, folders(staging.plan, paths.values()))
    return {digest: path for digest, path in paths.items() if digest in known}


def told_cached(staging: Staging, step: Step, files: Sequence[LockedFile], places: tuple[str, ...]) -> set[str]:
    """The hashes of the files that uv would take from its cache if it asked these places."""
    if not files or staging.plan.installer is not InstallerName.UV:
        return set()
    offline = () if "--offline" in places else ("--offline",)
    asked = staging.exact(step, files, *places, *offline, "--dry-run", "--verbose")
    completed = staging.perform(asked)
    names = set(_CACHED.findall(completed.stderr)) if completed.ok else set[str]()
    return {file.sha256 for file in files if file.package in names}


def _named(files: Sequence[LockedFile]) -> dict[str, str]:
    """The files that a requirement names by their path (``x @ file:///x.whl``): they lie in no folder of the plan."""
    return {file.sha256: file.url for file in files if file.url and (file.url[0] == "/" or is_windows_path(file.url))}


def _path(host: Host, file: LockedFile) -> str:
    return join(join(store.folder(host), file.sha256), file.name)


def _stored(host: Host, file: LockedFile) -> bool:
    return host.size(_path(host, file)) is not None


# ---------------------------------------------------------------- fetching and unpacking at the same time


def _fetch(staging: Staging, downloading: Downloading, step: Step, files: Sequence[LockedFile]) -> dict[str, str]:
    """Fetch in a thread while this one installs each large file that has come; the files that are left to install."""
    if not files:
        return {}
    come: Queue[tuple[str, str] | BaseException | None] = Queue()
    stop = threading.Event()

    def work() -> None:
        try:
            downloading.fetch(files, ready=lambda digest, path: come.put((digest, path)), stop=stop)
            come.put(None)
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
            come.put(error)

    fetching = thread(work)
    fetching.start()
    try:
        return _install_as_they_come(staging, step, {file.sha256: file for file in files}, come)
    finally:
        stop.set()
        fetching.join(5.0)


def _install_as_they_come(
    staging: Staging, step: Step, files: dict[str, LockedFile], come: Queue[tuple[str, str] | BaseException | None]
) -> dict[str, str]:
    """Install what has come while the rest still comes. pip, which starts slowly, gets all of it at the end."""
    left: dict[str, str] = {}
    while batch := _batch(come):
        here = dict(one for one in batch if isinstance(one, tuple))
        if staging.plan.installer is InstallerName.UV and here:
            perform_exact(staging, step, [files[key] for key in here], folders(staging.plan, here.values()))
        else:
            left |= here
        if batch[-1] is None:
            break
    return left


def _batch(come: Queue[tuple[str, str] | BaseException | None]) -> list[tuple[str, str] | None]:
    """What has come, at least one thing; ``None`` stands last where nothing else will. Raises what ended the fetch."""
    batch: list[tuple[str, str] | None] = []
    while not batch or not come.empty():
        try:
            one = come.get(timeout=0.1)  # in pieces: Ctrl-C is heard between them
        except Empty:
            continue
        if isinstance(one, BaseException):
            raise one
        batch.append(one)
    return batch
