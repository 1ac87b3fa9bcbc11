"""Several processes, without starting any: layouts from options, torchrun and Slurm; failures; results."""

from __future__ import annotations

import sys

import pytest

from support.bench import inside
from torchup.bench.distributed import Point, RawAnswer, failed_ranks, run_distributed, to_results, torchrun
from torchup.bench.layout import Layout, first_host, layout
from torchup.bench.request import BenchRequest
from torchup.errors import BenchError, TimeLimitError, UsageError
from torchup.host import RealHost
from torchup.host.base import Completed

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "4000"}
SLURM = {
    "SLURM_JOB_ID": "123456", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NUM_NODES": "2", "SLURM_PROCID": "3",
    "SLURM_NODEID": "1", "SLURM_LOCALID": "1", "SLURM_STEP_NODELIST": "gpu[03-04],x",
}  # fmt: skip


def decide(environ=None, **options):
    """A layout from variables and options."""
    chosen = {"processes": None, "nodes": None, "node_rank": None, "rendezvous": None} | options
    return layout(environ or {}, **chosen)


def test_options_alone():
    """One node needs only a number; several need a rank and a meeting place."""
    assert decide(processes=2) == Layout(processes=2)
    several = decide(processes=2, nodes=3, node_rank=1, rendezvous="10.0.0.1:4711")
    assert (several.nodes, several.node_rank, several.address, several.port) == (3, 1, "10.0.0.1", 4711)
    assert not several.speaks
    assert decide(nodes=2, node_rank=0, rendezvous="[fe80::1]:5").address == "fe80::1"


@pytest.mark.parametrize(
    "options",
    [
        {"nodes": 2}, {"nodes": 2, "node_rank": 0}, {"nodes": 2, "node_rank": 2, "rendezvous": "a"}, {"node_rank": 1},
        {"nodes": 2, "node_rank": 0, "rendezvous": "a:b"}, {"nodes": 2, "node_rank": 0, "rendezvous": "a:99999"},
        {"nodes": 2, "node_rank": 0, "rendezvous": "-rf /"},
    ],
)  # fmt: skip
def test_half_an_answer_is_a_usage_error(options):
    """What is missing or wrong is named before anything starts."""
    with pytest.raises(UsageError):
        decide(**options)


def test_torchruns_variables_make_a_rank():
    """Under torchrun every torchup is one rank; only rank 0 speaks."""
    joined = decide(TORCHRUN)
    assert (joined.mode, joined.variables, joined.speaks) == ("join", TORCHRUN, False)
    assert decide(TORCHRUN | {"RANK": "0"}).speaks


def test_slurms_variables_make_a_rank():
    """`srun -n4 torchup bench` is four ranks that meet on the first node."""
    joined = decide(SLURM)
    assert joined.mode == "join"
    assert joined.variables == {
        "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "gpu03",
        "MASTER_PORT": str(29500 + 123456 % 2000),
    }  # fmt: skip


def test_one_slurm_task_a_node_launches_the_nodes_processes():
    """`srun --ntasks-per-node=1 torchup bench --nproc 8` starts eight on each node."""
    one_each = SLURM | {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "0"}
    here = decide(one_each, processes=8)
    assert (here.mode, here.nodes, here.node_rank, here.processes, here.address) == ("launch", 2, 1, 8, "gpu03")


def test_a_batch_script_is_alone():
    """Outside srun the job's variables do not make a group that nobody would complete."""
    assert decide({"SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_PROCID": "0"}) == Layout()
    assert decide({"SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1", "SLURM_PROCID": "0"}) == Layout()


def test_options_come_before_variables():
    """Who says how many nodes means it, whatever surrounds the command."""
    assert decide(TORCHRUN, nodes=1, processes=2) == Layout(processes=2)


@pytest.mark.parametrize(
    ("nodelist", "first"),
    [
        ("gpu[03-05,9],x", "gpu03"),
        ("a,b", "a"),
        ("n[1,3]", "n1"),
        ("rack[01-02]-ib", "rack01-ib"),
        ("s", "s"),
        ("", None),
    ],
)
def test_slurms_node_lists(nodelist, first):
    """The first host of a compressed list."""
    assert first_host(nodelist) == first


SUMMARY = """
Root Cause (first observed failure):
[0]:
  time      : 2026-01-01_00:00:00
  host      : secret-host
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 11)
  error_file: <N/A>
------------------------------------------------------------
[1]:
  rank      : 1 (local_rank: 1)
  exitcode  : -9 (pid: 12)
"""


def test_the_rank_that_a_signal_ended_is_the_cause():
    """Its neighbour only lost the connection."""
    assert failed_ranks(SUMMARY) == [(1, 1, -9), (0, 0, 1)]
    assert failed_ranks(SUMMARY.replace(": 1 (pid", ": -15 (pid"))[0] == (1, 1, -9)
    assert failed_ranks("nothing of the kind") == []


class TorchrunHost(RealHost):
    """torchrun that ends as a test says."""

    def __init__(self, completed):
        self.completed = completed
        self.logs = None

    def run(self, argv, **_):
        """The probe of the telemetry is missing; torchrun leaves its logs and ends."""
        if "torchup.bench.telemetry_probe" in argv:
            return Completed(argv=tuple(argv), missing=True)
        self.logs = next(a.partition("=")[2] for a in argv if a.startswith("--log-dir"))
        for rank, words in enumerate(("RuntimeError: Connection closed by peer", "Killed while saying this")):
            self.write_text(f"{self.logs}/none_x/attempt_0/{rank}/stderr.log", f"...\n{words}\n\n")
        return self.completed


def test_a_dead_rank_is_named_with_its_log():
    """The error says which rank, its code and its last words; the log stays."""
    host = TorchrunHost(Completed(argv=(), returncode=1, stderr=SUMMARY))
    with pytest.raises(BenchError) as caught:
        run_distributed(host, "python3", Layout(processes=2), BenchRequest())
    assert str(caught.value.text) == "rank 1 exited with code -9: Killed while saying this"
    assert host.logs in str(caught.value.hint)
    assert host.is_dir(host.logs)


def test_a_group_that_does_not_come_back_is_a_timeout():
    """The limit ends it, with the log's place."""
    host = TorchrunHost(Completed(argv=(), timed_out=True))
    with pytest.raises(TimeLimitError):
        run_distributed(host, "python3", Layout(processes=2), BenchRequest(budget=1.0))


def test_another_workload_is_a_usage_error():
    """What has no distributed form is refused with the list of what has."""
    with pytest.raises(UsageError, match="does not support several processes"):
        run_distributed(RealHost(), "python3", Layout(processes=2), BenchRequest(workload="matmul"))


def test_the_command_names_the_meeting_place():
    """One node meets on its own; several by address, port and rank, and never restart a dead rank."""
    alone = torchrun("py", Layout(processes=2), "{}", "/l")
    assert alone[:4] == ("py", "-B", "-m", "torch.distributed.run")
    assert {"--standalone", "--nproc-per-node=2", "--max-restarts=0"} <= set(alone)
    far = torchrun("py", Layout(processes=1, nodes=2, node_rank=1, address="h", port=7), "{}", "/l")
    assert {"--nnodes=2", "--node-rank=1", "--master-addr=h", "--master-port=7"} <= set(far)
    assert "--standalone" not in far


def test_points_become_results_with_efficiency_and_agreement():
    """Rates, efficiency against one process, the difference of losses, and the all-reduce curve with bus bandwidth."""
    points = (
        Point(scaling="strong", size=1, seconds=10.0, steps=100, samples=6400, batch=64, losses=(2.0, 1.0)),
        Point(scaling="strong", size=2, seconds=6.25, steps=100, samples=6400, batch=64, losses=(2.0, 1.001)),
        Point(scaling="weak", size=1, seconds=10.0, steps=100, samples=6400, batch=64),
        Point(scaling="weak", size=2, seconds=12.5, steps=100, samples=12800, batch=128),
    )
    raw = RawAnswer(
        points=points, all_reduce=((4.0, 1e-4), (1e6, 1e-3)), backend="gloo", world_size=2, nodes=1, threads=1,
        torch="2.13.0", python="3.11",
    )  # fmt: skip
    one, strong, _, weak, reduce = to_results([raw], BenchRequest(), None)
    assert (one.world_size, strong.world_size) == (1, 2)
    assert strong.parameters["efficiency"] == pytest.approx(0.8)
    assert weak.parameters["efficiency"] == pytest.approx(0.8)
    assert strong.parameters["loss_difference"] == pytest.approx(0.001)
    assert "loss_difference" not in weak.parameters
    assert reduce.quality == {"latency_us": pytest.approx(100), "bus_gb_per_s": pytest.approx(1.0)}
    assert reduce.curves["bytes_a_second_over_bytes"] == ((4.0, pytest.approx(4e4)), (1e6, pytest.approx(1e9)))


@pytest.mark.parametrize(("environ", "here"), [(TORCHRUN, 4), (TORCHRUN | {"LOCAL_WORLD_SIZE": "2"}, 2), (SLURM, 2)])
def test_a_number_of_processes_is_that_of_the_group_or_refused(environ, here):
    """Who started the processes decided how many there are; the same number may be said again."""
    assert decide(environ).here == here
    assert decide(environ, processes=here) == decide(environ)
    with pytest.raises(UsageError, match=f"--nproc {here + 1}"):
        decide(environ, processes=here + 1)
    assert decide(environ, processes=here + 1, firm=False) == decide(environ)  # a setting gives way


def test_a_meeting_place_needs_several_nodes():
    """`--rendezvous` alone is named, and not ignored."""
    with pytest.raises(UsageError, match="--rendezvous"):
        decide(rendezvous="a:1")


class JoinHost(RealHost):
    """A process of a group that ends without a word."""

    def run(self, argv, **_):
        """Nothing was written."""
        return Completed(argv=tuple(argv), returncode=1, missing="torchup.bench.telemetry_probe" in argv)


def test_a_folder_of_logs_is_named_only_if_there_is_one():
    """A process that torchup did not start has no log of torchup's, and no words are made up for it."""
    joined = decide(TORCHRUN | {"RANK": "0"})
    with pytest.raises(BenchError) as caught:
        run_distributed(JoinHost(), "python3", joined, BenchRequest())
    assert caught.value.hint is None
    assert str(caught.value.text) == "the process group failed: unknown"


@pytest.mark.parametrize(("rank", "local", "speaks"), [(0, 0, True), (1, 1, False), (2, 0, True), (3, 1, False)])
def test_one_process_of_each_node_says_that_all_are_connected(rank, local, speaks):
    """On a node without rank 0, too: its torchup shows that it waits until a line comes."""
    code = f"""
import sys, types
fake = types.ModuleType("torch.distributed")
fake.init_process_group = lambda *_, **__: None
sys.modules["torch"] = types.ModuleType("torch")
sys.modules["torch"].distributed = sys.modules["torch.distributed"] = fake
import distributed
distributed.start("cuda:0", {{}}, distributed.Place({rank}, 4, {local}, 2, 2))
"""
    assert ("connected" in inside(sys.executable, code)) is speaks
