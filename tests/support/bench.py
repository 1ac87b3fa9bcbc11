"""A host whose worker answers what a test says, and a Python with a real torch for slow tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from uv import find_uv_bin

from torchup.host import RealHost
from torchup.host.base import Completed

TORCH = "2.13.0+cpu"
OLD_TORCH = "1.12.1"
TRITON = "3.7.1"  # what torch 2.13's own CUDA wheels ask for
WORKER = Path(__file__).parents[2] / "src" / "torchup" / "worker"


class WorkerHost(RealHost):
    """Every process is a worker; ``answer(script, request)`` gives its lines, return code and stderr."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []

    def run(self, argv, *, timeout=10.0, on_line=None, **_):
        """Answer as a child would: its lines first to ``on_line``, then all at once."""
        if argv[2] == "-m":  # the telemetry's probe: this machine has nothing to tell
            return Completed(argv=tuple(argv), missing=True)
        script, request = Path(argv[2]).name, json.loads(argv[3])
        self.requests.append((request, timeout))
        lines, code, stderr = self.answer(script, request)
        for line in lines:
            if on_line is not None:
                on_line(line)
        return Completed(
            argv=tuple(argv), returncode=code, stdout="\n".join(lines), stderr=stderr, timed_out=code is None
        )


def torch_python() -> str:
    """A Python with a CPU build of torch, made once a user and machine, or a skip that says what is missing.

    ``TORCHUP_TEST_PYTHON`` names one that is there already. Otherwise pip makes one from what its configuration names
    and from PyTorch's own index of CPU builds.
    """
    if given := os.environ.get("TORCHUP_TEST_PYTHON"):
        return given
    cache = _cache()
    folder = cache / f"torch-{TORCH}-py{sys.version_info[0]}{sys.version_info[1]}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with FileLock(cache / "lock"):
        if not (folder / "ready").exists():
            make_environment(folder, "numpy", "pillow")
    return str(python)


def old_torch_python() -> str:
    """Python 3.9 with torch 1.12.1, or a skip: it is made only where ``TORCHUP_TEST_OLD_TORCH`` asks for 740 MB."""
    folder = _cache() / f"torch-{OLD_TORCH}-py39"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    uv = find_uv_bin()
    with FileLock(_cache() / "old.lock"):
        if (folder / "ready").exists():
            return str(python)
        if not os.environ.get("TORCHUP_TEST_OLD_TORCH"):
            pytest.skip(f"torch {OLD_TORCH} is 740 MB: TORCHUP_TEST_OLD_TORCH=1 makes its environment")
        made = [uv, "venv", "--quiet", "--clear", "--python", "3.9", str(folder)]
        filled = [uv, "pip", "install", "--quiet", "--python", str(python), f"torch=={OLD_TORCH}", "numpy<2", "pillow"]
        for command in (made, filled):
            done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if done.returncode:
                pytest.skip(f"torch {OLD_TORCH} with Python 3.9 is not to be had here: {done.stderr[-200:]}")
        (folder / "ready").touch()
    return str(python)


def triton_folder() -> Path:
    """A folder to put on the path of `torch_python`: Triton, whose interpreter runs GPU kernels on a CPU; or a skip.

    CPU builds of torch come without it. Made once a user and machine: 200 MB to fetch, 700 MB on disk.
    """
    if sys.platform != "linux":
        pytest.skip("Triton has wheels for Linux only")
    cache = _cache()
    folder = cache / f"triton-{TRITON}-py{sys.version_info[0]}{sys.version_info[1]}"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"triton=={TRITON}"]
    with FileLock(cache / "triton.lock"):
        if not (folder / "ready").exists():
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode:
                pytest.skip(f"Triton {TRITON} is not to be had here: {done.stderr[-200:]}")
            (folder / "ready").touch()
    return folder


def _cache() -> Path:
    """Where this user's test environments live."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torchup-tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def make_environment(folder: Path, *packages: str) -> None:
    """Make an environment with torch and further packages; its file ``ready`` says that it is complete.

    Folders that pip's configuration names come first; PyTorch's own index of CPU builds is the other way.
    """
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True, timeout=60)
    wanted = ["--python", str(folder), f"torch=={TORCH}", *packages]
    places = [["--find-links", place] for place in _find_links()]
    attempts = [
        [part for place in places for part in place],
        ["--extra-index-url", "https://download.pytorch.org/whl/cpu"],
    ]
    reason = ""
    for options in filter(None, attempts):
        command = [uv, "pip", "install", "--quiet", *options, *wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode == 0:
            (folder / "ready").touch()
            return
        reason = done.stderr[-200:]
    pytest.skip(f"torch {TORCH} is not to be had here: {reason}")


def _find_links() -> list[str]:
    listed = subprocess.run(["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = re.findall(r"find-links='([^']*)'", listed.stdout)
    given = os.environ.get("PIP_FIND_LINKS", "")
    return list(dict.fromkeys(place for line in (*found, given) for place in line.split()))


def _calm() -> dict[str, str]:
    """One OpenMP thread: two that wait for each other on a busy machine turn seconds into minutes."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def ask(python: str, script: str, request: dict, *, timeout: float = 300.0) -> list[dict]:
    """Run a worker's script and return all its JSON lines."""
    command = [python, "-I", "-B", str(WORKER / script), json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=_calm())
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    return lines


def inside(python: str, code: str, *, timeout: float = 300.0) -> str:
    """Run code inside the environment with the worker's folder importable; its stdout."""
    prelude = f"import sys; sys.path.insert(0, {str(WORKER)!r})\n"
    command = [python, "-I", "-B", "-c", prelude + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=_calm())
    assert done.returncode == 0, done.stderr
    return done.stdout
