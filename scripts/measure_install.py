"""Time to a verified environment with torchup beside `python -m venv` and `pip install` of the same set, warm caches.

    python scripts/measure_install.py [--repeats 3] [--torch 2.13.0] [--compile]

Plans for this machine as `torchup up` would, then makes the planned environment again and again in a temporary folder,
torchup and pip in turn so that both see the same load. The first round fills the caches and is not counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.envs.verification import verify_environment
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.arguments import pip_arguments
from torchup.jobs.up import plan_for
from torchup.model import Request

if TYPE_CHECKING:
    from torchup.install.base import Event
    from torchup.model import Plan, Verification


def by_torchup(plan: Plan, home: Path, *, compile_rung: bool) -> dict[str, float]:
    """Seconds of an installation with its verification, and of the stages in it."""
    host = RealHost()
    os.environ["TORCHUP_HOME"] = str(home)
    stamps: list[tuple[str, float]] = []

    def tell(event: Event) -> None:
        if event.detail is None:
            stamps.append((event.stage, time.perf_counter()))

    def verify(python: str) -> Verification:
        return verify_environment(host, python, expected=plan.build, compile_rung=compile_rung)

    begun = time.perf_counter()
    engine.install(host, plan, "measured", verify=verify, progress=tell)
    ended = time.perf_counter()
    verified = dict(stamps)
    return {"total": ended - begun, "verification": verified["swap"] - verified["verify"]}


def by_pip(plan: Plan, folder: Path) -> dict[str, float]:
    """Seconds of ``python -m venv`` and ``pip install`` of the same requirements from the same places."""
    begun = time.perf_counter()
    subprocess.run([plan.python_path or sys.executable, "-m", "venv", folder], check=True)
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, *pip_arguments(plan), *plan.packages], check=True)
    return {"total": time.perf_counter() - begun}


def main() -> None:
    """Measure and print a table of seconds, medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--torch", help="this version of torch")
    parser.add_argument("--compile", action="store_true", help="with the torch.compile check, which only ever warns")
    options = parser.parse_args()
    _, plan = plan_for(RealHost(), Request(torch=options.torch))
    print(f"{', '.join(plan.packages)} from {plan.build.source}, Python {plan.python}, {os.cpu_count()} threads")
    rows: list[tuple[dict[str, float], dict[str, float]]] = []
    root = Path(tempfile.mkdtemp(prefix="measure-install-"))
    try:
        for number in range(options.repeats + 1):
            place = root / str(number)
            row = by_torchup(plan, place / "home", compile_rung=options.compile), by_pip(plan, place / "venv")
            shutil.rmtree(place)
            print(f"{'warm-up' if number == 0 else number}: " + _text(*row), flush=True)
            rows += [row] if number else []
    finally:
        shutil.rmtree(root, ignore_errors=True)
    ours = statistics.median(row[0]["total"] for row in rows)
    theirs = statistics.median(row[1]["total"] for row in rows)
    print(f"median: torchup {ours:.1f} s, venv + pip {theirs:.1f} s, ratio {ours / theirs:.2f}")


def _text(ours: dict[str, float], theirs: dict[str, float]) -> str:
    verified = f"of which verification {ours['verification']:.1f} s"
    return f"torchup {ours['total']:.1f} s ({verified}), venv + pip {theirs['total']:.1f} s"


if __name__ == "__main__":
    main()
