"""A channel served over HTTP on loopback: plain, with a password, with faults."""

from __future__ import annotations

import base64
import contextlib
import http.server
import ssl
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Served:
    """What a running server tells: its URL and the requests it answered."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, int]] = []  # path, status
        self.started: list[str] = []  # paths, as soon as they are asked for

    def paths(self) -> list[str]:
        """Paths that were asked for."""
        return [path for path, _ in self.requests]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the server's folder with its password and its faults."""

    server: Server

    def __init__(self, request, address, server):
        super().__init__(request, address, server, directory=str(server.folder))

    def do_GET(self):
        """Answer, refuse or fail."""
        self.server.served.started.append(self.path)
        if self.server.password and self.headers.get("Authorization") != _basic(self.server.password):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="channel"')
            self.end_headers()
            return
        fault = next((kind for part, kind in self.server.broken.items() if part in self.path), None)
        if fault is None:
            super().do_GET()
        elif fault == "missing":
            self.send_error(404)
        else:
            self._damage(fault)

    def _damage(self, fault):
        file = self.server.folder / self.path.lstrip("/")
        if fault == "exchanged":
            file = next(other for other in sorted(file.parent.glob("*.tar.bz2")) if other != file)
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        sent = {"exchanged": content, "altered": content[:-8] + b"x" * 8}
        self.wfile.write(sent.get(fault, content[: len(content) // 2]))
        self.wfile.flush()
        if fault == "stalled":
            self.server.stopped.wait()
        self.close_connection = True

    def log_request(self, code="-", size="-"):
        """Keep it for the test."""
        del size
        self.server.served.requests.append((self.path, int(code)))

    def log_message(self, *arguments):
        """Print nothing."""


class Server(http.server.ThreadingHTTPServer):
    """One folder on a port of its own."""

    daemon_threads = True

    def __init__(self, folder: Path, password: str | None, broken: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.password, self.broken = folder, password, broken
        self.served = Served(f"http://127.0.0.1:{self.server_port}")
        self.stopped = threading.Event()


@contextlib.contextmanager
def serve(
    folder: Path, *, password: str | None = None, broken: dict[str, str] | None = None, tls: Path | None = None
) -> Iterator[Served]:
    """Serve a folder.

    Args:
        folder: what is served.
        password: ``user:password`` that every request must bring.
        broken: part of a path -> ``missing`` (404), ``altered`` (other bytes), ``exchanged`` (another package's),
            ``cut`` (half of them), ``stalled``.
        tls: a file with certificate and key for ``localhost``.
    """
    server = Server(folder, password, broken or {})
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.served.url = f"https://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.served
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(password.encode()).decode()
