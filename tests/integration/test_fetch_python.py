"""The Python that this machine lacks: fetched by torchup over a line that breaks, proved and unpacked by real uv."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import random
import sys
import tarfile

import msgspec
import pytest

from support.file_server import FileServer, Manners
from support.index import serve_index
from support.plans import importing, index_plan
from support.wheels import make_fake_torch
from torchup.errors import InstallError
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.pythons import offered

HOST = RealHost()
VERSION = platform.python_version()
NAME = f"cpython-{VERSION}+20260101-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
ORIGINAL = "https://github.com/astral-sh/python-build-standalone/releases/download/20260101/"


def archive() -> bytes:
    """An archive laid out as the real ones, whose Python is the one that runs the tests."""
    buffer = io.BytesIO()
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        start = f'#!/bin/sh\nexec {sys.base_prefix}/bin/{minor} "$@"\n'.encode()
        filling = random.Random(1).randbytes(9_000_000)  # noqa: S311  # so that the line breaks in it
        facts = b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"
        for name, content, mode in (
            (f"bin/{minor}", start, 0o755),
            (f"lib/{minor}/_sysconfigdata__linux_x86_64-linux-gnu.py", facts, 0o644),
            (f"lib/{minor}/filling", filling, 0o644),
        ):
            entry = tarfile.TarInfo(f"python/{name}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without a Python of its own, and the plan for it: `(plan, archive)`."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the archive is laid out for Linux on x86_64")
    content = archive()
    known = {
        "name": "cpython", "arch": {"family": "x86_64", "variant": None}, "os": "linux", "libc": "gnu",
        "major": sys.version_info.major, "minor": sys.version_info.minor, "patch": sys.version_info.micro,
        "prerelease": "", "url": ORIGINAL + NAME.replace("+", "%2B"), "sha256": hashlib.sha256(content).hexdigest(),
        "variant": None, "build": "20260101",
    }  # fmt: skip
    (tmp_path / "pythons.json").write_text(json.dumps({f"cpython-{VERSION}-linux-x86_64-gnu": known}))
    for name, value in {
        "UV_PYTHON_DOWNLOADS_JSON_URL": str(tmp_path / "pythons.json"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "TORCHUP_HOME": str(tmp_path / "home"),
        "PATH": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    make_fake_torch(tmp_path / "wheels")
    with serve_index(tmp_path / "wheels") as index:
        yield msgspec.structs.replace(index_plan(index.url), python_path=None), content


def test_a_missing_python_is_fetched_in_pieces_and_unpacked_by_uv(machine, monkeypatch):
    """Over a line that breaks every 2 MB: each byte once, with progress, and the environment runs on it."""
    plan, content = machine
    told = []
    with FileServer(content, Manners(cut_every=2_000_000)) as server:
        monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", server.url.rsplit("/", 1)[0])
        engine.install(HOST, plan, "default", verify=importing(), progress=told.append)
        sent = [path for path, _ in server.asked if path.endswith("stripped.tar.gz")]
        assert sent[0] == f"/20260101/{NAME.replace('+', '%2B')}"
        assert len(sent) > 3  # it did break
    states = [event.download for event in told if event.download is not None and event.download.file == NAME]
    assert states[-1].all_done == states[-1].all_total == len(content)


def test_a_python_with_other_bytes_is_refused_by_uv(machine, monkeypatch):
    """Torchup knows no hash of it; uv does, and nothing is put in place."""
    plan, content = machine
    with FileServer(content[:-1] + b"x") as server:
        monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", server.url.rsplit("/", 1)[0])
        with pytest.raises(InstallError, match=r"(?i)hash|checksum"):
            engine.install(HOST, plan, "default", verify=importing())


def test_what_uv_lists_is_read_and_anything_else_is_nothing():
    """The first CPython of the wanted kind; a local file, another implementation and noise are left to uv."""
    listing = [
        {"url": "https://h/20260101/graalpy.tar.gz", "implementation": "graalpy"},
        {"url": "https://h/20260101/t.tar.gz", "implementation": "cpython", "variant": "freethreaded"},
        {"url": "https://h/20260101/d.tar.gz", "implementation": "cpython", "variant": "default", "key": "more"},
    ]
    text = json.dumps(listing)
    assert offered(text, "3.14") == "https://h/20260101/d.tar.gz"
    assert offered(text, "3.14t") == "https://h/20260101/t.tar.gz"
    assert offered(json.dumps([{**listing[2], "url": "file:///x/d.tar.gz"}]), "3.14") is None
    assert [offered(noise, "3.14") for noise in ("", "[]", "{", '[{"url": 3}]', "[1]")] == [None] * 5
