"""Whether the disks take what is to be downloaded and what comes out of it, before the first byte is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.envs.paths import split
from torchup.errors import InstallError, TorchupError
from torchup.fetch import store
from torchup.fetch.order import LARGE
from torchup.model import Secret, Value, message
from torchup.sources.parallel import in_parallel
from torchup.sources.wheel_file import WheelFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host
    from torchup.install.lockfile import LockedFile
    from torchup.install.places import Reach
    from torchup.model import Message

SMALL_FACTOR = 4  # unpacked over packed bytes of wheels of Python files
MOST_FACTOR = 6  # of any wheel; torch for the CPU, which debuggers' tables make large, has 3.5
ASKING = 20.0  # seconds for the directories of the large wheels
BUDGET = 6 * 1024 * 1024  # bytes of one wheel; torch's directory has 1.3 MB


class Need(Value, frozen=True, kw_only=True):
    """Bytes that an installation takes: of downloads that are still to come, and unpacked."""

    download: int
    unpacked: int


def check_space(host: Host, reach: Reach, files: Sequence[LockedFile], path: str, *, unpacked: bool = True) -> None:
    """Refuse what the disks cannot hold.

    The old environment stays until the new one works, so its space does not count as free.

    Args:
        host: the machine.
        reach: how wheels are looked into where space is short.
        files: what is fetched and unpacked; their sizes known where a server tells them.
        path: the environment in the making, or something else beside which the files go.
        unpacked: whether the files are unpacked there, not copied.

    Raises:
        InstallError: there is too little space; names the place and both sums.
    """
    place, cache = split(path)[0], store.folder(host)
    free, free_cache = host.disk_free(place), host.disk_free(cache)
    download = sum(file.size or 0 for file in files)
    if free is None or free_cache is None or min(free, free_cache) > download * (1 + MOST_FACTOR):
        return  # enough space whatever they contain: no need to ask
    need = Need(
        download=download - _begun(host, files), unpacked=_unpacked(host, reach, files) if unpacked else download
    )
    together = host.same_disk(place, cache)
    if together and not unpacked:
        need = msgspec.structs.replace(need, unpacked=0)  # they are linked
    if free_cache < need.download:
        raise InstallError(_downloads(cache, free_cache, need.download), hint=_CACHE, code=_CODE)
    here = msgspec.structs.replace(need, download=need.download if together else 0)
    if free < here.unpacked + here.download:
        hint = other_disk() if unpacked else _FOLDER
        raise InstallError(_short(place, free, here, unpacked=unpacked), hint=hint, code=_CODE)


def _begun(host: Host, files: Sequence[LockedFile]) -> int:
    """Bytes that a broken-off download left."""
    return sum(host.size(f"{store.folder(host)}/{file.sha256}.part") or 0 for file in files)


def _unpacked(host: Host, reach: Reach, files: Sequence[LockedFile]) -> int:
    known = unpacked_sizes(host, reach, [file for file in files if (file.size or 0) >= LARGE])
    return sum(known.get(file.name) or (file.size or 0) * SMALL_FACTOR for file in files)


def unpacked_sizes(host: Host, reach: Reach, files: Sequence[LockedFile]) -> dict[str, int | None]:
    """File name -> bytes unpacked, out of the wheels' directories; ``None`` where one cannot be read."""

    def look(file: LockedFile) -> int | None:
        try:
            wheel = WheelFile(host, _address(reach, file), reach.connection, BUDGET)
            return sum(member.size for member in wheel.members())
        except TorchupError:
            return None

    return dict(zip((file.name for file in files), in_parallel(look, files, ASKING), strict=True))


def _address(reach: Reach, file: LockedFile) -> Secret:
    """The wheel's address with the login that its host wants."""
    return reach.with_login(file.url or "")


# No option moves the cache; a folder of files is chosen by an option that has another name in each verb.
_CACHE = message(
    "install.space.cache.hint", "free some space on this disk, or set TORCHUP_HOME to a folder on a larger disk"
)
_FOLDER = message("install.space.folder.hint", "free some space on this disk, or choose a folder on a larger disk")


def other_disk() -> Message:
    """What helps if the disk of an environment is full, whichever verb makes it."""
    return message(
        "install.space.hint",
        "free some space on this disk, or set TORCHUP_HOME to a folder on a larger disk (`torchup up` and "
        "`torchup env create` also accept --path DIR)",
    )


_CODE = "install.space"


def _short(place: str, free: int, need: Need, *, unpacked: bool) -> Message:
    """What this disk cannot hold: ``need`` is of this disk alone."""
    if not need.unpacked:
        return _downloads(place, free, need.download)
    if not unpacked:
        return message("install.space.copied", "{path} has {free} GB free, but the copied files need {needed} GB there",
                       path=place, free=_gigabytes(free), needed=_gigabytes(need.unpacked))  # fmt: skip
    if not need.download:
        return message(
            "install.space.unpacked", "{path} has {free} GB free, but the unpacked files need {needed} GB there",
            path=place, free=_gigabytes(free), needed=_gigabytes(need.unpacked),
        )  # fmt: skip
    return message(
        "install.space.both",
        "{path} has {free} GB free, but the downloads need {download} GB and the unpacked files {unpacked} GB there",
        path=place,
        free=_gigabytes(free),
        download=_gigabytes(need.download),
        unpacked=_gigabytes(need.unpacked),
    )


def _downloads(place: str, free: int, size: int) -> Message:
    return message("install.space.download", "{path} has {free} GB free, but the downloads need {needed} GB there",
                   path=place, free=_gigabytes(free), needed=_gigabytes(size))  # fmt: skip


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f}"
