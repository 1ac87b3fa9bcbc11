"""A folder served to this machine's browser: read only, on the loopback address, to no other machine."""

from __future__ import annotations

import contextlib
import functools
import webbrowser
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADDRESS = "127.0.0.1"


class FolderServer(ThreadingHTTPServer):
    """One folder, with the same headers on every answer."""

    daemon_threads = True

    def __init__(self, folder: str, port: int, headers: Mapping[str, str]) -> None:
        super().__init__((ADDRESS, port), functools.partial(_Handler, directory=folder))
        self.headers: dict[str, str] = dict(headers)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{ADDRESS}:{self.server_address[1]}/"


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json",
        ".whl": "application/zip", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
    }  # fmt: skip
    protocol_version = "HTTP/1.1"
    server: FolderServer

    def parse_request(self) -> bool:
        """Refuse names that were made to point here (DNS rebinding)."""
        if not super().parse_request():
            return False
        if self.headers.get("Host", "").partition(":")[0] not in {ADDRESS, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        return True

    def end_headers(self) -> None:
        """Add the folder's headers."""
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """No listing: a folder without a page is not there."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Say nothing: each request is the user's own."""


@contextlib.contextmanager
def serving(folder: str, port: int, headers: Mapping[str, str]) -> Iterator[FolderServer]:
    """A server that is bound, and closed at the end; ``port`` 0 takes a free one.

    Raises:
        OSError: the port is taken, or may not be had.
    """
    server = FolderServer(folder, port, headers)
    try:
        yield server
    finally:
        server.server_close()


def show(url: str) -> bool:
    """Open an address in the user's browser; whether there is one. A browser of the terminal runs no page like this."""
    try:
        controller = webbrowser.get()
        return type(controller) is not webbrowser.GenericBrowser and controller.open(url)
    except (webbrowser.Error, OSError):
        return False
