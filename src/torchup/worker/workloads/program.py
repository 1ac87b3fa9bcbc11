"""`run`: the user's own program, as it is: wall time, processor time, memory; with ``profile`` its top operations.

Request keys: ``program`` (its command line), ``profile``, ``threads`` (OpenMP's, of the program), ``budget`` (seconds
after which a program that still runs is ended: it has no time then). What it prints goes to stderr; it is started in
the current folder with this environment's programs first on the PATH.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import lines
import measure
from said import SaidError, said

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
PROFILED = str(Path(__file__).resolve().parents[1] / "profiled.py")


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """One run of the program. Raises `SaidError` when it cannot be started or fails."""
    measure.no_arithmetic(request)
    argv = [str(part) for part in request.get("program") or ()]
    if not argv:
        raise SaidError("no-program")
    with tempfile.TemporaryDirectory(prefix="torchup-run-") as folder:
        report = os.path.join(folder, "profile.json")  # noqa: PTH118  # a string goes on
        command, notes = _profiled(argv, report) if request.get("profile") else (argv, [])
        before = _used()
        lines.stage("training")
        start = time.perf_counter()
        _start(command, request.get("threads"), request.get("budget"))
        seconds = time.perf_counter() - start
        lines.stage("testing")
        cpu, memory = _difference(before, _used())
        profile = _read(report)
    quality = {"cpu_cores": cpu / seconds} if cpu is not None else {}
    return {
        "seconds": seconds, "quality": quality, "peak_memory_bytes": memory, "notes": notes,
        "parameters": {"program": " ".join([Path(argv[0]).name, *argv[1:]])[:200], "cpu_seconds": cpu,
                       "peak_memory_counted": "largest process", **({"profile": profile} if profile else {})},
    }  # fmt: skip


def _start(command: List[str], threads: Optional[int], limit: Optional[float]) -> None:
    """Run the program to its end. Raises `SaidError`, also when it is not done after ``limit`` seconds: it is ended."""
    own = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        **dict.fromkeys(THREADS if threads else (), str(threads)),
        "PATH": own + os.pathsep + os.environ.get("PATH", ""),
    }
    try:
        done = subprocess.run(  # noqa: S603  # the user's own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False, timeout=limit
        )
    except OSError as error:
        raise SaidError("program-missing", name=Path(command[0]).name, why=error.strerror or error) from error
    except subprocess.TimeoutExpired as error:
        raise SaidError("program-outran", seconds=round(limit or 0.0, 1)) from error
    if done.returncode < 0:  # of POSIX: the signal that ended it
        raise SaidError("program-signal", number=-done.returncode)
    if done.returncode:
        raise SaidError("program-failed", number=done.returncode)


def _profiled(argv: List[str], report: str) -> Tuple[List[str], List[Any]]:
    """The command under torch's profiler, where it is a Python script; else as it is, with a note."""
    if not Path(argv[0]).name.lower().startswith("python") or len(argv) < 2 or argv[1].startswith("-"):
        return argv, [said("no-profile")]
    return [sys.executable, PROFILED, report, *argv[1:]], [said("profiled")]


def _read(report: str) -> Any:
    try:
        with open(report, encoding="utf-8") as file:  # noqa: PTH123  # a string it is
            return json.load(file)
    except (OSError, ValueError):
        return None


def _used() -> Optional[Tuple[float, int]]:
    """(processor seconds, bytes of the largest) of all children that have ended; ``None`` on Windows."""
    try:
        import resource
    except ImportError:
        return None
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _difference(
    before: Optional[Tuple[float, int]], after: Optional[Tuple[float, int]]
) -> Tuple[Optional[float], Optional[int]]:
    return (None, None) if before is None or after is None else (after[0] - before[0], after[1])
