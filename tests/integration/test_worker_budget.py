"""The law of budgets: what follows start-up ends within 1.3 budgets, and what was left out is said."""

from __future__ import annotations

import json

import pytest

from support.bench import inside, torch_python
from torchup.bench.workloads import REGISTRY

pytestmark = pytest.mark.slow
BUDGET = 1.0  # seconds on a clock that goes on by as much with each look at it: no machine is too slow for this test
TICK = 0.03  # more than a sample lasts at least
SLACK = 0.3  # what has begun is finished
SIZES = {  # what a step is small for: the law is about ends, not about speed
    "gpt": {"batch": 1, "size": 32},
    "cifar-resnet": {"batch": 2},
    "images": {"images": 300, "size": 8, "batch": 8, "workers": 0},
    "dataloader": {"workers": 0},
}

MEASURE = """
import json, sys, time, torch
import lines, measure, sweep, workloads
from said import SaidError
torch.set_num_threads(1)
clock = [0.0]
def tick():
    clock[0] += TICK
    return clock[0]
time.perf_counter = tick
moments = []
lines.emit = lambda value: moments.append((time.perf_counter(), value.get("progress", {}).get("stage")))
sweep.LEAST = 0.001
from workloads import gpt
gpt.LAYERS, gpt.VOCABULARY = 1, 512
from workloads import bandwidth, conv, matmul
matmul.SIZES = conv.BATCHES = tuple(range(8, 40))  # sizes that take too long end a sweep by the true clock
bandwidth.SIZES = tuple(range(2**16, 2**17, 2**10))
conv.CHANNELS, conv.WIDTH, measure.CACHE_BYTES = 4, 4, 1024
out = {}
for name, recipe, options in json.loads(ASKED):
    lines.STARTED = time.perf_counter()
    moments.clear()
    request = {"workload": name, "recipe": recipe, "device": "cpu", "threads": 1, "budget": BUDGET, **options}
    try:
        found = workloads.load(name).run(request)
    except SaidError as error:
        out[name + "/" + recipe] = [error.said["code"], time.perf_counter() - lines.STARTED]
        continue
    end = time.perf_counter()
    begin = min(when for when, stage in moments if stage == "training")
    codes = [note["code"] for note in found.get("notes", [])]
    done = found["parameters"].get("epochs"), found["parameters"].get("epochs_asked")
    out[name + "/" + recipe] = [begin - lines.STARTED, end - begin, codes, done, found["seconds"]]
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def measured():
    """Every workload but a plugin's, every recipe that is cheap to prepare, each under the same budget."""
    asked = []
    for name, workload in REGISTRY.items():
        if name == "fashion-mnist":  # the same code as mnist, on files that the user has
            continue
        for recipe in set(workload.recipes) & {"script", "loader", "resident", "cached", "default"}:
            if (name, recipe) == ("mnist", "loader"):  # the clock of `script`, after a long preparation
                continue
            options = dict(SIZES.get(name, {}))
            if name in {"mnist", "images"}:
                options["epochs"] = 50
            if name == "run":
                options["program"] = ["python", "-c", "import time; time.sleep(60)"]
            asked.append((name, recipe, options))
    code = f"ASKED = {json.dumps(asked)!r}\nBUDGET, TICK = {BUDGET}, {TICK}\n{MEASURE}"
    return json.loads(inside(torch_python(), code, timeout=600.0).splitlines()[-1])


def test_every_workload_ends_in_time(measured):
    """What start-up left of the budget, at least a part of it, is not passed by more than a third and one step."""
    assert {key.partition("/")[0] for key in measured} == set(REGISTRY) - {"fashion-mnist"}
    for key, (started, took, *_) in measured.items():
        if key == "run/default":
            assert started == "program-outran"
            continue
        left = max(BUDGET - started, 0.3 * BUDGET)
        assert took <= 1.3 * left + SLACK, key


def test_what_a_budget_left_out_is_said(measured):
    """A training that was cut names its steps; a sweep that was cut its points; no time is silently one of less."""
    for key, (_, _, codes, *rest) in ((k, v) for k, v in measured.items() if k != "run/default"):
        (done, asked), seconds = rest
        assert seconds > 0, key
        if asked is not None:
            assert done < asked, key
            assert done == int(done) or "cut" in codes, key
    assert "points-cut" in measured["bandwidth/default"][2]
    assert "decoded-cut" in measured["images/cached"][2] or measured["images/cached"][3][0] > 0
