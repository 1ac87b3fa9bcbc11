"""Measure several processes together: ``distributed.py REQUEST`` in every rank, started by torch.distributed.run.

Each rank reads RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT, as torchrun sets them. Measured are, for 1,
2, 4... up to all ranks, strong scaling (the same global batch shared) and weak scaling (the same batch for each rank)
under DistributedDataParallel, and a curve of all-reduces. Rank 0 speaks; the others say only that they are done,
and the first one of each node that all ranks are connected.

Request keys: ``workload`` (mnist, gpt), ``device`` (cpu, cuda, xpu), ``epochs`` (1), ``steps`` (at most, per
measurement), ``budget`` (seconds for all timed parts), ``threads`` (of each rank), ``precision``, ``seed``, ``data``,
``model`` (of gpt), ``scaling`` (list), ``largest_bytes`` (of the all-reduces), ``patience`` (seconds until a silent
rank counts as lost).
"""

import contextlib
import datetime as dt
import json
import os
import socket
import statistics
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import lines  # after the path is set
from said import SaidError, reason

BACKENDS = {"cpu": "gloo", "cuda": "nccl", "xpu": "xccl"}
PATIENCE = 600.0  # seconds; ranks wait for each other while a smaller group is measured
KEPT_LOSSES = 200
REDUCE_BYTES = [4 * 4**exponent for exponent in range(15)]  # 4 B to 1 GiB; the MNIST gradient is 174 KiB of it
LARGEST = {"cpu": 64 * 2**20}  # gloo needs seconds for more
REDUCE_SECONDS = 0.5  # for each size
REDUCE_SHARE = 0.2  # of a budget, for all sizes
QUEUED = 20  # of one sample on a GPU: a launch and the wait for it would be most of a small one
SIOCGIFADDR = 0x8915  # linux/sockios.h: the IPv4 address of an interface


class Place(NamedTuple):
    """Where this process stands."""

    rank: int
    world: int
    local_rank: int
    local_world: int
    nodes: int


def place() -> Place:
    """This process's place, from torchrun's variables."""
    world = int(os.environ["WORLD_SIZE"])
    local_world = int(os.environ.get("LOCAL_WORLD_SIZE") or world)
    nodes = int(os.environ.get("GROUP_WORLD_SIZE") or max(1, world // max(1, local_world)))
    return Place(int(os.environ["RANK"]), world, int(os.environ.get("LOCAL_RANK") or 0), local_world, nodes)


def choose_interface(address: str) -> Optional[str]:
    """The network interface that leads to an address (Linux), for gloo, which else takes what the host name says."""
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))  # a datagram socket sends nothing here; it only picks the route
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            with contextlib.suppress(OSError):
                if socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24]) == own:
                    return name
    return None


def sizes(world: int) -> List[int]:
    """1, 2, 4... and all."""
    found = [1]
    while found[-1] * 2 < world:
        found.append(found[-1] * 2)
    return found if world == 1 else [*found, world]


# ---------------------------------------------------------------- what is trained


class Mnist:
    """The article's training: data on the device, the batch order that one process would draw."""

    batch = 64
    least_steps = 20
    trial_steps = 20  # untimed, and the measure for what the budget is good for
    warm_steps = 3
    facts: Dict[str, Any] = {}

    def __init__(self, request: Dict[str, Any], device: str) -> None:
        import lenet
        import userdata

        self.lenet, self.device, self.seed = lenet, device, int(request.get("seed") or lenet.SEED)
        train, _ = userdata.grey(request.get("data"))
        self.images = lenet.normalised(train.images.to(device))
        self.labels = train.labels.to(device)
        self.steps_per_epoch = -(-len(self.labels) // self.batch)

    def fresh(self) -> Any:
        """The network with its initial weights, on the device; the generator stands where training starts."""
        return self.lenet.fresh_net(self.seed).to(self.device)

    def optimiser(self, net: Any) -> Any:
        """The article's."""
        return self.lenet.optimiser(net)

    def batches(self, batch: int) -> Iterator[Any]:
        """Positions of global batches, epoch after epoch, without end; all ranks draw the same."""
        while True:
            yield from self.lenet.draw_order(len(self.labels)).split(batch)

    def loss(self, net: Any, positions: Any) -> Any:
        """Mean loss of this rank's part of a batch."""
        from torch.nn import functional

        chosen = positions.to(self.device)
        return functional.cross_entropy(net(self.images[chosen]), self.labels[chosen])


class Gpt:
    """A training step of GPT-2 on made-up tokens; ``model`` in the request chooses the size (124m).

    The CPU gets shorter and fewer sequences, or a step would take a minute; the result says which.
    """

    least_steps = 2
    trial_steps = 1
    warm_steps = 1
    steps_per_epoch = 20

    def __init__(self, request: Dict[str, Any], device: str) -> None:
        import gpt2

        self.gpt2, self.device, self.seed = gpt2, device, int(request.get("seed") or 0)
        self.size = gpt2.SIZES[request.get("model") or "124m"]
        self.batch = 2 if device == "cpu" else 8
        self.length = min(self.size.context, 128 if device == "cpu" else 1024)
        self.facts = {"model": request.get("model") or "124m", "sequence": self.length}

    def fresh(self) -> Any:
        """The network with its initial weights, on the device."""
        return self.gpt2.fresh(self.size, self.seed).to(self.device)

    def optimiser(self, net: Any) -> Any:
        """AdamW."""
        return self.gpt2.optimiser(net)

    def batches(self, batch: int) -> Iterator[Any]:
        """Global batches of tokens; all ranks make the same."""
        number = self.seed
        while True:
            number += 1
            yield self.gpt2.made_up_tokens(self.size, batch, self.length, number)

    def loss(self, net: Any, tokens: Any) -> Any:
        """Mean loss of this rank's sequences."""
        return self.gpt2.loss(net, tokens.to(self.device))


WORKLOADS: Dict[str, Any] = {"mnist": Mnist, "gpt": Gpt}


# ---------------------------------------------------------------- measuring


class Group(NamedTuple):
    """The first ``size`` ranks; ``handle`` is torch's group."""

    size: int
    handle: Any


class Trainer:
    """One network trained by a group; ``global_batch`` samples a step, shared among its ranks."""

    def __init__(self, task: Any, group: Group, rank: int, global_batch: int, precision: str) -> None:
        import torch
        from precision import Mixed

        self.task, self.group, self.rank = task, group, rank
        self.mixed = Mixed(task.device, precision)
        net = task.fresh()
        if group.size > 1:
            device = torch.device(task.device)
            ids = None if device.type == "cpu" else [device]
            net = torch.nn.parallel.DistributedDataParallel(net, device_ids=ids, process_group=group.handle)
        self.net, self.update = net, task.optimiser(net)
        self.source = task.batches(global_batch)
        self.samples = 0

    def step(self) -> Any:
        """One step; this rank's share of the global loss, so that the ranks' sum is what one process would see.

        DistributedDataParallel takes the mean of the ranks' gradients, so a rank with more of the batch weighs more.
        """
        positions = next(self.source)
        self.samples += len(positions)
        mine = positions.tensor_split(self.group.size)[self.rank]
        share = len(mine) / len(positions)
        self.update.zero_grad()
        with self.mixed.forward():
            loss = self.task.loss(self.net, mine)
        self.mixed.scaled(loss * (share * self.group.size)).backward()
        self.mixed.update(self.update)
        return loss.detach().float() * share


def train(trainer: Trainer, steps: int, *, report: bool) -> Tuple[float, List[float]]:
    """Seconds of ``steps`` steps, all ranks of the group together, and the global losses of the first ones."""
    import devices
    import torch
    import torch.distributed as dist

    device, group = trainer.task.device, trainer.group
    losses = torch.zeros(steps, device=device)
    trainer.samples = 0
    dist.barrier(group.handle)
    start = devices.now(device)
    for number in range(steps):
        losses[number] = trainer.step()
        if report and (number % 100 == 99 or steps <= trainer.task.steps_per_epoch <= 20):
            lines.emit({"progress": {"step": number + 1, "seconds": time.perf_counter() - start}})
    devices.synchronize(device)
    dist.barrier(group.handle)
    seconds = devices.now(device) - start
    dist.all_reduce(losses, group=group.handle)
    return seconds, losses[:KEPT_LOSSES].tolist()


def scale(
    task: Any, kind: str, group: Group, here: Place, *, steps: int, precision: str, point: int = 0
) -> Dict[str, Any]:
    """One ``point`` of a scaling curve: ``kind`` strong or weak, by a group of ranks."""
    global_batch = task.batch * (group.size if kind == "weak" else 1)
    warm = Trainer(task, group, here.rank, global_batch, precision)
    for _ in range(task.warm_steps):
        warm.step()
    trainer = Trainer(task, group, here.rank, global_batch, precision)
    if here.rank == 0:
        lines.stage("training", point=point)
    seconds, losses = train(trainer, steps, report=here.rank == 0)
    if here.rank == 0:
        lines.stage("testing", point=point)
    return {"scaling": kind, "size": group.size, "seconds": seconds, "steps": steps, "samples": trainer.samples,
            "batch": global_batch, "losses": losses}  # fmt: skip


def all_reduce_curve(device: str, size: int, largest: int, seconds: float) -> List[Tuple[int, float]]:
    """(bytes, seconds) of a float32 all-reduce over all ranks, median of as many samples as fit into ``seconds``."""
    import devices
    import torch
    import torch.distributed as dist

    found = []
    queued = 1 if devices.kind(device) == "cpu" else QUEUED
    for count in [count for count in REDUCE_BYTES if count <= largest]:
        values = torch.ones(count // 4, device=device)
        dist.all_reduce(values)
        if abs(float(values[0]) - size) > 1e-3:
            raise SaidError("all-reduce-wrong", ranks=size, got=float(values[0]))
        values.zero_()  # sums of sums of ones would leave float32
        times: List[float] = []
        while len(times) < 5 or (sum(times) * queued < seconds and len(times) < 200):
            dist.barrier()
            start = devices.now(device)
            for _ in range(queued):
                dist.all_reduce(values)
            took = torch.tensor([devices.now(device) - start], device=device)
            dist.all_reduce(took)  # the same mean on every rank, so all of them stop together
            times.append(float(took) / size / queued)
        found.append((count, statistics.median(times)))
    return found


def reduce_seconds(request: Dict[str, Any]) -> float:
    """Seconds for each size of the all-reduces."""
    budget = request.get("budget")
    return REDUCE_SECONDS if budget is None else min(REDUCE_SECONDS, REDUCE_SHARE * budget / len(REDUCE_BYTES))


def steps_for(task: Any, request: Dict[str, Any], alone: Group, here: Place, points: int) -> int:
    """How many steps each point measures: the epochs asked for, or what the budget is good for; rank 0 decides."""
    import torch
    import torch.distributed as dist

    wanted = int(request.get("epochs") or 1) * task.steps_per_epoch
    wanted = min(wanted, int(request.get("steps") or wanted))
    decided = torch.tensor([wanted], device=task.device)
    if request.get("budget") and here.rank == 0:
        trial = Trainer(task, alone, 0, task.batch, request.get("precision") or "fp32-default")
        trial.step()
        seconds, _ = train(trial, task.trial_steps, report=False)
        affordable = int((1 - REDUCE_SHARE) * request["budget"] / points / (seconds / task.trial_steps))
        decided[0] = max(task.least_steps, min(wanted, affordable))
    dist.broadcast(decided, 0)
    return int(decided)


def measure(request: Dict[str, Any], here: Place) -> Dict[str, Any]:
    """Everything; every rank runs this, rank 0 keeps the answer."""
    import devices
    import torch
    import torch.distributed as dist
    from precision import enter

    device = own_device(request.get("device") or "cpu", here)
    precision = request.get("precision") or "fp32-default"
    enter(device, precision)
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    elif devices.kind(device) == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // here.local_world))
    start(device, request, here)
    try:
        groups = [Group(size, dist.new_group(list(range(size)))) for size in sizes(here.world)]
        task = WORKLOADS[request.get("workload") or "mnist"](request, device)
        kinds = list(request.get("scaling") or ("strong", "weak"))
        steps = steps_for(task, request, groups[0], here, len(kinds) * len(groups))
        points: List[Dict[str, Any]] = []
        for kind in kinds:
            for group in groups:
                too_many = kind == "strong" and group.size > task.batch  # nothing to do for some of them
                if here.rank < group.size and not too_many:
                    points.append(scale(task, kind, group, here, steps=steps, precision=precision, point=len(points)))
                dist.barrier()
        largest = int(request.get("largest_bytes") or LARGEST.get(devices.kind(device), REDUCE_BYTES[-1]))
        curve = all_reduce_curve(device, here.world, largest, reduce_seconds(request)) if here.world > 1 else []
    finally:
        if sys.exc_info()[0] is None:
            dist.destroy_process_group()
    return {
        "points": points,
        "all_reduce": curve,
        "backend": BACKENDS[devices.kind(device)],
        "world_size": here.world,
        "nodes": here.nodes,
        "threads": torch.get_num_threads(),
        "facts": task.facts,
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "device_facts": devices.facts(device),
    }


def own_device(device: str, here: Place) -> str:
    """The device of this rank. Raises `SaidError` when there are not enough of them."""
    import torch

    if device not in BACKENDS:
        raise SaidError("no-backend", device=device)
    if device == "cpu":
        return "cpu"
    module = getattr(torch, device)
    if here.local_rank >= module.device_count():
        raise SaidError("few-devices", processes=here.local_world, devices=module.device_count(), device=device)
    module.set_device(here.local_rank)
    return "%s:%d" % (device, here.local_rank)


def start(device: str, request: Dict[str, Any], here: Place) -> None:
    """Join the other ranks."""
    import torch.distributed as dist

    backend = BACKENDS[device.partition(":")[0]]
    if backend == "gloo" and "GLOO_SOCKET_IFNAME" not in os.environ:
        interface = choose_interface(os.environ.get("MASTER_ADDR", "127.0.0.1"))
        if interface and (here.nodes > 1 or interface == "lo"):
            os.environ["GLOO_SOCKET_IFNAME"] = interface
    patience = dt.timedelta(seconds=float(request.get("patience") or PATIENCE))
    dist.init_process_group(backend, timeout=patience)
    if here.local_rank == 0:  # each node's torchup waits for this line
        lines.stage("connected")


def main() -> int:
    """Measure as one rank. Rank 0 writes the answer or the error; the others' errors stand in their logs."""
    lines.claim_stdout()
    request, here = json.loads(sys.argv[1]), place()
    try:
        result = measure(request, here)
    except Exception as error:  # noqa: BLE001  # any failure of this rank is its last word
        traceback.print_exc()
        if here.rank == 0:
            lines.emit({"error": {"code": type(error).__name__, "said": reason(error, longest=2000, whole=True)}})
        sys.stderr.flush()
        os._exit(1)  # not through torch's destructors, which wait for the other ranks
    lines.emit({"result": result} if here.rank == 0 else {"done": {"rank": here.rank}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
