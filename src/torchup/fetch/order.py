"""What to fetch, from where, how patiently; and what is said of it meanwhile. Values only."""

from __future__ import annotations

import hashlib

from torchup.model import Secret, Value

CONNECTIONS = 4  # to one server at a time; what browsers allow themselves (6) less two for the user
MOST_CONNECTIONS = 16  # more is unfair to a mirror's other users
LARGE = 16 * 1024 * 1024  # bytes; smaller files come whole by one connection, several of them at a time


class Place(Value, frozen=True, kw_only=True):
    """One address of a file. ``authorization`` is a header's value and is sent to this host only."""

    name: str  # of the source: "pytorch-index:cu130", "mirror:nju"
    url: str
    authorization: Secret | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    proxy: Secret | None = None
    verify: bool = True

    def __repr__(self) -> str:
        return f"Place({self.name})"  # an address may hold a secret


class FileOrder(Value, frozen=True, kw_only=True):
    """One file: the same bytes at every place. ``size`` in bytes; ``sha256`` in lower-case hex.

    Without a hash the length alone is checked; who uses the file must check more.
    """

    name: str
    sha256: str | None = None
    size: int | None = None
    places: tuple[Place, ...]

    @property
    def key(self) -> str:
        """What the file is known by in the store: its hash, else its address."""
        return self.sha256 or "address-" + hashlib.sha256(self.places[0].url.encode()).hexdigest()

    @property
    def large(self) -> bool:
        """Whether it comes in parts by several connections; a file of unknown size does."""
        return self.size is None or self.size >= LARGE


class Patience(Value, frozen=True, kw_only=True):
    """When a place is left for the next one. Seconds."""

    no_byte: float = 30.0
    slow_for: float = 60.0
    slow_share: float = 0.05  # of the place's own best rate
    floor: float = 20_000.0  # bytes a second; who never gives more is slow too
    pause: float = 0.5  # before the second attempt; each further one doubles it
    attempts: int = 6  # broken connections in a row without one new byte
    longest_pause: float = 120.0  # that a server may ask for (Retry-After)


class Progress(Value, frozen=True, kw_only=True):
    """The state of all files together. Bytes; ``rate`` in bytes a second over the last seconds."""

    file: str
    place: str
    done: int
    total: int
    all_done: int
    all_total: int
    rate: float = 0.0
    waiting: bool = False  # another torchup fetches this file
    complete: bool = False  # this file is there, verified

    @property
    def seconds_left(self) -> float | None:
        """Over everything that is still to come; ``None``: unknown."""
        return (self.all_total - self.all_done) / self.rate if self.rate > 0 else None
