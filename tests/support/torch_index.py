"""A stand-in for download.pytorch.org and PyPI, made from the catalogue: real page shapes, wheels of metadata only.

It is a proxy: a client that is told to use it (``HTTPS_PROXY``) and to trust its certificate believes that it speaks to
the real hosts, so tools with addresses of their own (uv's torch backends, light-the-torch) can be driven unchanged.
"""

from __future__ import annotations

import io
import ssl
import subprocess
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torchup.catalog.types import Catalog, Row

HOSTS = ("download.pytorch.org", "pypi.org")
_MACHINES = {"arm64": "arm64", "x86_64": "x86_64"}


def platform_tag(row: Row, python: str) -> str:
    """The wheel tag of a row's platform."""
    system, _, arch = row.platform.partition("_")
    if system == "windows":
        return "win_arm64" if arch == "arm64" else "win_amd64"
    if system == "macos":
        floor = row.macos_for.get(python) or row.macos or "11.0"
        major, minor = floor.split(".")
        return f"macosx_{major}_{minor}_{_MACHINES[arch]}"
    major, minor = (row.glibc or "2.17").split(".")
    return f"manylinux_{major}_{minor}_{arch}"


def wheel_names(row: Row, *, local: bool) -> Iterator[str]:
    """The file names of one row, one a Python."""
    version = row.label if local else row.torch
    for python in row.pythons:
        tag = "cp" + python.removesuffix("t").replace(".", "")
        abi = f"{tag}t" if python.endswith("t") else "none" if row.platform == "macos_arm64" else tag
        yield f"torch-{version}-{tag}-{abi}-{platform_tag(row, python)}.whl"


def pages(catalog: Catalog) -> dict[str, str]:
    """Address (host and path) -> HTML page of torch's project in every index."""
    names: dict[str, list[str]] = {}
    for row in catalog.rows:
        for place in row.publications:
            if place.name not in {"pytorch-index", "pypi"} or row.certainty == "unsure":
                continue
            address = place.url.removeprefix("https://") + "/torch/"
            names.setdefault(address, []).extend(wheel_names(row, local=place.local))
    return {address: _page(files) for address, files in names.items()}


def _page(files: list[str]) -> str:
    links = "".join(f'<a href="{quote(name)}" data-core-metadata="true">{name}</a><br/>\n' for name in files)
    return f"<!DOCTYPE html><html><body><h1>Links for torch</h1>\n{links}</body></html>"


def metadata(name: str) -> str:
    """A wheel's METADATA: no dependencies, so that only the choice is measured."""
    version = name.split("-")[1]
    return f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"


def wheel(name: str) -> bytes:
    """A wheel that holds its metadata and nothing else."""
    version = name.split("-")[1]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        folder = f"torch-{version}.dist-info"
        archive.writestr(f"{folder}/METADATA", metadata(name))
        archive.writestr(
            f"{folder}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-any\n"
        )
        archive.writestr(f"{folder}/RECORD", "")
    return buffer.getvalue()


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """(authority to trust, certificate chain with key of the two hosts); needs the openssl program."""
    authority, chain = folder / "authority.pem", folder / "hosts.pem"
    key, request, extensions = folder / "key.pem", folder / "request.pem", folder / "extensions"
    extensions.write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS) + "\n")
    sign = ("openssl", "x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(extensions))
    new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key))
    for command in (
        (*new, "-x509", "-days", "2", "-subj", "/CN=torchup test authority", "-out", str(authority)),
        ("cp", str(key), str(folder / "authority.key")),
        (*new, "-subj", "/CN=torchup test hosts", "-out", str(request)),
        (*sign, "-CA", str(authority), "-CAkey", str(folder / "authority.key"), "-out", str(chain)),
    ):
        subprocess.run(command, check=True, capture_output=True)
    chain.write_text(chain.read_text() + key.read_text())
    return authority, chain


@contextmanager
def serving(catalog: Catalog, chain: Path) -> Iterator[str]:  # noqa: C901  # a server is its handler
    """Run the proxy; yields its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    answers = pages(catalog)

    class Handler(BaseHTTPRequestHandler):
        """CONNECT to a known host gets TLS and answers from the pages; anything else is refused."""

        protocol_version = "HTTP/1.1"
        host = ""

        def do_CONNECT(self) -> None:  # the server's name for it
            """Become the host that was asked for."""
            self.host = self.path.rpartition(":")[0]
            if self.host not in HOSTS:
                self.send_error(502)
                return
            self.send_response(200)
            self.end_headers()
            secure = context.wrap_socket(self.connection, server_side=True)
            self.connection = secure
            self.rfile, self.wfile = secure.makefile("rb", 65536), secure.makefile("wb", 0)
            self.close_connection = False

        def do_GET(self) -> None:  # the server's name for it
            """A page, a wheel's metadata, a wheel, or 404."""
            name = unquote(self.path.rpartition("/")[2].partition("#")[0])
            if name.endswith(".whl.metadata"):
                self._answer(metadata(name).encode(), "text/plain")
            elif name.endswith(".whl"):
                self._answer(wheel(name), "application/octet-stream")
            elif page := answers.get(f"{self.host}{self.path}"):
                self._answer(page.encode(), "text/html")
            else:
                self._answer(b"not here", "text/plain", 404)

        do_HEAD = do_GET  # noqa: N815  # the server's name for it

        def finish(self) -> None:
            """Close the TLS socket too; the server knows only the plain one that was wrapped."""
            try:
                super().finish()
            finally:
                self.connection.close()

        def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        """Clients hang up when they have what they want; that is no error."""

        def handle_error(self, *_: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
