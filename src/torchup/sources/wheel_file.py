"""A wheel read piece by piece: the archive's directory and the few files asked for, from a server or from the disk.

What comes is somebody else's data: every piece has a limit, nothing is ever written, and what does not hold together
is an error.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from torchup.errors import NetworkError, UsageError
from torchup.fetch.answers import content_range
from torchup.model import Message, Value, message
from torchup.sources.index_client import Connection, fetch, why_silent
from torchup.sources.urls import file_name, local_path, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host
    from torchup.sources.urls import Address

BUDGET = 24 * 1024 * 1024  # bytes that may come over the network for one wheel; a CUDA wheel needs 9 to 11 MB
DIRECTORY_LIMIT = 4 * 1024 * 1024  # bytes of an archive's directory; torch's has 1.3 MB for 13,000 files
INFLATED_LIMIT = 1 << 30  # bytes of one library that are looked through; libtorch_cpu of macOS has 0.42 GB
TEXT_LIMIT = 1 << 20  # bytes of METADATA and the like
_PIECE, _LARGE_PIECE = 1 << 15, 1 << 19  # bytes asked for at once: for small files, and inside a library
_UNPACKED = 1 << 17  # bytes unpacked at a time
_TIMEOUT = 30.0
_PARTIAL = 206
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the two that unpack within a limit


class Pieces(io.RawIOBase):
    """A file of which only the pieces that are asked for are read; ``read_bytes`` counts what really came."""

    def __init__(self, host: Host, address: Address, connection: Connection, budget: int = BUDGET) -> None:
        self._host, self._address, self._connection = host, address, connection
        self._path = local_path(address)
        self._budget = budget
        self._position, self._start, self._held = 0, 0, b""
        self.piece = _PIECE
        self.came: int = 0
        self.total: int = 0
        self._held = self._get(-_PIECE)
        self._start = max(0, self.total - len(self._held))

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.total}[whence]
        if base + offset < 0:
            raise OSError(offset)
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """The bytes from here on, fewer at the end of the file."""
        end = self.total if size < 0 else min(self._position + size, self.total)
        if end - self._position > DIRECTORY_LIMIT:
            raise zipfile.BadZipFile("a piece of the archive is too large")
        if end <= self._position:
            return b""
        if self._position < self._start or end > self._start + len(self._held):
            kept = self._held[self._position - self._start :] if self._position >= self._start else b""
            missing = self._position + len(kept)
            wanted = min(max(end - missing, self.piece), self.total - missing)
            self._held = kept + self._get(missing, wanted)
            self._start = self._position
        data = self._held[self._position - self._start : end - self._start]
        self._position += len(data)
        return data

    def _get(self, start: int, length: int = _PIECE) -> bytes:
        if self.came + length > self._budget and self._path is None:
            raise UsageError(
                message(
                    "wheel.budget", "reading this wheel would download more than {limit} MB", limit=self._budget >> 20
                ),
                hint=message("wheel.budget.hint", "download the wheel and measure the file"),
            )
        data = self._from_disk(start, length) if self._path is not None else self._from_network(start, length)
        self.came += len(data)
        return data

    def _from_disk(self, start: int, length: int) -> bytes:
        path = self._path or ""
        if start < 0:
            known = self._host.read_part(path, 0, 1)
            self.total = known[1] if known else 0
            start = max(0, self.total + start)
        part = self._host.read_part(path, start, length)
        if part is None:
            raise UsageError(message("wheel.no-file", "cannot read the file {path}", path=path))
        return part[0]

    def _from_network(self, start: int, length: int) -> bytes:
        last = "" if start < 0 else start + length - 1
        response = fetch(
            self._host, self._address, self._connection, secret=self._address, timeout=_TIMEOUT, limit=length,
            headers={"Range": f"bytes={start}{'' if start < 0 else '-'}{last}", "Accept-Encoding": "identity"},
        )  # fmt: skip
        shown = without_credentials(self._address)
        if response.status is None:
            raise NetworkError(
                message("wheel.silent", "{url}: {why}", url=shown, why=why_silent(response.error or "", _TIMEOUT)),
                hint=_CHECK_ADDRESS,
            )
        total = content_range(response.headers)[1]
        if response.status != _PARTIAL or total is None:
            served = response.status in _SERVED
            raise NetworkError(_refused(response.status, shown), hint=_DOWNLOAD if served else _CHECK_ADDRESS)
        self.total = total
        return response.body


_SERVED = {200, _PARTIAL}
_CHECK_ADDRESS = message("wheel.silent.hint", "check the address, or measure a local file")
_DOWNLOAD = message("wheel.no-ranges.hint", "download the wheel and measure the file")


def _refused(status: int, url: str) -> Message:
    if status in _SERVED:
        return message("wheel.no-ranges", "{url}: the server does not support range requests", url=url)
    return message("wheel.http", "{url}: the server answered HTTP {status}", url=url, status=status)


class Member(Value, frozen=True, kw_only=True):
    """One file in the archive: its path and its size in bytes, packed and unpacked."""

    name: str
    packed: int
    size: int


class WheelFile:
    """The archive. Every method raises `UsageError` for an archive that is broken, `NetworkError` for the network."""

    def __init__(self, host: Host, address: Address, connection: Connection, budget: int = BUDGET) -> None:
        self.name: str = file_name(without_credentials(address).replace("\\", "/"))
        self.pieces: Pieces = Pieces(host, address, connection, budget)
        with _explained(self.name):
            self._archive = zipfile.ZipFile(self.pieces)
            self._entries = _unique(self._archive.infolist())

    def members(self) -> tuple[Member, ...]:
        """What the directory lists."""
        return tuple(
            Member(name=name, packed=entry.compress_size, size=entry.file_size) for name, entry in self._entries.items()
        )

    def text(self, name: str) -> str | None:
        """A small text file, ``None`` where there is none."""
        if name not in self._entries:
            return None
        self.pieces.piece = _PIECE
        content = b"".join(self.chunks(name, limit=TEXT_LIMIT))
        return content.decode("utf-8", errors="replace").replace("\r\n", "\n")

    def metadata(self) -> str | None:
        """The wheel's METADATA; ``None`` where there is none, or more than one."""
        names = [name for name in self._entries if _METADATA.fullmatch(name)]
        return self.text(names[0]) if len(names) == 1 else None

    def chunks(self, name: str, limit: int = INFLATED_LIMIT) -> Iterator[bytes]:
        """A file's content in pieces, unpacked, up to ``limit`` bytes; the checksum is proved at the file's end."""
        entry = self._entries[name]
        if entry.compress_type not in _METHODS or entry.flag_bits & 1:
            what = message(
                "wheel.method", "{file} is encrypted, or uses a compression method that wheels do not use", file=name
            )
            raise _unusual(self.name, what)
        if limit == INFLATED_LIMIT:
            self.pieces.piece = _LARGE_PIECE
        left = limit
        with _explained(self.name), self._archive.open(entry) as file:
            while chunk := file.read(min(_UNPACKED, left + 1)):
                left -= len(chunk)
                if left < 0:
                    what = message("wheel.too-large", "{file} is larger than {limit} MB", file=name, limit=limit >> 20)
                    raise _unusual(self.name, what)
                yield chunk


def _unique(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The entries by path; two of one path would let a reader and an installer see different files."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or entry.filename.startswith("/") or entry.filename in found:
            raise zipfile.BadZipFile(f"the directory has a path that no wheel has: {entry.filename[:80]!r}")
        found[entry.filename] = entry
    return found


class _explained:  # noqa: N801  # reads as a statement
    """Turn what the archive's reader raises for a broken archive into `UsageError`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Only errors of the archive are turned."""
        broken = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
        if isinstance(error, broken):
            raise _broken(self._name, message("wheel.reason", "{reason}", reason=str(error)[:200])) from error


def _unusual(name: str, reason: Message) -> UsageError:
    """A file that downloading it again would not change."""
    return UsageError(
        message("wheel.broken", "cannot read {name} as a wheel: {reason}", name=name, reason=reason),
        hint=message("wheel.unusual.hint", "use a wheel that pip or uv can install"),
    )


def _broken(name: str, reason: Message) -> UsageError:
    return UsageError(
        message("wheel.broken", "cannot read {name} as a wheel: {reason}", name=name, reason=reason),
        hint=message(
            "wheel.broken.hint", "download the wheel again, or compare its hash with the hash on the index page"
        ),
    )
