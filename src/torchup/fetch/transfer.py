"""Fetch the missing blocks of one file from one place, by several connections.

Each worker takes the next run of blocks and keeps to it through broken connections. The caller's thread looks on: it
hashes what has come without a gap, tells the progress, and ends the workers when the place is too slow.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchup.fetch.answers import BUSY, ChangedError, PlaceError, pause, read_answer, validator
from torchup.fetch.meter import Meter
from torchup.host.stream import StreamError
from torchup.host.threads import thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from torchup.fetch.blocks import Blocks
    from torchup.fetch.order import Patience, Place
    from torchup.host import Host
    from torchup.host.partfile import PartFile
    from torchup.host.stream import Stream

LOOK = 0.1  # seconds between two looks of the caller's thread


class NoRangesError(PlaceError):
    """The server sends the whole file whatever part was asked for: more than one connection makes no sense."""

    def __init__(self) -> None:
        super().__init__("it does not serve parts of a file")


def open_place(host: Host, place: Place, headers: Mapping[str, str], timeout: float) -> AbstractContextManager[Stream]:
    """One GET of a place's file, as the place says. Raises what `Host.stream` raises."""
    login = {"Authorization": place.authorization.reveal()} if place.authorization else {}
    return host.stream(
        place.url,
        headers={**headers, **login},
        timeout=timeout,
        certificate=place.certificate,
        client_certificate=place.client_certificate,
        proxy=place.proxy.reveal() if place.proxy else None,
        verify=place.verify,
    )


@dataclass
class Transfer:
    """One file, one place. ``note`` receives each complete block, and how many bytes of a begun one are there."""

    host: Host
    place: Place
    blocks: Blocks
    part: PartFile
    note: Callable[[int, int | None], None]
    patience: Patience
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    came: int = 0  # bytes over the network, those fetched again included
    connections: int = 1
    more: Callable[[], bool] = lambda: False  # whether another place is left; if not, a stall is waited out
    ended: threading.Event = field(default_factory=threading.Event)
    running: int = 0
    tag: str | None = None  # for If-Range: the file must not change between two requests
    hashed: bool = True  # whether the end proves the bytes; if not, a file that changes is given up at once
    streams: set[Stream] = field(default_factory=set)

    def run(self, look: Callable[[float], None]) -> None:
        """Fetch until all blocks are there; ``look`` is called with the rate (bytes a second) every tenth of a second.

        Raises:
            NoRangesError: several connections are of no use here.
            PlaceError: this place does not serve it, or too slowly. What came is kept.
            OSError: the disk did not take it.
        """
        self.running = min(self.connections, self.blocks.count)
        threads = [thread(self._work) for _ in range(self.running)]
        for one in threads:
            one.start()
        try:
            self._watch(threads, look)
        finally:
            self.stop.set()
            with self.lock:
                streams = list(self.streams)
            for stream in streams:
                stream.close()
            for one in threads:
                one.join(timeout=2.0)
        if self.error is not None:
            raise self.error
        if not self.blocks.complete:
            raise PlaceError("it ended before the file was complete")

    def _watch(self, threads: list[threading.Thread], look: Callable[[float], None]) -> None:
        meter, before = Meter(self.host.monotonic()), 0
        while any(one.is_alive() for one in threads) and self.error is None and not self.ended.is_set():
            self.ended.wait(LOOK)
            now, came = self.host.monotonic(), self.came
            meter.note(now, came - before, self.patience)
            before = came
            look(meter.rate)
            if meter.too_slow(now, self.patience):
                if self.more():
                    raise PlaceError("it has become too slow")
                meter = Meter(now)  # there is no other place: measure this one again from here

    def _work(self) -> None:
        try:
            while not self.stop.is_set():
                with self.lock:
                    run = self.blocks.take(self.connections)
                if run is None:
                    return
                try:
                    self._fetch_run(run)
                finally:
                    with self.lock:
                        self.blocks.give_back(run)
        except Exception as error:  # noqa: BLE001  # raised again by `run`: nothing may end a worker in silence
            self.error = self.error or error
            self.ended.set()
        finally:
            with self.lock:
                self.running -= 1
                if not self.running:
                    self.ended.set()

    def _fetch_run(self, run: range) -> None:
        attempt = 0
        while not self.stop.is_set():
            with self.lock:
                missing = self.blocks.missing(run)
                before = self.blocks.bytes_done
            if missing is None:
                return
            try:
                self._request(*missing)
                continue
            except StreamError as error:
                reason = str(error)
                if error.stalled and self.more():
                    raise PlaceError(reason) from error
            with self.lock:
                attempt = 0 if self.blocks.bytes_done > before else attempt + 1
            if attempt >= self.patience.attempts:
                raise PlaceError(reason)
            if attempt:
                self.stop.wait(min(self.patience.pause * 2**attempt, self.patience.longest_pause))

    def _request(self, start: int, stop: int) -> None:
        """One request for the bytes from ``start`` to before ``stop``; returns when they came."""
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self.tag:
            headers["If-Range"] = self.tag
        with open_place(self.host, self.place, headers, self.patience.no_byte) as stream:
            if stream.status in BUSY:
                self._wait(stream)
                raise StreamError(f"HTTP {stream.status}")
            answer = read_answer(stream.status, stream.headers, start)
            self._check(answer.size, ranges=answer.ranges)
            self._same_version(validator(stream.headers))
            self._receive(stream, answer.start, stop if answer.ranges else self.blocks.size)

    def _check(self, size: int | None, *, ranges: bool) -> None:
        if size is not None and size != self.blocks.size:
            raise PlaceError(f"its file has {size} bytes instead of {self.blocks.size}")
        if not ranges and self.connections > 1:
            raise NoRangesError

    def _same_version(self, tag: str | None) -> None:
        if not self.hashed and self.tag and tag != self.tag:
            raise ChangedError
        self.tag = self.tag or tag

    def _wait(self, stream: Stream) -> None:
        asked = pause(stream.headers, 1, self.host.now())
        if asked > self.patience.longest_pause:
            raise PlaceError(f"HTTP {stream.status}, and it asks to wait {asked:.0f} s")
        self.stop.wait(asked)

    def _receive(self, stream: Stream, offset: int, end: int) -> None:
        with self.lock:
            self.streams.add(stream)
        try:
            for chunk in stream.chunks():
                data = chunk[: end - offset]
                self.part.write_at(offset, data)
                with self.lock:
                    self.came += len(data)
                    ended, begun = self.blocks.add(offset, len(data)), self.blocks.marks()
                for block in ended:
                    self.note(block, None)
                for block, count in begun:
                    self.note(block, count)
                offset += len(data)
                if offset >= end or self.stop.is_set():
                    return
        finally:
            with self.lock:
                self.streams.discard(stream)
        raise StreamError("the connection was closed before the end")
