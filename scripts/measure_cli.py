"""Processor and wall time of the command line: the median of ten runs each, children included.

Usage: python scripts/measure_cli.py [RUNS]

Limits (CONTRIBUTING.md): `torchup --help` 100 ms and `torchup detect --json` 400 ms of processor time. Not a test:
a shared machine's timing is not a fact about the code. Exit code 1 says that a median is over its limit.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

LIMITS = {("--help",): 0.100, ("detect", "--json"): 0.400}  # seconds of processor time


def measure(arguments: tuple[str, ...]) -> tuple[float, float]:
    """(processor seconds of the process and its children, wall seconds) of one run."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "torchup", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"torchup {' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def main(runs: int = 10) -> int:
    """Print a line a command; 1 where a median is over its limit."""
    over = False
    for arguments, limit in LIMITS.items():
        measure(arguments)  # byte-compiles and fills the file cache
        results = [measure(arguments) for _ in range(runs)]
        processor, wall = (statistics.median(column) for column in zip(*results, strict=True))
        over |= processor > limit
        name = f"torchup {' '.join(arguments)}"
        print(f"{name:<24} {processor * 1000:6.0f} ms processor (limit {limit * 1000:.0f}), {wall * 1000:6.0f} ms wall")
    return int(over)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
