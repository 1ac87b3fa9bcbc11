"""What stands between a user and a server: TLS by an unknown issuer, proxies with passwords. All on the loopback."""

from __future__ import annotations

import base64
import contextlib
import select
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = "me:Secret7"


def certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate of localhost, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    paths = str(folder / "certificate.pem"), str(folder / "key.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    make = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-out",
        paths[0],
        "-keyout",
        paths[1],
    ]
    subprocess.run([*make, *subject], check=True, capture_output=True, timeout=30)
    return paths


def tls(paths: tuple[str, str]) -> ssl.SSLContext:
    """A server's context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context


@dataclass
class Proxy:
    """An HTTP or SOCKS5 proxy that wants `LOGIN`. ``passed`` keeps what it let through, ``refused`` counts the rest."""

    kind: str = "http"
    passed: list[str] = field(default_factory=list)
    refused: int = 0

    def __enter__(self) -> Self:
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, IndexError, struct.error):
                    (_http if proxy.kind == "http" else _socks)(proxy, self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, login: str = LOGIN) -> str:
        """Its address as a variable or a setting names it."""
        scheme = "http" if self.kind == "http" else "socks5h"
        return f"{scheme}://{login}@127.0.0.1:{self._server.server_address[1]}"


def _http(proxy: Proxy, handler: socketserver.StreamRequestHandler) -> None:
    first = handler.rfile.readline().decode()
    headers = list(iter(lambda: handler.rfile.readline().decode().rstrip("\r\n"), ""))
    method, target, _ = first.split(" ", 2)
    wanted = f"Basic {base64.b64encode(LOGIN.encode()).decode()}"
    if not any(line.lower().startswith("proxy-authorization:") and line.endswith(wanted) for line in headers):
        proxy.refused += 1
        handler.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return
    proxy.passed.append(f"{method} {target}")
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            handler.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _join(handler.connection, far)
        return
    place, _, path = target.removeprefix("http://").partition("/")
    host, _, port = place.rpartition(":")
    kept = [line for line in headers if not line.lower().startswith(("proxy-", "connection:"))]
    with socket.create_connection((host, int(port))) as far:
        far.sendall(
            f"{method} /{path} HTTP/1.1\r\n".encode() + "\r\n".join([*kept, "Connection: close", "", ""]).encode()
        )
        _join(handler.connection, far)


def _socks(proxy: Proxy, handler: socketserver.StreamRequestHandler) -> None:
    """SOCKS 5 (RFC 1928) with user and password (RFC 1929)."""
    read, write = handler.rfile.read, handler.wfile.write
    methods = read(read(2)[1])
    write(b"\x05\x02" if 2 in methods else b"\x05\xff")
    user = read(read(2)[1])
    password = read(read(1)[0])
    if f"{user.decode()}:{password.decode()}" != LOGIN:
        proxy.refused += 1
        write(b"\x01\x01")
        return
    write(b"\x01\x00")
    kind = read(4)[3]
    host = socket.inet_ntoa(read(4)) if kind == 1 else read(read(1)[0]).decode()
    (port,) = struct.unpack(">H", read(2))
    proxy.passed.append(f"{host}:{port}")
    with socket.create_connection((host, port)) as far:
        write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        _join(handler.connection, far)


def _join(near: socket.socket, far: socket.socket) -> None:
    """Pass bytes on in both directions until one side ends."""
    while True:
        ready, _, _ = select.select([near, far], [], [], 10)
        if not ready:
            return
        for one in ready:
            data = one.recv(1 << 16)
            if not data:
                return
            (far if one is near else near).sendall(data)
