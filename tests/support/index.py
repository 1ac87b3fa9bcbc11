"""A package index (PEP 503) on loopback that can be told to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STALL_LIMIT = 60.0  # seconds; a forgotten stall must not hang the test run


class Index:
    """What a running server knows: its folder of wheels, how it misbehaves, what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""  # "" | status:NNN | hash | truncated | cut | stall | stall-page | garbage
        self.only = ""  # the fault applies to files whose name begins so; pages are always right unless it is a page's
        self.requests: list[str] = []
        self.stalled = threading.Event()  # set once a client waits
        self.release = threading.Event()
        self.url = ""


@contextlib.contextmanager
def serve_index(folder: Path) -> Iterator[Index]:
    """Serve a folder of wheels at ``index.url`` while the block runs."""
    index = Index(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(index))
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(index: Index) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: C901  # one class, short methods
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.requests.append(self.path)
            with contextlib.suppress(ConnectionError):
                kind, _, name = unquote(self.path).strip("/").partition("/")
                if kind == "simple":
                    self._page(name.strip("/"))
                else:
                    self._file(name)

        do_HEAD = do_GET  # noqa: N815  # the library's name

        def _page(self, package: str) -> None:
            if index.fault == "stall-page":
                self._wait()
                return
            wheels = sorted(index.folder.glob(f"{package.replace('-', '_')}-*.whl"))
            if not wheels:
                self.send_error(404)
                return
            links = "".join(f'<a href="/files/{w.name}#sha256={self._hash(w)}">{w.name}</a>\n' for w in wheels)
            self._answer(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")

        def _hash(self, wheel: Path) -> str:
            wrong = index.fault == "hash" and wheel.name.startswith(index.only)
            return "0" * 64 if wrong else hashlib.sha256(wheel.read_bytes()).hexdigest()

        def _file(self, name: str) -> None:
            content = (index.folder / name).read_bytes()
            fault = index.fault if name.startswith(index.only) else ""
            if fault.startswith("status:"):
                self.send_error(int(fault.partition(":")[2]))
            elif fault == "cut":  # the connection breaks half way
                self._answer(content[: len(content) // 2], "application/zip", length=len(content))
                self.close_connection = True
            elif fault == "stall":
                self._answer(content[:100], "application/zip", length=len(content))
                self._wait()
            else:
                self._answer(content, "application/zip")

        def _wait(self) -> None:
            index.stalled.set()
            index.release.wait(STALL_LIMIT)

        def _answer(self, body: bytes, kind: str, length: int | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
