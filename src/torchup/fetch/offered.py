"""What a place says of its file before any of it is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.fetch.answers import PlaceError, read_answer, validator
from torchup.fetch.transfer import open_place
from torchup.host.stream import StreamError
from torchup.model import Value

if TYPE_CHECKING:
    from torchup.fetch.order import Place
    from torchup.host import Host


class Offered(Value, frozen=True, kw_only=True):
    """What a place says of its file: bytes, and the name of this version of it (for If-Range)."""

    size: int
    tag: str | None


def offered_at(host: Host, place: Place, timeout: float) -> Offered:
    """What a place says of its file, asked with a range of one byte.

    Raises:
        PlaceError: it does not answer, or does not say how long the file is.
    """
    headers = {"Range": "bytes=0-0"}
    try:
        with open_place(host, place, headers, timeout) as stream:
            size, tag = read_answer(stream.status, stream.headers, 0).size, validator(stream.headers)
    except StreamError as error:
        raise PlaceError(str(error)) from error
    if not size:
        raise PlaceError("it does not say how long the file is")
    return Offered(size=size, tag=tag)


def size_at(host: Host, place: Place, timeout: float) -> int:
    """The length (bytes) as a place tells it; raises as `offered_at`."""
    return offered_at(host, place, timeout).size
