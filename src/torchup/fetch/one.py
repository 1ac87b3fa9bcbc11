"""One file, whatever happens on the way: from the store, from what is begun, from place after place."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torchup.envs.paths import split
from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.fetch.answers import (
    ABSENT,
    BUSY,
    ChangedError,
    PlaceError,
    StatusError,
    WrongHashError,
)
from torchup.fetch.blocks import BLOCK, Blocks, journal_head, journal_line, journal_tag, read_journal
from torchup.fetch.offered import offered_at
from torchup.fetch.transfer import NoRangesError, Transfer
from torchup.model import Value, message, verbatim

if TYPE_CHECKING:
    from torchup.fetch.offered import Offered
    from torchup.fetch.order import FileOrder, Patience, Place
    from torchup.host import Host
    from torchup.host.partfile import PartFile
    from torchup.model import Message

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
        try:
            self.host.make_dirs(store.folder(self.host))
            with self._alone(order):
                path = store.path_of(self.host, order)
                if self.host.sha256(path) == store.digest_of(path):
                    return path  # the store has it already
                return self._kept(order, self._fetch(order))
        except OSError as error:
            raise _disk_error(error, order) from error

    def _kept(self, order: FileOrder, digest: str) -> str:
        """Where the file is that was just completed: by its hash, also where none was promised."""
        path = store.place_of(self.host, digest, order.name)
        self.host.make_dirs(split(path)[0])
        part, journal = store.part_of(self.host, order)
        self.host.rename(part, path)
        self.host.remove(journal)
        if order.sha256 is None:
            store.note(self.host, order, digest)
        return path

    def _alone(self, order: FileOrder) -> _Held:
        return _Held(self.host, f"{store.part_of(self.host, order)[0]}.lock", self.waiting)

    def _fetch(self, order: FileOrder) -> str:
        """Fetch from place after place; the hash of the whole."""
        failures: list[tuple[str, PlaceError]] = []
        places = Places(order, self.elsewhere)
        while (place := places.take()) is not None:
            try:
                return self._from(place, order, places.more)
            except PlaceError as error:
                failures.append((place.name, error))
        raise _nobody(order, failures)

    def _from(self, place: Place, order: FileOrder, more: Callable[[], bool]) -> str:
        """All of the file from one place, what others sent included; twice where the first ends in wrong bytes."""
        for again in (False, True):
            size, tag = order.size, None
            if size is None or order.sha256 is None:
                offered = self._offered(place)
                size, tag = size or offered.size, offered.tag
            blocks, resumed = self._begun(order, size, tag)
            try:
                digest = self._complete(place, order, blocks, tag, more)
            except ChangedError:
                store.discard(self.host, order)
                if again:
                    raise
                continue
            if order.sha256 in (digest, None):
                return digest
            store.discard(self.host, order)
            if again or not resumed:
                break  # all of it came from this place
        raise WrongHashError

    def _offered(self, place: Place) -> Offered:
        """What a place has, asked again as long as it is busy."""
        for attempt in range(1, self.patience.attempts):
            try:
                return offered_at(self.host, place, self.patience.no_byte)
            except StatusError as error:
                if error.status not in BUSY:
                    raise
            self.look(Seen(place=place.name, done=0, total=0, rate=0.0))
            threading.Event().wait(min(self.patience.pause * 2**attempt, self.patience.longest_pause))
        return offered_at(self.host, place, self.patience.no_byte)

    def _begun(self, order: FileOrder, size: int, tag: str | None) -> tuple[Blocks, bool]:
        """What is there of the file; without a hash only what is of the very version that the place has now."""
        part, journal = store.part_of(self.host, order)
        text = (self.host.read_text(journal) if self.host.exists(part) else None) or ""
        same = order.sha256 is not None or (tag is not None and journal_tag(text) == tag)
        blocks = read_journal(text, size) if same else None
        if blocks is not None:
            return blocks, blocks.begun
        self.host.remove(part)
        self.host.write_text(journal, journal_head(size, order.name, tag))
        return Blocks(size), False

    def _complete(
        self, place: Place, order: FileOrder, blocks: Blocks, tag: str | None, more: Callable[[], bool]
    ) -> str:
        """Fetch what is missing; the hash of the whole."""
        part, journal = store.part_of(self.host, order)
        with self.host.part_file(part) as file, self.host.part_file(journal) as log:
            log_end, writing = [len(log.read_at(0, BLOCK))], threading.Lock()

            def note(block: int, count: int | None) -> None:
                if order.sha256 is None:
                    file.sync()  # no hash would tell after a power cut that the disk has less than the journal says
                line = journal_line(block, count).encode()
                with writing:
                    position, log_end[0] = log_end[0], log_end[0] + len(line)
                    log.write_at(position, line)

            hashing = _Hashing(file)

            def look(rate: float) -> None:
                hashing.follow(blocks.front())
                self.look(Seen(place=place.name, done=blocks.bytes_done, total=blocks.size, rate=rate))

            transfer = Transfer(
                host=self.host, place=place, blocks=blocks, part=file, note=note, patience=self.patience,
                connections=self.connections, more=more, hashed=order.sha256 is not None,
                tag=None if order.sha256 else tag,
            )  # fmt: skip
            _run(transfer, look)
            look(0.0)
            file.truncate(blocks.size)
            return hashing.result(blocks.size)


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
    told = "; ".join(f"{name}: {why}" for name, why in failures)
    return NetworkError(
        message(
            "fetch.nobody",
            "no source provided {file} ({reasons})",
            file=order.name,
            reasons=verbatim(told) if told else message("fetch.no-source", "no source is configured"),
        ),
        hint=_next_step([error for _, error in failures]),
    )


def _next_step(errors: list[PlaceError]) -> Message:
    """Repeating helps against a bad moment, not if no source has the file."""
    if all(isinstance(error, StatusError) and error.status in ABSENT for error in errors):
        return message("fetch.nobody.absent", "use another source with --mirror")
    return message("fetch.nobody.hint", "repeat the command: it continues where this download stopped")


def _disk_error(error: OSError, order: FileOrder) -> InstallError:
    if error.errno in FULL:
        text = message("fetch.full", "the disk is full; torchup keeps the downloaded part of {file}", file=order.name)
        return InstallError(text, hint=message("fetch.full.hint", "free some space, then repeat the command"))
    return InstallError(
        message(
            "fetch.disk", "cannot write {file} to the cache: {error}", file=order.name, error=error.strerror or error
        ),
        hint=message("fetch.disk.hint", "set TORCHUP_HOME to a folder that you can write to and that has free space"),
    )
