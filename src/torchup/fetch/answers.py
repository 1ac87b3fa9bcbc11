"""What a server's answer to a range request means. Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
OK, PARTIAL, BUSY = 200, 206, frozenset({408, 425, 429, 500, 502, 503, 504})
ABSENT = frozenset({404, 410})


class PlaceError(Exception):
    """A place cannot serve this file; the next one is tried. The text is the reason."""


class StatusError(PlaceError):
    """A place answers with a status that means failure."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class ChangedError(PlaceError):
    """A place has another file now than the one that was begun, and no hash tells which bytes are whose."""

    def __init__(self) -> None:
        super().__init__("the file changed during the download")


class WrongHashError(PlaceError):
    """What a place sends is not the promised file."""

    def __init__(self) -> None:
        super().__init__("its file has another hash than the index promises")


class Answer(Value, frozen=True, kw_only=True):
    """Where the body begins, and how long the whole file is; ``ranges``: whether the server honours them."""

    start: int
    size: int | None
    ranges: bool


def read_answer(status: int, headers: Mapping[str, str], wanted: int) -> Answer:
    """Read a status and headers (names in lower case) against the first byte that was asked for.

    Raises:
        PlaceError: the status is not a success, or the range is not the one asked for.
    """
    if status == PARTIAL:
        start, total = content_range(headers)
        if start != wanted:
            raise PlaceError("it answers with another range than the one asked for")
        return Answer(start=wanted, size=total, ranges=True)
    if status == OK:
        length = headers.get("content-length", "")
        return Answer(start=0, size=int(length[:18]) if length.isdecimal() else None, ranges=False)
    raise StatusError(status)


def content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Where a part begins and how long the whole file is, each ``None`` where the header does not say."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        return None, None
    return int(match[1]), int(match[3]) if match[3] != "*" else None


def validator(headers: Mapping[str, str]) -> str | None:
    """What If-Range may carry (RFC 9110, 13.1.5): a strong ETag, else the date."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified")


def pause(headers: Mapping[str, str], attempt: int, now: datetime) -> float:
    """Seconds to wait before the next attempt: as Retry-After says (seconds or a date), else doubling from half one."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked[:6])
    try:
        return max(0.0, (parsedate_to_datetime(asked) - now).total_seconds())
    except (ValueError, TypeError):  # no header, or no date
        return float(2 ** (attempt - 1))
