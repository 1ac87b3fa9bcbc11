"""A package index on this machine that speaks PEP 503, 658, 691 and 700 as the real ones do, and fails as they do.

with IndexServer() as server:
server.publish("whl/cpu", make_wheel("torch", "2.13.0+cpu", python="cp311"))
server.url("whl/cpu")          # http://127.0.0.1:PORT/whl/cpu
server.fault("whl/cpu/torch/", Fault(status=404))
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel that pip and uv can really install: empty, but with valid metadata."""

    filename: str
    content: bytes
    metadata: bytes
    requires_python: str | None = None
    uploaded: str | None = None

    @property
    def sha256(self):
        """Digest of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def package(self):
        """Normalised name."""
        return self.filename.split("-")[0].replace("_", "-").lower()


def make_wheel(name, version, *, python="py3", abi=None, platform="any", requires=(), requires_python=None, files=None):
    """Make a wheel. ``files`` maps further paths in it to their text."""
    escaped = name.replace("-", "_")
    abi = abi or ("none" if python.startswith("py") else python)
    tag = f"{python}-{abi}-{platform}"
    info = f"{escaped}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata = ("\n".join(lines) + "\n").encode()
    content = {f"{escaped}/__init__.py": f"__version__ = {version!r}\n", **(files or {})}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        record = []
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
            record.append(_record_line(path, text.encode()))
        wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {str(platform == 'any').lower()}\nTag: {tag}\n"
        for path, raw in ((f"{info}/METADATA", metadata), (f"{info}/WHEEL", wheel.encode())):
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), raw)
            record.append(_record_line(path, raw))
        archive.writestr(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    return Wheel(
        filename=f"{escaped}-{version}-{tag}.whl",
        content=buffer.getvalue(),
        metadata=metadata,
        requires_python=requires_python,
    )


def _record_line(path, raw):
    digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(raw)}\n"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong at one path."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html"
    stall: bool = False  # accepts, then says nothing
    dribble: bool = False  # sends the head, then one byte a tenth of a second
    cut: bool = False  # promises more bytes than it sends
    redirect: str | None = None


@dataclass(kw_only=True)
class _Entry:
    wheel: Wheel
    href: str
    yanked: str | None = None
    has_metadata: bool = True
    hashed: bool = True


@dataclass
class IndexServer:
    """The server; use it as a context manager. ``requests`` keeps (path, headers) of everything asked."""

    style: str = "negotiated"  # html | json | negotiated: JSON for those who ask for it
    login: tuple[str, str] | None = None
    pages: dict[str, dict[str, list[_Entry]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    flat: dict[str, str] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self):
        server = self

        class Handler(_Handler):
            index = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.closing = threading.Event()
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def host(self):
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self._http.server_port}"

    def url(self, path=""):
        """Address of a path."""
        return f"http://{self.host}/{path}"

    def publish(self, index, wheel, *, files=None, links="relative", yanked=None, metadata=True, hashed=True):
        """Put a wheel on an index. ``files``: the server that holds the file (default: this one).

        ``links``: relative, rooted (``/files/...``) or absolute; another server's are always absolute.
        """
        holder = files or self
        holder.files[wheel.filename] = wheel.content
        holder.files[wheel.filename + ".metadata"] = wheel.metadata
        name = quote(wheel.filename, safe="")
        depth = "../" * (index.strip("/").count("/") + 2)
        href = {"relative": f"{depth}files/{name}", "rooted": f"/files/{name}"}.get(links, holder.url(f"files/{name}"))
        href = holder.url(f"files/{name}") if files else href
        entry = _Entry(wheel=wheel, href=href, yanked=yanked, has_metadata=metadata, hashed=hashed)
        self.pages.setdefault(index.strip("/"), {}).setdefault(wheel.package, []).append(entry)

    def publish_flat(self, path, wheels):
        """Put wheels on one HTML page of links, as ``--find-links`` mirrors do."""
        for wheel in wheels:
            self.files[wheel.filename] = wheel.content
        depth = "../" * path.strip("/").count("/")
        lines = (f'<a href="{depth}files/{quote(w.filename, safe="")}">{w.filename}</a><br>' for w in wheels)
        self.flat[path] = "<html><body>\n" + "\n".join(lines) + "\n</body></html>"

    def fault(self, path, fault):
        """Make a path fail; a path that ends in ``*`` stands for all below it."""
        self.faults["/" + path.lstrip("/")] = fault

    def paths(self):
        """Paths asked so far."""
        return [path for path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    index: IndexServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):  # the library's name
        self.do_GET()

    def do_GET(self):
        path = unquote(self.path.split("?")[0])
        self.index.requests.append((path, {k.lower(): v for k, v in self.headers.items()}))
        try:
            self._answer(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self, path):
        fault = self._fault(path)
        if fault is not None:
            self._fail(fault)
        elif not self._allowed():
            self._send(401, b"", "text/plain", {"WWW-Authenticate": 'Basic realm="index"'})
        elif path.startswith("/files/"):
            self._file(path.removeprefix("/files/"))
        elif path.strip("/") in self.index.flat or path.lstrip("/") in self.index.flat:
            page = self.index.flat.get(path.lstrip("/")) or self.index.flat[path.strip("/")]
            self._send(200, page.encode(), "text/html")
        else:
            self._page(path)

    def _fault(self, path):
        faults = self.index.faults
        if path in faults:
            return faults[path]
        return next((f for name, f in faults.items() if name.endswith("*") and path.startswith(name[:-1])), None)

    def _allowed(self):
        if self.index.login is None:
            return True
        token = base64.b64encode(":".join(self.index.login).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {token}"

    def _fail(self, fault):
        if fault.stall:
            self.index.closing.wait(60)
            self.close_connection = True
        elif fault.redirect:
            self._send(302, b"", "text/plain", {"Location": fault.redirect})
        elif fault.dribble:
            self.send_response(200)
            self.send_header("Content-Type", fault.content_type)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not self.index.closing.wait(0.1):
                self.wfile.write(b"<")
        elif fault.cut:
            self.send_response(200)
            self.send_header("Content-Type", fault.content_type)
            self.send_header("Content-Length", str(len(fault.body) + 1000))
            self.end_headers()
            self.wfile.write(fault.body)
            self.close_connection = True
        else:
            self._send(fault.status, fault.body, fault.content_type)

    def _file(self, name):
        content = self.index.files.get(name)
        if content is None:
            self._send(404, b"", "text/plain")
            return
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(content) - int(last))
            end = min(int(last) if last and first else len(content) - 1, len(content) - 1)
            extra = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            self._send(206, content[start : end + 1], "binary/octet-stream", extra)
        else:
            self._send(200, content, "binary/octet-stream", {"Accept-Ranges": "bytes"})

    def _page(self, path):
        index, _, package = path.strip("/").rpartition("/")
        packages = self.index.pages.get(index)
        if path.strip("/") in self.index.pages:
            names = self.index.pages[path.strip("/")]
            links = "".join(f'<a href="{name}/">{name}</a>\n' for name in sorted(names))
            self._send(200, f"<html><body>\n{links}</body></html>".encode(), "text/html")
        elif packages is None or package not in packages:
            self._send(404, b"<html>404</html>", "text/html")
        elif self._wants_json():
            self._send(200, _json_page(package, packages[package]), JSON_TYPE)
        else:
            self._send(200, _html_page(package, packages[package]), "text/html")

    def _wants_json(self):
        asked = JSON_TYPE in self.headers.get("Accept", "")
        return self.index.style == "json" or (self.index.style == "negotiated" and asked)

    def _send(self, status, body, content_type, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _html_page(package, entries):
    lines = [f"<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for {package}</h1>"]
    for entry in entries:
        wheel = entry.wheel
        fragment = f"#sha256={wheel.sha256}" if entry.hashed else ""
        attributes = [f'href="{html.escape(entry.href + fragment)}"']
        if wheel.requires_python:
            attributes.append(f'data-requires-python="{html.escape(wheel.requires_python)}"')
        if entry.has_metadata:
            digest = hashlib.sha256(wheel.metadata).hexdigest()
            attributes += [f'data-dist-info-metadata="sha256={digest}"', f'data-core-metadata="sha256={digest}"']
        if entry.yanked is not None:
            attributes.append(f'data-yanked="{html.escape(entry.yanked)}"')
        lines.append(f"    <a {' '.join(attributes)}>{html.escape(wheel.filename)}</a><br/>")
    return "\n".join([*lines, "  </body>\n</html>\n<!--TIMESTAMP 1764000000-->"]).encode()


def _json_page(package, entries):
    files = [
        {
            "filename": entry.wheel.filename,
            "url": entry.href,
            "hashes": {"sha256": entry.wheel.sha256} if entry.hashed else {},
            "requires-python": entry.wheel.requires_python,
            "size": len(entry.wheel.content),
            **({"upload-time": entry.wheel.uploaded} if entry.wheel.uploaded else {}),
            "yanked": entry.yanked if entry.yanked is not None else False,
            "core-metadata": {"sha256": hashlib.sha256(entry.wheel.metadata).hexdigest()}
            if entry.has_metadata
            else False,
        }
        for entry in entries
    ]
    return json.dumps({"meta": {"api-version": "1.1"}, "name": package, "files": files}).encode()
