"""A real environment with torch, JupyterLab and JupyterHub, and servers that are started and stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from support.bench import TORCH, make_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STARTING = 90.0  # seconds that a server may take on a busy machine
PACKAGES = ("numpy", "pip", "jupyterlab>=4", "jupyterhub>=5", "ipykernel>=6")


def environment() -> Path:
    """The environment's folder, made once a user and machine."""
    cache = shared_cache()
    folder = cache / f"jupyter-torch-{TORCH}-py{sys.version_info[0]}{sys.version_info[1]}"
    with FileLock(cache / "jupyter.lock"):
        if not (folder / "ready").exists():
            make_environment(folder, *PACKAGES)
    return folder


def shared_cache() -> Path:
    """What tests keep between runs: made once a user and machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torchup-tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def proxy() -> str:
    """JupyterHub's proxy, by npm where it is not on PATH; made once a user and machine."""
    if found := shutil.which("configurable-http-proxy"):
        return found
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("JupyterHub's proxy is not here, and there is no npm to install it")
    cache = shared_cache() / "npm"
    program = cache / "bin" / "configurable-http-proxy"
    with FileLock(shared_cache() / "npm.lock"):
        if not program.exists():
            command = [npm, "install", "--global", "--prefix", str(cache), "configurable-http-proxy"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode != 0:
                pytest.skip(f"npm cannot install JupyterHub's proxy here: {done.stderr[-200:]}")
    return str(program)


def free_port() -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    argv: Sequence[str], url: str, log: Path, environ: Mapping[str, str], seconds: float = 90
) -> Iterator[None]:
    """Run a server until the block ends; it is up when ``url`` answers. Its whole process group is ended."""
    with log.open("w") as output:
        server = subprocess.Popen(
            argv, stdout=output, stderr=output, cwd=log.parent, env={**os.environ, **environ}, start_new_session=True
        )
        try:
            _wait(server, url, log)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + STARTING
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310  # http on loopback
            return
        assert server.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.2)
