"""Processor and wall time of the command line: the median of ten runs each, children included.

Usage: python scripts/measure_cli.py [RUNS]

Limits: `torchup --help` 100 ms, `detect --json` 400 ms, `plan` 300 ms, `doctor --report` 150 ms of processor time. Not
a test: a shared machine's timing is not a fact about the code. Exit code 1 says that a median is over its limit.
Measure an installed torchup: an editable one may have no byte code yet.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

REPORT = """\
PyTorch version: 2.13.0+cu130
Is debug build: False
CUDA used to build PyTorch: 13.0

OS: Ubuntu 24.04.2 LTS (x86_64)
Python version: 3.12.3 (main, Jun 18 2025, 17:59:45) [GCC 13.3.0] (64-bit runtime)
Python platform: Linux-6.8.0-60-generic-x86_64-with-glibc2.39
Is CUDA available: True
CUDA runtime version: 13.0.88
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090
Nvidia driver version: 580.95.05

Versions of relevant libraries:
[pip3] numpy==2.3.4
[pip3] nvidia-cudnn-cu13==9.13.0.50
[pip3] torch==2.13.0+cu130
[pip3] torchvision==0.28.0+cu130
[pip3] triton==3.5.0
[conda] Could not collect

torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
"""
LIMITS = {  # milliseconds of processor time
    ("--help",): 100,
    ("detect", "--json"): 400,
    ("plan",): 300,
    ("doctor", "--json", "--report"): 150,  # the file's name follows
}


def measure(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Milliseconds of (processor, wall) of one run, the processes that it starts included."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "torchup", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"torchup {' '.join(arguments)} failed")
    return 1000 * (usage.ru_utime + usage.ru_stime), 1000 * (time.perf_counter() - started)


def main(runs: int = 10) -> int:
    """Print a line a command; 1 where a median is over its limit."""
    over = False
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as report:
        report.write(REPORT)
        report.flush()
        for command, limit in LIMITS.items():
            arguments = (*command, report.name) if command[-1] == "--report" else command
            measure(arguments)  # byte-compiles and fills the file cache
            processor, wall = map(statistics.median, zip(*(measure(arguments) for _ in range(runs)), strict=True))
            over |= processor > limit
            name = f"torchup {' '.join(command)}"
            print(f"{name:<32} {processor:6.0f} ms processor (limit {limit}), {wall:6.0f} ms wall")
    return int(over)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
