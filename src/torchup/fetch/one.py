"""One file, whatever happens on the way: from the store, from what is begun, from place after place."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.fetch.answers import PlaceError, WrongHashError, read_answer
from torchup.fetch.blocks import BLOCK, Blocks, journal_head, read_journal
from torchup.fetch.transfer import NoRangesError, Transfer, open_place
from torchup.host.stream import StreamError
from torchup.model import Value, message, verbatim

if TYPE_CHECKING:
    from torchup.fetch.order import FileOrder, Patience, Place
    from torchup.host import Host
    from torchup.host.partfile import PartFile

Look = Callable[["Seen"], None]
WAIT = 1.0  # seconds between two looks at another torchup's download
FULL = {errno.ENOSPC, errno.EDQUOT}


class Seen(Value, frozen=True, kw_only=True):
    """The state of one file: bytes there and in all, bytes a second."""

    place: str
    done: int
    total: int
    rate: float


@dataclass(kw_only=True)
class Fetching:
    """How to fetch: the machine, the patience, the connections to a place."""

    host: Host
    patience: Patience
    connections: int
    look: Look
    waiting: Callable[[], None]
    elsewhere: Callable[[FileOrder], tuple[Place, ...]] = lambda _: ()

    def fetch(self, order: FileOrder) -> str:
        """The path of the complete and verified file.

        Raises:
            NetworkError: no place served it; what came is kept for the next attempt.
            InstallError: every place has another file, or the disk does not take it; what is there is kept.
        """
        path = store.path_of(self.host, order)
        try:
            self.host.make_dirs(store.folder(self.host))
            with self._alone(order):
                if self._there(order, path):
                    return path
                self._fetch(order)
                self.host.make_dirs(path.rpartition("/")[0])
                part, journal = store.part_of(self.host, order)
                self.host.rename(part, path)
                self.host.remove(journal)
        except OSError as error:
            raise _disk_error(error, order) from error
        return path

    def _there(self, order: FileOrder, path: str) -> bool:
        """Whether the store has it already, its bytes looked at."""
        if order.sha256 is None:
            return self.host.size(path) is not None
        return self.host.sha256(path) == order.sha256

    def _alone(self, order: FileOrder) -> _Held:
        return _Held(self.host, f"{store.part_of(self.host, order)[0]}.lock", self.waiting)

    def _fetch(self, order: FileOrder) -> None:
        failures: list[tuple[str, PlaceError]] = []
        places = Places(order, self.elsewhere)
        while (place := places.take()) is not None:
            try:
                self._from(place, order, places.more)
            except PlaceError as error:
                failures.append((place.name, error))
            else:
                return
        raise _nobody(order, failures)

    def _from(self, place: Place, order: FileOrder, more: Callable[[], bool]) -> None:
        """All of the file from one place, what others sent included; twice where the first ends in wrong bytes."""
        size = order.size or size_at(self.host, place, self.patience.no_byte)
        for again in (False, True):
            blocks, resumed = self._begun(order, size)
            if self._complete(place, order, blocks, more):
                return
            store.discard(self.host, order)
            if again or not resumed:
                break  # all of it came from this place
        raise WrongHashError

    def _begun(self, order: FileOrder, size: int) -> tuple[Blocks, bool]:
        part, journal = store.part_of(self.host, order)
        text = self.host.read_text(journal) if self.host.exists(part) else None
        blocks = read_journal(text or "", size)
        if blocks is not None:
            return blocks, bool(blocks.done)
        self.host.remove(part)
        self.host.write_text(journal, journal_head(size, order.name))
        return Blocks(size), False

    def _complete(self, place: Place, order: FileOrder, blocks: Blocks, more: Callable[[], bool]) -> bool:
        """Fetch what is missing; whether the whole has the promised hash."""
        part, journal = store.part_of(self.host, order)
        with self.host.part_file(part) as file, self.host.part_file(journal) as log:
            log_end = [len(log.read_at(0, BLOCK))]

            def note(block: int) -> None:
                line = f"{block}\n".encode()
                position, log_end[0] = log_end[0], log_end[0] + len(line)
                log.write_at(position, line)

            hashing = _Hashing(file)

            def look(rate: float) -> None:
                hashing.follow(blocks.front())
                self.look(Seen(place=place.name, done=blocks.bytes_done, total=blocks.size, rate=rate))

            transfer = Transfer(
                host=self.host, place=place, blocks=blocks, part=file, note=note, patience=self.patience,
                connections=self.connections, more=more,
            )  # fmt: skip
            _run(transfer, look)
            look(0.0)
            file.truncate(blocks.size)
            return hashing.result(blocks.size) == order.sha256 or order.sha256 is None


def _run(transfer: Transfer, look: Callable[[float], None]) -> None:
    if transfer.blocks.complete:
        return
    try:
        transfer.run(look)
    except NoRangesError:
        replace(transfer, connections=1, stop=threading.Event(), ended=threading.Event(), error=None, running=0).run(
            look
        )


class Places:
    """The places of one file, its own first; others are looked for when they are needed, once."""

    def __init__(self, order: FileOrder, elsewhere: Callable[[FileOrder], tuple[Place, ...]]) -> None:
        self._order, self._elsewhere = order, elsewhere
        self._left = list(order.places)
        self._looked = False
        self._lock = threading.Lock()

    def more(self) -> bool:
        """Whether another place is left; may take seconds the first time that none is known."""
        with self._lock:
            if not self._left and not self._looked:
                self._looked = True
                self._left = list(self._elsewhere(self._order))
            return bool(self._left)

    def take(self) -> Place | None:
        """The next place; ``None``: all were tried."""
        return self._left.pop(0) if self.more() else None


def size_at(host: Host, place: Place, timeout: float) -> int:
    """What a place says of the length (bytes), asked with a range of one byte.

    Raises:
        PlaceError: it does not answer, or does not say.
    """
    headers = {"Range": "bytes=0-0"}
    try:
        with open_place(host, place, headers, timeout) as stream:
            size = read_answer(stream.status, stream.headers, 0).size
    except StreamError as error:
        raise PlaceError(str(error)) from error
    if not size:
        raise PlaceError("it does not say how long the file is")
    return size


class _Hashing:
    """SHA-256 of what is there from the beginning without a gap, while the rest still comes."""

    def __init__(self, file: PartFile) -> None:
        self._file, self._digest, self._offset = file, hashlib.sha256(), 0

    def follow(self, front: int, limit: int = 16 * store.PIECE) -> None:
        """Take in what has come, at most ``limit`` bytes at a time."""
        end = min(front, self._offset + limit)
        while self._offset < end:
            piece = self._file.read_at(self._offset, min(store.PIECE, end - self._offset))
            if not piece:
                return
            self._digest.update(piece)
            self._offset += len(piece)

    def result(self, size: int) -> str:
        """The hash of all ``size`` bytes."""
        self.follow(size, limit=size)
        return self._digest.hexdigest()


class _Held:
    """The right to fetch one file; another torchup that has it is waited for, and its work is used."""

    def __init__(self, host: Host, path: str, waiting: Callable[[], None]) -> None:
        self._host, self._path, self._waiting = host, path, waiting

    def __enter__(self) -> None:
        while True:
            held = self._host.lock(self._path, WAIT)
            try:
                held.__enter__()
            except TimeoutError:
                self._waiting()
                continue
            self._held = held
            return

    def __exit__(self, *error: object) -> None:
        self._held.__exit__(None, None, None)


def _nobody(order: FileOrder, failures: list[tuple[str, PlaceError]]) -> NetworkError | InstallError:
    if failures and all(isinstance(error, WrongHashError) for _, error in failures):
        places = ", ".join(name for name, _ in failures)
        text = message("fetch.hash", "hash mismatch in {file} from {places}", file=order.name, places=places)
        hint = message(
            "install.failed.hash.hint",
            "try again, or use another source with --mirror: a mirror or a proxy may have changed or damaged the file",
        )
        return InstallError(text, hint=hint)
    told = "; ".join(f"{name}: {why}" for name, why in failures) or "-"
    return NetworkError(
        message("fetch.nobody", "no source provided {file} ({reasons})", file=order.name, reasons=verbatim(told)),
        hint=message("fetch.nobody.hint", "repeat the command: it continues where this download stopped"),
    )


def _disk_error(error: OSError, order: FileOrder) -> InstallError:
    if error.errno in FULL:
        text = message("fetch.full", "the disk is full; the downloaded part of {file} is kept", file=order.name)
        return InstallError(text, hint=message("fetch.full.hint", "free some space, then repeat the command"))
    return InstallError(
        message(
            "fetch.disk", "cannot write {file} to the cache: {error}", file=order.name, error=error.strerror or error
        ),
        hint=message("fetch.disk.hint", "set TORCHUP_HOME to a folder that you can write to and that has free space"),
    )
