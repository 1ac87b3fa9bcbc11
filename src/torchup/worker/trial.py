"""Try a candidate in a process of its own, so that one that spoils the device's context ends only itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import idx
import measure
import precision
from said import GivenError, SaidError, said

LIMIT = 300.0  # seconds; compiling kernels on a slow machine takes one or two minutes
SAMPLES = 64 * 64 + 32  # 64 full batches and a shorter one


def in_child(request: Dict[str, Any]) -> float:
    """Seconds of the candidate's small epoch. Raises `SaidError` with the child's own reason, or how it ended."""
    command = [
        sys.executable,
        "-I",
        str(Path(__file__).with_name("bench.py")),
        json.dumps({**request, "action": "trial"}),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False, errors="replace")  # noqa: S603  # our own file, no shell
    except subprocess.TimeoutExpired as error:
        raise SaidError("time-limit") from error
    for line in reversed(done.stdout.splitlines()):
        if line.startswith('{"trial"'):
            return float(json.loads(line)["trial"]["seconds"])
        if line.startswith('{"error"'):
            raise GivenError(json.loads(line)["error"]["said"])
    words = done.stderr.strip()[-400:]
    why = said("raised", text=words) if words else said("silent")
    if done.returncode < 0:
        raise SaidError("trial-signal", number=-done.returncode, why=why)
    raise SaidError("trial-ended", number=done.returncode, why=why)


def run(request: Dict[str, Any]) -> float:
    """Prepare the candidate and time it on a part of the data; in the child."""
    import recipes
    from recipes.base import Task

    device, label = request["device"], precision.enter(request["device"], request["precision"])
    train, test = idx.load()
    part = idx.Split(train.images[:SAMPLES], train.labels[:SAMPLES])
    task = Task(device, label, 0, part, test, request.get("threads"))
    recipe = recipes.load(request["recipe"])(task)
    if request.get("way"):  # of one that can be run in several
        return float(recipe.trial(request["way"]))
    recipe.prepare()
    recipe.start()
    recipe.load()
    return measure.steady(device, recipe.epoch)
