"""Where fetched files lie: by hash below the cache folder, with what a broken-off download left beside them.

CACHE/files/<sha256>/<file name>     complete and verified
CACHE/files/<sha256>.part            what is there of it
CACHE/files/<sha256>.journal         which blocks of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs.paths import join
from torchup.fetch.blocks import journal_name
from torchup.model import Value

if TYPE_CHECKING:
    from torchup.fetch.order import FileOrder
    from torchup.host import Host

JOURNAL = 4096  # bytes of a journal's first line
PIECE = 1 << 22  # bytes read at a time for hashing


class Stored(Value, frozen=True, kw_only=True):
    """One file in the store. ``size`` in bytes; ``age`` in seconds since it was last written.

    ``complete``: downloaded and verified; else it is what a broken-off download left.
    """

    name: str
    path: str
    size: int
    age: float
    complete: bool


def folder(host: Host) -> str:
    """The store."""
    return join(host.folders().cache, "files")


def path_of(host: Host, order: FileOrder) -> str:
    """Where the complete file lies; pip and uv read its name, so it keeps it."""
    return join(join(folder(host), order.key), order.name)


def part_of(host: Host, order: FileOrder) -> tuple[str, str]:
    """The begun file and its journal."""
    base = join(folder(host), order.key)
    return f"{base}.part", f"{base}.journal"


def discard(host: Host, order: FileOrder) -> None:
    """Forget what was begun of a file: its bytes were wrong."""
    for path in part_of(host, order):
        host.remove(path)


def contents(host: Host) -> tuple[Stored, ...]:
    """Everything in the store, the largest first."""
    found = []
    for entry in host.list_dir(folder(host)) or ():
        path = join(folder(host), entry)
        if host.is_dir(path):
            found += [_stored(host, join(path, name), complete=True) for name in host.list_dir(path) or ()]
        elif entry.endswith(".part"):
            found.append(_stored(host, path, complete=False))
    return tuple(sorted(found, key=lambda file: -file.size))


def _stored(host: Host, path: str, *, complete: bool) -> Stored:
    size, age = host.size_and_age(path)
    name = path.replace("\\", "/").rpartition("/")[2]
    if not complete:
        name = journal_name(host.read_text(path.removesuffix(".part") + ".journal", JOURNAL) or "") or name
    return Stored(name=name, path=path, size=size, age=age, complete=complete)


def prune(host: Host, older_than: float) -> tuple[Stored, ...]:
    """Remove what is older than so many seconds and not being fetched now; what was removed. Raises `OSError`."""
    return tuple([file for file in contents(host) if file.age >= older_than and _removed(host, file)])


def _removed(host: Host, file: Stored) -> bool:
    digest = file.path.replace("\\", "/").removeprefix(folder(host).replace("\\", "/") + "/")
    base = join(folder(host), digest.split("/")[0].removesuffix(".part"))
    try:
        with host.lock(f"{base}.part.lock"):
            for path in (base, f"{base}.part", f"{base}.journal"):
                host.remove(path)
    except TimeoutError:
        return False  # another torchup fetches it
    host.remove(f"{base}.part.lock")
    return True
