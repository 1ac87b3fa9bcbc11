"""CPU time of an import beyond that of a bare interpreter; the figures of docs/explanation/dependencies.md.

python scripts/measure_imports.py click typer cyclopts        # each must be installed in this Python

Every round starts a process for each module in turn, so that a busy moment of the machine hits all of them alike.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

ROUNDS = 11


def seconds(code: str) -> float:
    """User and system time of one ``python -c code``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(modules: list[str]) -> None:
    """Print the median of each module."""
    programs = {"bare": "pass", **{module: f"import {module}" for module in modules}}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, code in programs.items():
            times[name].append(seconds(code))
    bare = statistics.median(times["bare"])
    for module in modules:
        print(f"{module:<12} {(statistics.median(times[module]) - bare) * 1000:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
