"""Where fetched files lie: by hash below the cache folder, with what a broken-off download left beside them.

CACHE/files/<sha256>/<file name>     complete and verified
CACHE/files/<sha256>.part            what is there of it
CACHE/files/<sha256>.journal         which blocks of it
CACHE/files/address-<hash>.json      the SHA-256 of what came from an address that promised none
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.encoding import UNREADABLE, from_json, to_json
from torchup.envs.paths import join
from torchup.fetch.blocks import journal_name
from torchup.model import Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.fetch.order import FileOrder
    from torchup.host import Host

JOURNAL = 4096  # bytes of a journal's first line
PIECE = 1 << 22  # bytes read at a time for hashing
_SHA256 = lazy_pattern("[0-9a-f]{64}")


class Stored(Value, frozen=True, kw_only=True):
    """One file in the store. ``size`` in bytes; ``age`` in seconds since it was last written.

    ``complete``: downloaded and verified; else it is what a broken-off download left.
    """

    name: str
    path: str
    size: int
    age: float
    complete: bool


class Noted(Value, frozen=True, kw_only=True):
    """What came from an address that promised no hash."""

    sha256: str
    name: str


def folder(host: Host) -> str:
    """The store."""
    return join(host.folders().cache, "files")


def path_of(host: Host, order: FileOrder) -> str:
    """Where the complete file lies, or will lie; pip and uv read its name, so it keeps it."""
    return place_of(host, order.sha256 or noted(host, order) or order.key, order.name)


def place_of(host: Host, digest: str, name: str) -> str:
    """Where the file with a hash lies."""
    return join(join(folder(host), digest), name)


def digest_of(path: str) -> str:
    """The hash of a file in the store, which its folder is called by."""
    return path.replace("\\", "/").rsplit("/", 2)[1]


def note(host: Host, order: FileOrder, digest: str) -> None:
    """Remember what came from an address that promised no hash."""
    host.write_text(_note(host, order.key), to_json(Noted(sha256=digest, name=order.name)))


def noted(host: Host, order: FileOrder) -> str | None:
    """The hash of what came from the order's address before, as long as the file is there."""
    raw = host.read_bytes(_note(host, order.key), JOURNAL)
    try:
        found = from_json(raw or b"", Noted)
    except UNREADABLE:
        return None
    there = _SHA256.fullmatch(found.sha256) and host.size(place_of(host, found.sha256, order.name)) is not None
    return found.sha256 if there else None


def _note(host: Host, key: str) -> str:
    return join(folder(host), f"{key}.json")


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
    removed = tuple([file for file in contents(host) if file.age >= older_than and _removed(host, file)])
    for name in host.list_dir(folder(host)) or ():
        if name.startswith("address-") and name.endswith(".json"):
            _forget(host, name.removesuffix(".json"))
    return removed


def _forget(host: Host, key: str) -> None:
    """Remove the note of an address whose file is gone."""
    try:
        digest = from_json(host.read_bytes(_note(host, key), JOURNAL) or b"", Noted).sha256
    except UNREADABLE:
        digest = ""
    if not digest or not host.is_dir(join(folder(host), digest)):
        host.remove(_note(host, key))
        host.remove(join(folder(host), f"{key}.part.lock"))


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
