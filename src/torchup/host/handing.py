"""Files of this machine handed to one program over the loopback, under addresses of their own."""

from __future__ import annotations

import contextlib
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.host.threads import thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIECE = 1 << 20  # bytes sent at a time


@contextlib.contextmanager
def handed(files: Mapping[str, str], onward: Mapping[str, str]) -> Iterator[str]:
    """The address below which the files are served while the block runs; it holds a random word.

    Args:
        files: path of the address (``channel/linux-64/x.conda``) -> the file.
        onward: beginning of such a path -> where everything else below it is: who asks is sent on.
    """
    word = secrets.token_urlsafe(16)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given, _, path = self.path.strip("/").partition("/")
            target = next((to + path[len(start) :] for start, to in onward.items() if path.startswith(start)), None)
            if given != word or (path not in files and target is None):
                self.send_error(404)
            elif path in files:
                _send(self, Path(files[path]))
            else:
                self.send_response(307)
                self.send_header("Location", target or "")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread(server.serve_forever, 0.05).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{word}"
    finally:
        server.shutdown()
        server.server_close()


def _send(handler: BaseHTTPRequestHandler, path: Path) -> None:
    with path.open("rb") as file:
        handler.send_response(200)
        handler.send_header("Content-Length", str(path.stat().st_size))
        handler.end_headers()
        while piece := file.read(PIECE):
            handler.wfile.write(piece)
