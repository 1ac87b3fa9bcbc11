"""How large a plan is, file by file: resolved by uv, sizes of the servers, unpacked sizes out of the wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.errors import NetworkError
from torchup.fetch import store
from torchup.install.direct import direct_files, without
from torchup.install.downloading import Downloading, is_remote
from torchup.install.lock import lock
from torchup.install.lockfile import read_lock
from torchup.install.space import unpacked_sizes
from torchup.model import Value, message

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.install.lockfile import LockedFile
    from torchup.model import Machine, Plan


class SizedFile(Value, frozen=True, kw_only=True):
    """One file of a plan."""

    package: str
    version: str
    name: str
    sha256: str
    bytes: int | None  # null: no server tells
    unpacked_bytes: int | None  # null: its directory could not be read
    here: bool  # it need not be downloaded: it lies in torchup's cache or in a folder of wheels


class Sizes(Value, frozen=True, kw_only=True):
    """All of them. ``bytes`` counts what is to be downloaded, ``unpacked_bytes`` everything; unknown sizes count 0."""

    files: tuple[SizedFile, ...]
    bytes: int
    unpacked_bytes: int


def sizes(host: Host, plan: Plan, machine: Machine, *, here: bool) -> Sizes:
    """Resolve a plan and ask for every size; takes some seconds.

    uv would download a file that has an address of its own to resolve it, so these are asked beside the lock; what only
    they require is not counted.

    Raises:
        UsageError: the plan is for conda.
        NetworkError: the sources do not have everything, or do not answer.
    """
    direct = direct_files(host, plan)
    found = read_lock(lock(host, without(plan, direct), machine, here=here))
    if found is None:
        text = message("sizes.no-lock", "uv's answer cannot be read as a lock file")
        raise NetworkError(text, hint=message("lock.failed.hint", "run `torchup plan` to see which sources answer"))
    downloading = Downloading(host, plan, lambda _: None)
    files = downloading.sized([*found.files, *(file.locked for file in direct)])
    unpacked = unpacked_sizes(host, downloading.reach, [file for file in files if is_remote(file)])
    sized = tuple(_sized(downloading, file, unpacked.get(file.name)) for file in files)
    ordered = tuple(sorted(sized, key=lambda file: -(file.bytes or 0)))
    return Sizes(
        files=ordered,
        bytes=sum(file.bytes or 0 for file in ordered if not file.here),
        unpacked_bytes=sum(file.unpacked_bytes or 0 for file in ordered),
    )


def _sized(downloading: Downloading, file: LockedFile, unpacked: int | None) -> SizedFile:
    remote = is_remote(file)
    stored = downloading.host.size(store.path_of(downloading.host, downloading.order(file))) if remote else None
    return SizedFile(
        package=file.package, version=file.version, name=file.name, sha256=file.sha256, bytes=file.size or stored,
        unpacked_bytes=unpacked, here=stored is not None or not remote,
    )  # fmt: skip
