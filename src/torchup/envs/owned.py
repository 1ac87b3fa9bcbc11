"""Everything that torchup writes outside the environments' own folders, so that it can be found and removed.

A room that keeps a new kind of file adds it here; a test holds that nothing else is left in torchup's folders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs import kernels, registry
from torchup.envs.paths import join, split
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host

# Names in the standard folders; a star stands for any ending. Only these are ever removed: TORCHUP_HOME may point to a
# folder that holds other things as well.
DATA = {
    "envs": "environments", "results": "results", "catalog.json": "catalogue refreshed by the user", "locks": "locks",
    "projects": "project files before a sync",
    "hub": "JupyterHub's files",
}  # fmt: skip
CACHE = {
    "conda": "conda packages", "files": "downloaded files", "lock": "resolver's files", "netrc-*": "passwords",
    "telemetry-*": "telemetry", "web": "page for the browser",
}  # fmt: skip
LOG = {"torchup-*": "logs"}


class Owned(Value, frozen=True, kw_only=True):
    """One place that is torchup's."""

    kind: str  # environment | environments | results | kernel | logs ...
    path: str
    name: str | None = None  # of an environment or a kernel


def owned(host: Host) -> tuple[Owned, ...]:
    """Every place that is there now, environments elsewhere and kernels first. Adopted environments are not ours."""
    return (*_kernels(host), *_elsewhere(host), *_standard(host))


def shared(host: Host, uv: str) -> tuple[str, ...]:
    """Folders of uv's that installing has filled (downloads, Pythons): other programs use them, so they stay."""
    found = []
    for words in (("cache", "dir"), ("python", "dir")):
        completed = host.run((uv, "--no-config", *words))
        place = completed.stdout.strip()
        if completed.ok and host.exists(place):
            found.append(place)
    return tuple(found)


def remove_all(host: Host) -> tuple[Owned, ...]:
    """Remove what `owned` names; returns it. Raises `InstallError` where an environment is in use, or `OSError`."""
    places = owned(host)
    for kernel in kernels.find(host):
        if kernel.ours:
            kernels.remove(host, kernel)
    for name in registry.names(host):
        registry.remove(host, name)
    for place in _standard(host):
        host.remove(place.path)
    folders = host.folders()
    for folder in (folders.data, folders.cache, folders.config, folders.log):
        if host.list_dir(folder) == ():
            host.remove(folder)
    return places


def _kernels(host: Host) -> Iterator[Owned]:
    for kernel in kernels.find(host):
        if kernel.ours:
            yield Owned(kind="kernel", path=kernel.folder, name=kernel.name)


def _elsewhere(host: Host) -> Iterator[Owned]:
    for environment in registry.list_environments(host):
        outside = split(environment.path)[0] != registry.environments_folder(host)
        if outside and not environment.adopted and host.exists(environment.path):
            yield Owned(kind="environment", path=environment.path, name=environment.name)


def _standard(host: Host) -> Iterator[Owned]:
    folders = host.folders()
    for folder, names in ((folders.data, DATA), (folders.cache, CACHE), (folders.log, LOG)):
        for entry in host.list_dir(folder) or ():
            kind = next((kind for name, kind in names.items() if _matches(entry, name)), None)
            if kind is not None:
                yield Owned(kind=kind, path=join(folder, entry))


def _matches(entry: str, name: str) -> bool:
    return entry.startswith(name[:-1]) if name.endswith("*") else entry == name
