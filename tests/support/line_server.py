"""A package index over a folder of real wheels, on a line of one total rate; a program of its own.

python tests/support/line_server.py FOLDER [BYTES_A_SECOND]    # prints its address, serves until it is ended
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

PIECE = 1 << 16


class Line:
    """So many bytes a second for all connections together; 0: as fast as it goes. ``sent`` counts them."""

    def __init__(self, rate: float) -> None:
        self.rate, self.sent = rate, 0
        self._free_at, self._lock = time.monotonic(), threading.Lock()

    def pass_on(self, count: int) -> None:
        """Wait until so many bytes may go."""
        with self._lock:
            self.sent += count
            if not self.rate:
                return
            begun = max(self._free_at, time.monotonic() - 0.02)
            self._free_at = begun + count / self.rate
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


def pages(folder: Path) -> dict[str, bytes]:
    """Package -> its page, with hashes and metadata files (PEP 503, 658)."""
    links: dict[str, list[str]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name = wheel.name.split("-")[0].replace("_", "-").lower()
        digest, known = hashlib.sha256(wheel.read_bytes()).hexdigest(), hashlib.sha256(metadata(wheel)).hexdigest()
        link = (
            f'<a href="/files/{quote(wheel.name)}#sha256={digest}" data-core-metadata="sha256={known}">{wheel.name}</a>'
        )
        links.setdefault(name, []).append(link)
    return {name: f"<!DOCTYPE html><html><body>{''.join(own)}</body></html>".encode() for name, own in links.items()}


def metadata(wheel: Path) -> bytes:
    """A wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return archive.read(name)


def handler(folder: Path, line: Line) -> type[BaseHTTPRequestHandler]:  # noqa: C901  # one class, short methods
    """Serves pages at ``/simple/NAME/`` and files, in parts too, at ``/files/NAME``."""
    index = pages(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(self.path).strip("/")
            if path == "sent":
                self.answer(str(line.sent).encode(), "text/plain")
            elif path.startswith("simple/"):
                page = index.get(path.removeprefix("simple/"))
                self.answer(page or b"", "text/html", 200 if page else 404)
            elif path.endswith(".metadata"):
                self.answer(metadata(folder / Path(path).name.removesuffix(".metadata")), "text/plain")
            else:
                self.file(folder / Path(path).name)

        do_HEAD = do_GET  # noqa: N815  # the library's name

        def answer(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def file(self, path: Path) -> None:
            size = path.stat().st_size
            asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            start, stop = 0, size
            if asked and asked[1]:
                start, stop = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
            elif asked:
                start = max(0, size - int(asked[2]))
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{path.name}"')
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.end_headers()
            if self.command == "GET":
                self.body(path, start, stop)

        def body(self, path: Path, start: int, stop: int) -> None:
            with path.open("rb") as file:
                file.seek(start)
                while start < stop:
                    piece = file.read(min(PIECE, stop - start))
                    line.pass_on(len(piece))
                    try:
                        self.wfile.write(piece)
                    except OSError:
                        self.close_connection = True
                        return
                    start += len(piece)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve."""
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0  # the program's name and two arguments
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Path(sys.argv[1]), Line(rate)))
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}/simple", flush=True)  # noqa: T201  # its whole output
    server.serve_forever()


if __name__ == "__main__":
    main()
