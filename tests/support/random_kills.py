"""Kill a command at random moments, again and again, and look each time at what is left.

Run as ``python random_kills.py JOB`` with a JSON object: ``what`` (upgrade, rollback, remove, adopt, bundle), ``home``
(a folder that is copied), ``wheels``, ``count``, ``seed``. Prints a JSON list: ``null`` for a kill that was survived, a
sentence for one that was not.

Each command runs in a fork of this process, which has imported everything: a kill then costs what the command does and
not the start of a Python, so that many moments are tried in seconds. The moments are spread over the time that an
undisturbed run takes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from support.plans import folder_plan, importing
from torchup.envs import registry
from torchup.errors import ExitCode, TorchupError, UsageError
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.bundle import collect, load_bundle

HOST = RealHost()
VERSIONS = ("2.12.0", "2.13.0")
LIMIT = 90.0  # seconds for one command


class Place:
    """A torchup home and what is looked at in it."""

    def __init__(self, job: dict) -> None:
        self.wheels, self.base = job["wheels"], Path(job["home"])
        self.chance = random.Random(job["seed"])  # noqa: S311  # moments, not keys
        self.number = 0
        self.fresh()

    def fresh(self) -> None:
        """Begin with a new copy of the base."""
        self.number += 1
        home = self.base.with_name(f"{self.base.name} {os.getpid()} {self.number}")
        shutil.copytree(self.base, home, symlinks=True)
        os.environ["TORCHUP_HOME"] = str(home)
        self.envs = home / "data" / "envs"
        self.target = self.envs / "default"

    def works(self) -> str | None:
        """The torch that the environment's own program reports, "" if it does not run, ``None`` without one."""
        if not self.target.exists():
            return None
        program = self.target / "bin" / "torchrun"
        done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=LIMIT)
        right = done.returncode == 0 and done.stdout.strip().endswith(f"in {self.target}")
        return done.stdout.split()[2].partition("+")[0] if right else ""

    def leftovers(self) -> list[str]:
        """What a finished run would not leave beside the environment."""
        return [entry.name for entry in self.envs.glob(".*") if entry.name != ".elsewhere"]

    def install(self, version: str) -> None:
        """Install a version."""
        engine.install(HOST, folder_plan(self.wheels, version), "default", verify=importing())


def forked(work) -> int:
    """Start ``work`` in a fork, which ends with torchup's exit code; its process id."""
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        work()
    except TorchupError as error:
        sys.stderr.write(f"{error}\n")
        code = int(error.exit_code)
    except BaseException as error:  # noqa: BLE001  # a fork must not run on in its parent's code
        sys.stderr.write(f"{error!r}\n")
        code = int(ExitCode.INTERNAL)
    finally:
        os._exit(code)


def whole(work) -> tuple[int, float]:
    """Run to the end: exit code and seconds."""
    started = time.monotonic()
    _, status = os.waitpid(forked(work), 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - started


def killed(work, seconds: float) -> None:
    """Run, and kill it after some seconds; it may have ended by then."""
    child = forked(work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def upgrade(place: Place, count: int) -> list[str | None]:
    """Kill after kill of one environment's changes between two versions; one of them works at every instant."""
    outcomes = []
    _, seconds = whole(lambda: place.install("2.13.0"))
    for _ in range(count):
        other = "2.12.0" if place.works() == "2.13.0" else "2.13.0"
        killed(lambda other=other: place.install(other), place.chance.uniform(0, seconds))
        outcomes.append(None if place.works() in VERSIONS else f"unusable: {place.works()!r}")
    code, _ = whole(lambda: place.install("2.13.0"))
    if code or place.works() != "2.13.0" or place.leftovers():
        outcomes[-1] = f"the next run: {code}, {place.works()!r}, {place.leftovers()}"
    return outcomes


def rollback(place: Place, count: int) -> list[str | None]:
    """One of the two environments works after each kill, and the next roll-back succeeds."""
    outcomes = []
    _, seconds = whole(lambda: registry.roll_back(HOST, "default"))
    for _ in range(count):
        killed(lambda: registry.roll_back(HOST, "default"), place.chance.uniform(0, seconds))
        after = place.works()
        code, _ = whole(lambda: registry.roll_back(HOST, "default"))
        sound = after in VERSIONS and place.works() in VERSIONS and code == 0 and not place.leftovers()
        outcomes.append(None if sound else f"{after!r}, then {code}, {place.works()!r}, {place.leftovers()}")
    return outcomes


def remove(place: Place, count: int) -> list[str | None]:
    """After each kill the environment is whole or gone, and the next removal takes everything away."""
    outcomes = []
    _, seconds = whole(lambda: registry.remove(HOST, "default"))
    for _ in range(count):
        place.fresh()
        killed(lambda: registry.remove(HOST, "default"), place.chance.uniform(0, seconds))
        after = place.works()
        code, _ = whole(lambda: registry.remove(HOST, "default"))
        gone = not place.target.exists() and not place.leftovers()
        sound = after != "" and gone and code in {0, ExitCode.USAGE}  # usage: there is none any more
        outcomes.append(None if sound else f"{after!r}, then {code}, {place.leftovers()}")
    code, _ = whole(lambda: place.install("2.13.0"))
    if code or place.works() != "2.13.0":
        outcomes[-1] = f"the next installation: {code}, {place.works()!r}"
    return outcomes


def adopt(place: Place, count: int) -> list[str | None]:
    """What is adopted stays as it is, file for file; adopting it again succeeds."""
    foreign = place.envs.parent / "foreign"
    place.target.rename(foreign)
    (foreign / "torchup-environment.json").unlink()
    before = _content(foreign)
    outcomes = []
    _, seconds = whole(lambda: registry.adopt(HOST, str(foreign), "first"))
    registry.remove(HOST, "first")
    for number in range(count):
        name = f"mine{number}"
        killed(lambda name=name: registry.adopt(HOST, str(foreign), name), place.chance.uniform(0, seconds))
        code, _ = whole(lambda name=name: registry.adopt(HOST, str(foreign), name))
        found = registry.find(HOST, name)
        sound = _content(foreign) == before and found is not None and code in {0, ExitCode.USAGE}  # it is adopted
        outcomes.append(None if sound else f"{code}, {found}, {_content(foreign) ^ before}")
        whole(lambda name=name: registry.remove(HOST, name))
    return outcomes


def _content(folder: Path) -> set[tuple[str, int]]:
    """Path and size of everything but byte code."""
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {(str(path.relative_to(folder)), path.lstat().st_size) for path in found if not path.is_dir()}


def bundle(place: Place, count: int) -> list[str | None]:
    """A killed bundle is finished by the same command, or is whole; it is never taken for one while it is half."""
    outcomes = []
    folder, plan = place.envs.parent / "bundle", folder_plan(place.wheels)
    _, seconds = whole(lambda: collect(HOST, plan, str(folder)))
    files = set(load_bundle(HOST, str(folder)).hashes)
    shutil.rmtree(folder)
    for _ in range(count):
        killed(lambda: collect(HOST, plan, str(folder)), place.chance.uniform(0, seconds))
        if _is_bundle(folder):
            outcomes.append(None if set(load_bundle(HOST, str(folder)).hashes) == files else "half a bundle was read")
            shutil.rmtree(folder)
        else:
            left = {entry.name for entry in folder.glob("*")}
            outcomes.append(None if not left or ".workshop" in left else f"the next run would refuse {left}")
    code, _ = whole(lambda: collect(HOST, plan, str(folder)))
    if code or set(load_bundle(HOST, str(folder)).hashes) != files or (folder / ".workshop").exists():
        outcomes[-1] = f"the next run: {code}"
    return outcomes


def _is_bundle(folder: Path) -> bool:
    try:
        load_bundle(HOST, str(folder))
    except UsageError:
        return False
    return True


COMMANDS = {"upgrade": upgrade, "rollback": rollback, "remove": remove, "adopt": adopt, "bundle": bundle}


def main() -> int:
    """Do the job."""
    job = json.loads(sys.argv[1])
    place = Place(job)
    started = time.monotonic()
    outcomes = COMMANDS[job["what"]](place, job["count"])
    sys.stderr.write(f"{job['what']}: {time.monotonic() - started:.1f} s\n")
    sys.stdout.write(json.dumps(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
