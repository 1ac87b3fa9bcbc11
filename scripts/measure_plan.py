"""Measure the planner: loading the catalogue, one `torchup plan` process, a thousand machines in one process.

    python scripts/measure_plan.py

CPU time (user and system), medians of several runs; nothing is asserted, because a busy machine is not a slow program.
"""

from __future__ import annotations

import functools
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from torchup.catalog import load_catalog
from torchup.catalog.load import built_in
from torchup.encoding import to_json
from torchup.errors import TorchupError
from torchup.model import Driver, Gpu, Machine, Os, Request, Vendor
from torchup.plan import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MACHINES = (100, 1000, 10_000)
RUNS = 7


def cpu_seconds(action: Callable[[], object]) -> float:
    """CPU seconds of this process that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def machines() -> Iterator[Machine]:
    """Different machines without end: systems, cards, drivers, Pythons."""
    cards = ("3.7", "5.2", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "12.0")
    drivers = ("470.82.01", "525.60.13", "535.104.05", "550.54.15", "580.95.05", "610.43.02")
    pythons = ("3.9.18", "3.10.14", "3.12.3", "3.13.1", "3.14.0")
    for system, card, driver, python, second in itertools.cycle(
        itertools.product((Os.LINUX, Os.WINDOWS), cards, drivers, pythons, (None, "8.9"))
    ):
        found = [card] if second is None else [card, second]
        gpus = tuple(
            Gpu(vendor=Vendor.NVIDIA, name=f"GPU {c}", compute_capability=c, memory_bytes=8 * 2**30) for c in found
        )
        yield Machine(
            os=system,
            arch="x86_64",
            glibc="2.35" if system == Os.LINUX else None,
            python=python,
            gpus=gpus,
            drivers=(Driver(vendor=Vendor.NVIDIA, version=driver),),
        )


def plan_all(count: int) -> int:
    """Plan for many machines; returns how many have a plan."""
    catalog, done = load_catalog(), 0
    for machine in itertools.islice(machines(), count):
        try:
            resolve(machine, Request(), catalog)
        except TorchupError:
            continue
        done += 1
    return done


def child_cpu(*arguments: str) -> float:
    """CPU seconds of one torchup process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "torchup", *arguments], check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def load_fresh() -> None:
    """Load the catalogue as a new process would."""
    built_in.cache_clear()
    load_catalog()


def main() -> None:
    """Print the table."""
    load_fresh()
    assumed = "os=linux,arch=x86_64,gpu=RTX 4090,driver=550.54.15"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(to_json(next(machines())))
        file.flush()
        rows = measure(assumed, file.name)
    for name, values in rows.items():
        print(f"{name:44} median {statistics.median(values):8.1f}   min {min(values):8.1f}   max {max(values):8.1f}")


def measure(assumed: str, path: str) -> dict[str, list[float]]:
    """Milliseconds of CPU time, by what was measured."""
    child_cpu("plan", "--machine", path)  # compiles what was never run
    return {
        "start only, torchup --version (ms)": [1000 * child_cpu("--version") for _ in range(RUNS)],
        "load the catalogue (ms)": [1000 * cpu_seconds(load_fresh) for _ in range(RUNS)],
        "torchup plan --machine FILE (ms)": [1000 * child_cpu("plan", "--machine", path) for _ in range(RUNS)],
        "torchup plan --assume, detection too (ms)": [
            1000 * child_cpu("plan", "--assume", assumed) for _ in range(RUNS)
        ],
        **{
            f"{count} machines in one process (ms)": [1000 * cpu_seconds(functools.partial(plan_all, count))]
            for count in MACHINES
        },
    }


if __name__ == "__main__":
    main()
