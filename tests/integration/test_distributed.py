"""Real processes that train together: gloo on this machine, and two nodes in two network namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from support.bench import torch_python
from torchup.bench.distributed import run_distributed
from torchup.bench.layout import Layout
from torchup.bench.request import BenchRequest
from torchup.errors import BenchError
from torchup.host import RealHost

pytestmark = pytest.mark.slow

SHORT = {"steps": 30, "largest_bytes": 4096}
DRIVER = """
import json, sys
from torchup.bench.distributed import run_distributed
from torchup.bench.request import BenchRequest
from torchup.bench.layout import layout
from torchup.encoding import to_json
from torchup.host import RealHost
host, options = RealHost(), json.loads(sys.argv[2])
where = layout(host.environ(), **{"processes": None, "nodes": None, "node_rank": None, "rendezvous": None, **options})
results = run_distributed(host, sys.argv[1], where, BenchRequest(steps=30, largest_bytes=64, scaling=("strong",)))
print(to_json(results, indent=0).strip())
"""


def test_two_processes_train_what_one_trains():
    """At half a batch each the losses are those of one process, step by step; curves and efficiencies come along."""
    said: list[str] = []
    question = BenchRequest(**SHORT)
    results = run_distributed(RealHost(), torch_python(), Layout(processes=2), question, on_line=said.append)
    first = next(line for line in said if line.startswith("{"))
    assert "connected" in first, (first, "the line that a node waits for that has no rank 0")
    points = {(r.parameters.get("scaling"), r.world_size): r for r in results}
    assert set(points) == {("strong", 1), ("strong", 2), ("weak", 1), ("weak", 2), (None, 2)}
    strong = points["strong", 2]
    assert strong.parameters["loss_difference"] < 1e-4
    assert strong.parameters["batch_per_process"] == 32
    assert 0 < strong.parameters["efficiency"] < 2
    assert points["weak", 2].parameters["batch"] == 128
    assert [size for size, _ in points[None, 2].curves["seconds_over_bytes"]] == [4, 16, 64, 256, 1024, 4096]
    assert strong.code_hash is not None
    assert not RealHost().list_dir(RealHost().folders().log)


def test_gpt_is_shared_like_mnist():
    """Two processes with a sequence each give the loss of one with both; the rate is told in tokens too."""
    question = BenchRequest(workload="gpt", model="tiny", steps=4, largest_bytes=16, scaling=("strong",))
    results = run_distributed(RealHost(), torch_python(), Layout(processes=2), question)
    strong = next(r for r in results if r.world_size == 2 and r.workload == "gpt")
    assert strong.parameters["loss_difference"] < 1e-4
    assert strong.quality["tokens_per_second"] == pytest.approx(64 * strong.samples_per_second)


def kill_rank(number, done):
    """Wait for a rank among this process's descendants that is past its imports, and kill it without mercy."""
    while not done.is_set():
        for process in psutil.Process().children(recursive=True):
            try:
                is_rank = any(part.endswith("distributed.py") for part in process.cmdline())
                if is_rank and process.environ().get("RANK") == str(number):
                    time.sleep(1.0)
                    process.kill()
                    return
            except psutil.Error:
                continue
        time.sleep(0.2)


def test_a_rank_that_dies_ends_the_run():
    """SIGKILL of rank 1 in the middle: no hang, the rank is named, the log's place is told."""
    done = threading.Event()
    killer = threading.Thread(target=kill_rank, args=(1, done))
    start = time.monotonic()
    killer.start()
    try:
        with pytest.raises(BenchError) as caught:
            run_distributed(RealHost(), torch_python(), Layout(processes=2), BenchRequest(epochs=50))
    finally:
        done.set()
        killer.join()
    assert "rank 1 failed (exit code -9)" in str(caught.value.text)
    assert RealHost().folders().log in str(caught.value.hint)
    assert time.monotonic() - start < 120


def drive(options, *, prefix=(), **variables):
    """One torchup, as a node or as a rank; returns its process."""
    command = [*prefix, sys.executable, "-c", DRIVER, torch_python(), json.dumps(options)]
    environment = {name: value for name, value in os.environ.items() if name != "RANK"} | variables
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(*processes):
    """What each printed, once all have ended well."""
    answers = []
    for process in processes:
        out, err = process.communicate(timeout=150)
        assert process.returncode == 0, err[-2000:]
        answers.append(json.loads(out.splitlines()[-1]))
    return answers


def test_slurms_and_torchruns_variables_are_enough():
    """Two torchups with srun's variables are two ranks; only rank 0 has results. torchrun's are given the same way."""
    slurm = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NUM_NODES": "1",
             "SLURM_STEP_NODELIST": "localhost"}  # fmt: skip
    ranks = [drive({}, **slurm, SLURM_PROCID=str(n), SLURM_LOCALID=str(n)) for n in range(2)]
    first, second = ended(*ranks)
    assert second == []
    assert {result["world_size"] for result in first} == {1, 2}


@pytest.fixture
def two_nodes():
    """Two network namespaces with a cable between them; a skip where the system does not allow them."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces need root and the `ip` program")
    names = [f"torchup{os.getpid()}{side}" for side in "ab"]
    cables = [f"tu{os.getpid() % 100000}{side}" for side in "ab"]
    steps = [
        *(["netns", "add", name] for name in names),
        ["link", "add", cables[0], "type", "veth", "peer", "name", cables[1]],
        *(["link", "set", cable, "netns", name] for cable, name in zip(cables, names, strict=True)),
    ]
    for number, (cable, name) in enumerate(zip(cables, names, strict=True), 1):
        steps += [["-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", cable]]
        steps += [["-n", name, "link", "set", device, "up"] for device in (cable, "lo")]
    for name in names:  # host names are asked for before the nodes meet; without this each question takes seconds
        folder = Path("/etc/netns") / name
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    try:
        for step in steps:
            done = subprocess.run(["ip", *step], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
            shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)


def test_two_nodes_meet_over_the_network(two_nodes):
    """Each node runs the same command with its own rank; node 0 has the results of both."""
    common = {"processes": 1, "nodes": 2, "rendezvous": "10.77.0.1:29511"}
    nodes = [
        drive(common | {"node_rank": number}, prefix=("ip", "netns", "exec", name))
        for number, name in enumerate(two_nodes)
    ]
    first, second = ended(*nodes)
    assert second == []
    together = [r for r in first if r["world_size"] == 2 and r["parameters"].get("scaling") == "strong"]
    assert together[0]["nodes"] == 2
    assert together[0]["parameters"]["loss_difference"] < 1e-4
