"""Before an installation: resolve it to exact files, and fetch the large ones in a way that survives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from torchup.envs.paths import join, split
from torchup.fetch import FileOrder, Place, fetch_all
from torchup.fetch.answers import PlaceError
from torchup.fetch.one import size_at
from torchup.install.arguments import uv_arguments
from torchup.install.base import Event
from torchup.install.failures import explain
from torchup.install.lockfile import LIMIT, Lock, LockedFile, hashed_lines, read_lock
from torchup.install.uv import compile_step, exact_step
from torchup.model import Secret, Step, message
from torchup.sources.configured import read_configuration
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import authorization, host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.host import Completed, Host
    from torchup.install.base import Progress
    from torchup.model import Plan
    from torchup.sources.configured import Configuration

LARGE = 16 * 1024 * 1024  # bytes; smaller files are left to the installer, whose pipeline is faster for many
ASKING = 30.0  # seconds for the sizes that the index does not tell

Perform = Callable[[Step], "Completed"]


@dataclass(frozen=True)
class Staging:
    """An environment in the making, and how its tools are run."""

    host: Host
    plan: Plan
    path: str
    perform: Perform
    tell: Progress


def locked_step(staging: Staging, step: Step) -> Step:
    """The packages step of uv, made to install a lock whose large files torchup has fetched.

    Where the wish cannot be locked to wheels with hashes (a package without one, an index without hashes) the step
    comes back as it was, and uv downloads.

    Raises: what `fetch_all` raises.
    """
    host, path = staging.host, staging.path
    staging.tell(Event(stage="lock", text=message("install.lock", "resolve the exact files")))
    lock = _lock(staging.perform, compile_step(staging.plan, path))
    if lock is None:
        return step
    configuration = read_configuration(host)
    large = [file for file in _with_sizes(host, lock.files, configuration) if (file.size or 0) >= LARGE]
    wanted = [file for file in large if not _cached(staging, step, file)]
    fetched = _fetched(host, [_order(file, configuration) for file in wanted], staging.tell)
    return _rest(staging, step, lock, fetched)


def _rest(staging: Staging, step: Step, lock: Lock, fetched: dict[str, str]) -> Step:
    """Install what was fetched, without a network; the step for the rest. uv prefers an index to a folder."""
    here = [file for file in lock.files if file.sha256 in fetched]
    folders = [part for file in here for part in ("--find-links", split(fetched[file.sha256])[0])]
    if here:
        pins = _pins(staging, "torchup-fetched.txt", here)
        local = exact_step(step, staging.path, pins, "--offline", "--no-index", *folders)
        completed = staging.perform(local)
        if not completed.ok:
            raise explain(local, completed)
    rest = [file for file in lock.files if file.sha256 not in fetched]
    return exact_step(step, staging.path, _pins(staging, "torchup-pins.txt", rest), *uv_arguments(staging.plan))


def _pins(staging: Staging, name: str, files: Iterable[LockedFile]) -> str:
    path = join(staging.path, name)
    staging.host.write_text(path, hashed_lines(files))
    return path


def _lock(perform: Perform, step: Step) -> Lock | None:
    completed = perform(step)
    lock = read_lock(completed.stdout[:LIMIT]) if completed.ok else None
    return lock if lock is not None and lock.whole and lock.files else None


def _cached(staging: Staging, step: Step, file: LockedFile) -> bool:
    """Whether uv has the file already: it then installs it without a network, into a folder that is thrown away."""
    trial = join(staging.path, "trial")
    pins = _pins(staging, "torchup-trial.txt", [file])
    options = ("--offline", "--target", trial, *uv_arguments(staging.plan))
    try:
        return staging.perform(exact_step(step, staging.path, pins, *options)).ok
    finally:
        staging.host.remove(trial)


def _fetched(host: Host, orders: list[FileOrder], tell: Progress) -> dict[str, str]:
    if not orders:
        return {}
    text = message("install.download", "download {count} large files", count=len(orders))
    event = Event(stage="download", text=text)
    tell(event)
    return fetch_all(
        host, sorted(orders, key=lambda order: -(order.size or 0)),
        tell=lambda progress: tell(msgspec.structs.replace(event, download=progress)),
    )  # fmt: skip


def _with_sizes(host: Host, files: Sequence[LockedFile], configuration: Configuration) -> list[LockedFile]:
    """The sizes that an index does not tell (PyTorch's own tells none), asked of the server."""
    unknown = [file for file in files if file.size is None and (file.url or "").startswith(("http://", "https://"))]

    def ask(file: LockedFile) -> int | None:
        try:
            return size_at(host, _place(file, configuration), ASKING / 3)
        except PlaceError:
            return None

    sizes = dict(zip([file.sha256 for file in unknown], in_parallel(ask, unknown, ASKING), strict=True))
    return [msgspec.structs.replace(file, size=file.size or sizes.get(file.sha256)) for file in files]


def _order(file: LockedFile, configuration: Configuration) -> FileOrder:
    return FileOrder(name=file.name, sha256=file.sha256, size=file.size, places=(_place(file, configuration),))


def _place(file: LockedFile, configuration: Configuration) -> Place:
    url = file.url or ""
    host = host_of(url)
    return Place(
        name=host,
        url=url,
        authorization=_logins(configuration).get(host),
        certificate=configuration.certificate,
        proxy=configuration.pip.proxy,
        verify=host.rsplit(":", 1)[0] not in configuration.trusted_hosts and host not in configuration.trusted_hosts,
    )


def _logins(configuration: Configuration) -> dict[str, Secret]:
    """Host -> header, from the addresses of the configuration that hold a login."""
    pip, uv = configuration.pip, configuration.uv
    settings = (pip.index_url, *pip.extra_index_urls, *pip.find_links, uv.default_index, *uv.indexes, *uv.find_links)
    found: dict[str, Secret] = {}
    for setting in settings:
        if setting is not None and (header := authorization(setting.value)):
            found.setdefault(host_of(setting.value), Secret(header["Authorization"]))
    return found
