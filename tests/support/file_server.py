"""A web server on the loopback that serves one file as badly as real ones do."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl


@dataclass
class Manners:
    """How the server behaves. Sizes in bytes."""

    ranges: bool = True
    cut_every: int = 0  # close the connection after so many bytes of one answer
    cuts: int = 10**9  # ... but only so often
    rate: int = 0  # bytes a second of one connection
    wrong_range: bool = False  # answers 206 with another range than the one asked for
    wrong_bytes: bool = False
    length_off: int = 0  # added to every length that it tells
    stall_after: int = 0  # bytes; then the connection stays open and silent
    statuses: list[int] = field(default_factory=list)  # of the first answers, before it serves
    retry_after: str = "0"
    redirect_to: str | None = None
    changes_after: int = 0  # answers; then the file is another one with another tag
    most_connections: int = 0  # 503 above
    tag: str = '"first"'


@dataclass
class FileServer:
    """Serves ``content`` at every address. ``sent`` counts bytes of bodies, ``asked`` keeps (path, headers)."""

    content: bytes
    manners: Manners = field(default_factory=Manners)
    sent: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open_now: int = 0
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    login: str | None = None  # user:password that it wants

    def __enter__(self) -> Self:
        serving = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                serve(serving, self)

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(serving.content)))
                self.send_header("Accept-Ranges", "bytes" if serving.manners.ranges else "none")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        server_class = type("Server", (ThreadingHTTPServer,), {"address_family": family})
        self._server = server_class((self.host, 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the file is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self._server.server_address[1]}/torch-2.0.0-py3-none-any.whl"

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()


def serve(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
    """Answer one request as the manners say."""
    manners = server.manners
    server.asked.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}))
    if server.login and handler.headers.get("Authorization") != _basic(server.login):
        return _status(handler, 401, "0")
    if manners.statuses:
        return _status(handler, manners.statuses.pop(0), manners.retry_after)
    if manners.redirect_to:
        handler.send_response(302)
        handler.send_header("Location", manners.redirect_to)
        handler.send_header("Content-Length", "0")
        return handler.end_headers()
    server.open_now += 1
    try:
        if manners.most_connections and server.open_now > manners.most_connections:
            return _status(handler, 503, manners.retry_after)
        return _body(server, handler)
    finally:
        server.open_now -= 1


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _status(handler: BaseHTTPRequestHandler, status: int, retry_after: str) -> None:
    handler.send_response(status)
    handler.send_header("Retry-After", retry_after)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _body(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
    manners, content, tag = server.manners, server.content, server.manners.tag
    if manners.changes_after and len(server.asked) > manners.changes_after:
        content, tag = content[::-1], '"second"'
    asked = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))", handler.headers.get("Range", ""))
    if_range = handler.headers.get("If-Range")
    if asked and manners.ranges and if_range in (None, tag):
        start = int(asked[1]) if asked[1] else max(0, len(content) - int(asked[3]))
        stop = min(int(asked[2]) + 1 if asked[2] else len(content), len(content))
        shown = start + 1 if manners.wrong_range else start
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {shown}-{stop - 1}/{len(content) + manners.length_off}")
    else:
        start, stop = 0, len(content)
        handler.send_response(200)
    handler.send_header("ETag", tag)
    handler.send_header("Content-Length", str(stop - start + (manners.length_off if start == 0 else 0)))
    handler.end_headers()
    body = content[start:stop]
    _send(server, handler, bytes(len(body)) if manners.wrong_bytes else body)


def _send(server: FileServer, handler: BaseHTTPRequestHandler, body: bytes) -> None:
    manners, sent, piece = server.manners, 0, 1 << 16
    while sent < len(body):
        step = min(piece, len(body) - sent)
        if manners.cut_every and manners.cuts > 0:
            step = min(step, manners.cut_every - sent)
        try:
            handler.wfile.write(body[sent : sent + step])
        except OSError:
            handler.close_connection = True
            return
        sent += step
        server.sent += step
        if manners.cut_every and manners.cuts > 0 and sent >= manners.cut_every:
            manners.cuts -= 1
            handler.close_connection = True
            return
        if manners.stall_after and server.sent >= manners.stall_after:
            time.sleep(0.9)
            handler.close_connection = True
            return
        if manners.rate:
            time.sleep(step / manners.rate)
