"""Kills and interrupts: real processes, hit before every single operation that changes the disk or starts a tool."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from support.index import serve_index
from support.plans import folder_plan, index_plan
from support.wheels import copy_real_pip, make_fake_torch, make_wheel
from torchup.encoding import to_builtins
from torchup.errors import ExitCode
from torchup.host import RealHost

pytestmark = pytest.mark.slow
HOST = RealHost()
CHILD = Path(__file__).parents[1] / "support" / "install_child.py"
LIMIT = 90.0  # seconds; an operation count that is never reached ends the loop long before


class Place:
    """A torchup home of its own, with spaces and Chinese in its path, and the wheels that are installed there."""

    def __init__(self, home: Path, wheels: Path) -> None:
        self.home, self.wheels = home, wheels
        self.target = home / "data" / "envs" / "default"

    def start(self, action="install", torch="2.13.0", plan=None, **job):
        """Start the child process."""
        plan = plan or folder_plan(self.wheels, torch)
        job = {"action": action, "name": "default", "plan": to_builtins(plan), **job}
        return subprocess.Popen(
            [sys.executable, CHILD, json.dumps(job)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self):
        """The child's variables: this home, no Python modules but the tests' helpers."""
        changed = {"TORCHUP_HOME": str(self.home), "PYTHONPATH": str(CHILD.parents[1])}
        cache = {"UV_CACHE_DIR": str(self.wheels.parent / "cache"), "UV_HTTP_TIMEOUT": "30"}
        return {**os.environ, **changed, **cache}

    def run(self, **job):
        """Run the child to its end; (exit code, operations done)."""
        with self.start(**job) as child:
            out, _ = child.communicate(timeout=LIMIT)
        return child.returncode, json.loads(out) if out.strip() else []

    def works(self):
        """The torch that the environment's own program reports, "" if it does not run, ``None`` without environment."""
        if not self.target.exists():
            return None
        program = self.target / "bin" / "torchrun"
        done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=LIMIT)
        right = done.returncode == 0 and done.stdout.strip().endswith(f"in {self.target}")
        return done.stdout.split()[2] if right else ""

    def leftovers(self):
        """Anything beside the environment that a finished run would not leave."""
        return [entry.name for entry in self.target.parent.glob(".*") if entry.name != ".elsewhere"]


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Homes to copy: empty, with torch 2.12, and with 2.12 now and 2.13 as the previous one."""
    root = tmp_path_factory.mktemp("kills")
    wheels = root / "wheels"
    for version in ("2.12.0", "2.13.0"):
        make_fake_torch(wheels, version)
    make_wheel(wheels, "pip", "26.0")
    empty, old, both = (Place(root / name, wheels) for name in ("empty", "old", "both"))
    (empty.home / "data").mkdir(parents=True)
    assert old.run(torch="2.12.0")[0] == 0
    assert both.run(torch="2.13.0")[0] == 0
    assert both.run(torch="2.12.0")[0] == 0
    return {"empty": empty, "old": old, "both": both}


def copy(base, where):
    """A fresh copy of a base."""
    shutil.copytree(base.home, where, symlinks=True)
    return Place(where, base.wheels)


def at_every_operation(base, tmp_path, try_one, **job):
    """Run ``try_one(place, k)`` for every operation k that an undisturbed run does; the failures, by operation."""
    code, operations = copy(base, tmp_path / "undisturbed").run(**job)
    assert code == 0
    assert operations

    def one(number):
        place = copy(base, tmp_path / f"家 {number}")
        problem = try_one(place, number)
        return f"before {number} ({operations[number - 1]}): {problem}" if problem else None

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(one, range(1, len(operations) + 1)))


def check(survived, kind, outcomes):
    """Count the outcomes and fail with those that were not survived."""
    for outcome in outcomes:
        survived(kind, outcome is None)
    assert [outcome for outcome in outcomes if outcome] == []


def killed_install(base_name, **job):
    """Kill an installation; what is there must work at once (or after torchup looked), and a second run succeed."""

    def try_one(place, number):
        code, _ = place.run(hit=number, **job)
        if code != -signal.SIGKILL:
            return f"exit code {code}"
        if not job.get("exchange", True):
            place.run(action="look")  # between two renames there is none for a moment; any command puts it back
        before = place.works()
        if before == "" or (base_name == "old" and before is None):
            return f"unusable after the kill: {before!r}"
        if place.run(action="install")[0] != 0:
            return "the second run failed"
        if place.works() != "2.13.0+cpu" or place.leftovers():
            return f"after the second run: {place.works()!r}, {place.leftovers()}"
        return None

    return try_one


@pytest.mark.parametrize("base", ["old", "empty"])
def test_sigkill_at_every_step_of_an_installation(bases, base, tmp_path, survived):
    """The old environment works at every instant, a second run succeeds and leaves nothing over."""
    outcomes = at_every_operation(bases[base], tmp_path, killed_install(base))
    kind = (
        "SIGKILL before each operation of an upgrade"
        if base == "old"
        else "SIGKILL before each operation of a first installation"
    )
    check(survived, kind, outcomes)


def test_sigkill_without_atomic_exchange(bases, tmp_path, survived):
    """On a system that must rename twice, any next command that looks for the environment puts it in place."""
    outcomes = at_every_operation(bases["old"], tmp_path, killed_install("old", exchange=False), exchange=False)
    check(survived, "SIGKILL before each operation of an upgrade where renames are not atomic (Windows)", outcomes)


@pytest.mark.parametrize("base", ["old", "empty"])
def test_ctrl_c_at_every_step_of_an_installation(bases, base, tmp_path, survived):
    """Exit code 130; the old environment (or none) is there without a second run, and nothing is left over."""

    def try_one(place, number):
        code, _ = place.run(hit=number, signal="INT")
        if code != ExitCode.INTERRUPTED:
            return f"exit code {code}"
        allowed = {"2.12.0+cpu", "2.13.0+cpu"} if base == "old" else {None, "2.13.0+cpu"}
        if place.works() not in allowed or place.leftovers():
            return f"{place.works()!r}, {place.leftovers()}"
        return None

    outcomes = at_every_operation(bases[base], tmp_path, try_one)
    kind = (
        "Ctrl-C before each operation of an upgrade"
        if base == "old"
        else "Ctrl-C before each operation of a first installation"
    )
    check(survived, kind, outcomes)


@pytest.mark.parametrize("exchange", [True, False])
def test_sigkill_at_every_step_of_a_rollback(bases, exchange, tmp_path, survived):
    """After a killed roll-back one of the two environments works, and roll-back or looking goes on."""

    def try_one(place, number):
        place.run(action="rollback", hit=number, exchange=exchange)
        if exchange and not place.works():
            return f"unusable: {place.works()!r}"
        if place.run(action="install")[0] != 0 or place.works() != "2.13.0+cpu":
            return f"after the next run: {place.works()!r}"
        return None

    outcomes = at_every_operation(bases["both"], tmp_path, try_one, action="rollback", exchange=exchange)
    check(survived, "SIGKILL before each operation of a roll-back", outcomes)


def test_sigkill_at_every_step_of_a_removal(bases, tmp_path, survived):
    """A killed removal leaves a whole environment or none; removing again, or installing, goes on."""

    def try_one(place, number):
        place.run(action="remove", hit=number)
        if place.works() == "":
            return "half an environment"
        if place.run(action="install")[0] != 0 or place.works() != "2.13.0+cpu" or place.leftovers():
            return f"after the next run: {place.works()!r} {place.leftovers()}"
        return None

    check(
        survived,
        "SIGKILL before each operation of a removal",
        at_every_operation(bases["both"], tmp_path, try_one, action="remove"),
    )


def test_sigkill_at_every_step_of_adopting(bases, tmp_path, survived):
    """A killed `env adopt` leaves what was adopted as it is; adopting again succeeds."""
    foreign = tmp_path / "foreign"
    shutil.copytree(bases["old"].target, foreign, symlinks=True)
    (foreign / "torchup-environment.json").unlink()
    before = sorted(str(path.relative_to(foreign)) for path in foreign.rglob("*"))
    job = {"action": "adopt", "name": "mine", "path": str(foreign)}

    def try_one(place, number):
        place.run(hit=number, **job)
        if sorted(str(path.relative_to(foreign)) for path in foreign.rglob("*")) != before:
            return "what was adopted is not as it was"
        code = place.run(**job)[0]
        return None if code in {0, ExitCode.USAGE} else f"the second run failed: {code}"  # usage: it is adopted

    check(
        survived,
        "SIGKILL before each operation of an adoption",
        at_every_operation(bases["empty"], tmp_path, try_one, **job),
    )


def test_sigkill_at_every_step_of_an_installation_from_a_bundle(bases, tmp_path, survived):
    """An upgrade from checked wheels is as safe as any other."""
    files = {
        wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest()
        for wheel in bases["old"].wheels.glob("*.whl")
        if "2.12.0" not in wheel.name
    }
    plan = msgspec.structs.replace(folder_plan(bases["old"].wheels), hashes=files)
    outcomes = at_every_operation(bases["old"], tmp_path, killed_install("old", plan=plan), plan=plan)
    check(survived, "SIGKILL before each operation of an upgrade from a bundle", outcomes)


@pytest.mark.parametrize("how", ["KILL", "INT", "TERM"])
def test_signals_in_the_middle_of_a_download(bases, how, tmp_path, survived):
    """Hit while uv waits for bytes: the old environment works; the next run is not disturbed by a uv left behind."""
    place = copy(bases["old"], tmp_path / "家")
    with serve_index(place.wheels) as index:
        index.fault, index.only = "stall", "torch-2.13"
        with place.start(plan=index_plan(index.url)) as child:
            assert index.stalled.wait(LIMIT)
            child.send_signal(getattr(signal, f"SIG{how}"))
            code = child.wait(LIMIT)
        assert code == {"KILL": -signal.SIGKILL, "INT": ExitCode.INTERRUPTED, "TERM": -signal.SIGTERM}[how]
        assert place.works() == "2.12.0+cpu"
        index.fault = ""
        assert place.run(plan=None)[0] == 0
        assert place.works() == "2.13.0+cpu"
        index.release.set()
    survived("a signal in the middle of a download (KILL, INT, TERM)", well=True)


def test_two_at_once(bases, tmp_path, survived):
    """The second torchup is told that another one works on the environment; the first one finishes."""
    place = copy(bases["old"], tmp_path / "家")
    with serve_index(place.wheels) as index:
        index.fault, index.only = "stall", "torch-2.13"
        with place.start(plan=index_plan(index.url)) as first:
            assert index.stalled.wait(LIMIT)
            with place.start(plan=folder_plan(place.wheels)) as second:
                _, said = second.communicate(timeout=LIMIT)
            first.kill()
        assert (second.returncode, "another torchup" in said) == (ExitCode.INSTALL, True)
        assert place.works() == "2.12.0+cpu"
    assert place.run()[0] == 0
    assert place.works() == "2.13.0+cpu"
    survived("two torchups at once", well=True)


# Moments of one run, each run's by another seed; TORCHUP_FULL_KILLS=1 tries as many as reliability.md reports.
MOMENTS = {"upgrade": 10, "rollback": 20, "remove": 20, "adopt": 20, "bundle": 3}
if os.environ.get("TORCHUP_FULL_KILLS"):
    MOMENTS = dict.fromkeys(MOMENTS, 40)
KINDS = {
    "upgrade": "of an upgrade", "rollback": "of a roll-back", "remove": "of a removal", "adopt": "of an adoption",
    "bundle": "of `env bundle`",
}  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")
@pytest.mark.parametrize("what", MOMENTS)
def test_sigkill_at_random_moments(bases, what, survived):
    """Wherever a kill falls nothing is lost, and the next command works (what is asked: support/random_kills.py)."""
    seed = random.randrange(10_000)  # noqa: S311  # moments, not keys
    base = bases["both"]
    wheels = base.wheels
    if what == "bundle":
        make_fake_torch(wheels := base.wheels.parent / "bundled", "2.13.0")
        if copy_real_pip(wheels) is None:
            pytest.skip("this Python carries no pip")
    job = {"what": what, "home": str(base.home), "wheels": str(wheels), "count": MOMENTS[what], "seed": seed}
    done = subprocess.run(
        [sys.executable, CHILD.with_name("random_kills.py"), json.dumps(job)],
        env=base.environment(), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert len(outcomes) == MOMENTS[what]
    for outcome in outcomes:
        survived(f"SIGKILL at a random moment {KINDS[what]}", outcome is None)
    assert [outcome for outcome in outcomes if outcome] == [], f"seed {seed}\n{done.stderr}"
