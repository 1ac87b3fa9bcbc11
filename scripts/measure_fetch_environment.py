"""How long a whole environment takes with torchup's fetcher and with uv's own downloads, on one undisturbed line.

    python scripts/measure_fetch_environment.py FOLDER [--rate 50] [--repeats 3]

FOLDER holds the wheels of torch and all that it requires (`torchup fetch --to DIR` makes one). A server in a process
of its own serves them at so many MB a second, all connections together. Each round begins with empty caches:

- `uv`: `uv venv`, then `uv pip install` of the same packages;
- `uv in torchup`: torchup's whole installation without its fetcher, so uv downloads;
- `torchup`: torchup's whole installation as it is.

The verification is left out: it is the same. Prints seconds and peak memory of torchup's own process beyond that of
`uv in torchup`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
CHILD = """
import json, resource, sys, time
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import Build, InstallerName, Plan, Source, TorchInfo, Verification
url, version, packages, fetcher = sys.argv[1], sys.argv[2], sys.argv[3].split(), sys.argv[4]
if not int(fetcher):
    engine.PREPARE.clear()
public, _, variant = version.partition("+")
plan = Plan(build=Build(torch=public, variant=variant or "cpu", source="index-url"), python=sys.argv[5],
            python_path=sys.executable, installer=InstallerName.UV, packages=(f"torch=={version}", *packages),
            sources=(Source(name="index-url", url=url),))
def verify(python):
    return Verification(passed=True, rungs=(), torch=TorchInfo(version=public, variant=variant or "cpu"))
begun = time.monotonic()
engine.install(RealHost(), plan, "measured", verify=verify)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.monotonic() - begun, "kilobytes": peak}))
"""


def environment(home: str) -> dict[str, str]:
    """Empty caches, nothing of the user's configuration."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": home, "TORCHUP_HOME": f"{home}/t", "UV_CACHE_DIR": f"{home}/u",
        "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1",
    }  # fmt: skip


def by_uv(url: str, home: str, wanted: list[str]) -> dict[str, float]:
    """Seconds of uv alone."""
    uv, place = str(Path(sys.executable).with_name("uv")), f"{home}/env"
    install = ["pip", "install", "--quiet", "--python", place, "--default-index", url, *wanted]
    begun = time.monotonic()
    for words in (["venv", "--quiet", "--python", sys.executable, place], install):
        subprocess.run([uv, *words], env=environment(home), check=True)
    return {"seconds": time.monotonic() - begun}


def by_torchup(url: str, home: str, wanted: list[str], *, fetcher: bool) -> dict[str, float]:
    """Seconds and kilobytes of torchup, in a process of its own."""
    version, rest = wanted[0].removeprefix("torch=="), [name for name in wanted[1:] if name != "pip"]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    argv = [sys.executable, "-c", CHILD, url, version, " ".join(rest), str(int(fetcher)), python]
    done = subprocess.run(argv, env=environment(home), check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=float, default=50.0, help="MB a second; 0: as fast as the loopback goes")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    torch = next(asked.folder.glob("torch-*.whl")).name.split("-")[1]
    wanted = [f"torch=={torch}", "numpy", "pillow", "pip"]
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "line_server.py"), str(asked.folder), str(asked.rate * 1e6)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    seconds: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    try:
        url = re.sub(r"\s", "", (server.stdout or sys.stdin).readline())
        ways: dict[str, Callable[[str, str, list[str]], dict[str, float]]] = {
            "uv": by_uv,
            "uv in torchup": partial(by_torchup, fetcher=False),
            "torchup": partial(by_torchup, fetcher=True),
        }
        for _ in range(asked.repeats):
            for name, way in ways.items():
                with tempfile.TemporaryDirectory() as home:
                    found = way(url, home, wanted)
                    os.sync()
                seconds.setdefault(name, []).append(found["seconds"])
                memory[name] = max(memory.get(name, 0), found.get("kilobytes", 0) / 1000)
    finally:
        server.terminate()
    print("| way | seconds | all rounds | MB of torchup's process |\n|---|---|---|---|")
    for name, own in seconds.items():
        rounds = ", ".join(f"{one:.1f}" for one in own)
        print(f"| {name} | {statistics.median(own):.1f} | {rounds} | {memory[name] or '-'} |")
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    print(f"ratio to uv in torchup: {medians['torchup'] / medians['uv in torchup']:.3f}")


if __name__ == "__main__":
    main()
