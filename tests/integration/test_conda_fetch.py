"""Conda packages over a line that breaks: fetched by torchup, handed to real py-rattler."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from support.conda_channel import VERSION, build, index, small_forge
from support.plans import importing
from torchup.fetch import store
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import Build, InstallerName, Machine, Os, Plan
from torchup.plan import conda

pytest.importorskip("rattler", reason="py-rattler is an optional extra: pip install 'torchup[conda]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the packages are for Linux")]

HOST = RealHost()
ARCH = os.uname().machine
SUBDIR = "linux-64" if ARCH == "x86_64" else "linux-aarch64"


@contextlib.contextmanager
def breaking(folder: Path, cut: int):
    """Serve a channel with ranges; every answer with a package breaks off after ``cut`` bytes. The paths asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            file = folder / self.path.lstrip("/")
            if not file.is_file():
                self.send_error(404)
                return
            content = file.read_bytes()
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            start, stop = (int(wanted[1]), int(wanted[2]) + 1) if wanted else (0, len(content))
            body = content[start:stop]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body)))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(content)}")
            self.end_headers()
            package = self.path.endswith((".conda", ".tar.bz2"))
            self.wfile.write(body[:cut] if package else body)
            self.close_connection = package and len(body) > cut

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def plan(url: str) -> Plan:
    """A plan as `torchup plan --installer conda` makes it, its bytes from ``url``."""
    chosen = Build(torch="2.13.0", variant="cpu", source="conda-forge")
    machine = Machine(os=Os.LINUX, arch=ARCH, kernel="6.8.0", glibc="2.35")
    order = conda.order(machine, chosen, VERSION, ("where", "native"), mirrors={conda.CONDA_FORGE: (url,)})
    return Plan(build=chosen, python=VERSION, installer=InstallerName.CONDA, packages=("torch==2.13.0",), conda=order)


def test_conda_packages_are_resumed_and_never_fetched_twice(tmp_path):
    """Each package breaks off again and again and goes on; a second environment downloads nothing."""
    build(tmp_path / "forge", *small_forge(SUBDIR))
    index(tmp_path / "forge")
    told = []
    with breaking(tmp_path / "forge", 200) as (url, asked):
        environment = engine.install(HOST, plan(url), "default", verify=importing(), progress=told.append)
        states = [event.download for event in told if event.download is not None]
        assert states[-1].all_done == states[-1].all_total > 0
        packages = {state.file for state in states if state.complete}
        assert {name.rsplit("-", 2)[0] for name in packages} >= {"pytorch", "python", "where"}
        assert any(sum(path.endswith(f"/{name}") for path in asked) > 1 for name in packages)  # it did break
        assert {file.name for file in store.contents(HOST)} >= packages
        before = [path for path in asked if path.endswith((".conda", ".tar.bz2"))]
        engine.install(HOST, plan(url), "second", verify=importing())
        assert [path for path in asked if path.endswith((".conda", ".tar.bz2"))] == before
    lock = HOST.read_text(f"{environment.path}/torchup-conda.lock") or ""
    records = "".join(file.read_text() for file in Path(environment.path, "conda-meta").glob("*.json"))
    assert "127.0.0.1" not in lock + records  # packages know their channel, not who handed them over
    assert msgspec.json.decode(next(Path(environment.path, "conda-meta").glob("pytorch-*.json")).read_bytes())["url"]
