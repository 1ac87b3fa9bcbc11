"""`torchup bench --nproc`, `--nnodes`: the options of measurements by several processes, and how they are run."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.bench.child import survey_environment
from torchup.bench.distributed import MEETING, check_workload, run_distributed
from torchup.bench.layout import Layout, LayoutMode, layout
from torchup.bench.options import check_together
from torchup.bench.workloads import REGISTRY
from torchup.cli.session import typed_options
from torchup.detect import detect_machine
from torchup.encoding import UNREADABLE
from torchup.errors import BenchError, UsageError
from torchup.host.network import resolves
from torchup.host.threads import thread
from torchup.i18n import text
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torchup.bench.request import BenchRequest
    from torchup.cli.session import Session
    from torchup.model import Message, Result


def distributed_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `bench` ``--nproc``, ``--nnodes``, ``--node-rank``, ``--rendezvous``."""
    decorated = function
    for option in (
        click.option(
            "--rendezvous",
            metavar="HOST:PORT",
            help=text(
                "bench.option.rendezvous",
                "Rendezvous address: HOST:PORT of node 0, the same on every node; needed if --nnodes is 2 or more",
            ),
        ),
        click.option(
            "--node-rank",
            type=click.IntRange(min=0),
            metavar="N",
            help=text("bench.option.node-rank", "Rank of this node, starting at 0; needed if --nnodes is 2 or more"),
        ),
        click.option(
            "--nnodes",
            type=click.IntRange(1, 4096),
            metavar="N",
            help=text(
                "bench.option.nnodes", "Number of nodes (default: 1); run the command on each, with its own --node-rank"
            ),
        ),
        click.option(
            "--nproc",
            type=click.IntRange(1, 1024),
            metavar="N",
            help=text(
                "bench.option.nproc",
                "Number of processes on this node (default: 1); --nproc and --nnodes measure scaling and "
                "all-reduce, not recipes",
            ),
        ),
    ):
        decorated = option(decorated)
    return decorated


def wanted_layout(
    session: Session, *, nproc: int | None, nnodes: int | None, node_rank: int | None, rendezvous: str | None
) -> Layout | None:
    """The layout when several processes are asked for, by options, by torchrun or by Slurm; else ``None``."""
    where = layout(
        session.host.environ(),
        processes=nproc,
        nodes=nnodes,
        node_rank=node_rank,
        rendezvous=rendezvous,
        firm="--nproc" in typed_options(),
    )
    return None if where == Layout() and nproc is None else where


def measure_distributed(
    session: Session, python: str, where: Layout, request: BenchRequest, keep: Callable[[tuple[Result, ...]], None]
) -> tuple[Result, ...]:
    """Measure by several processes; what torchup says on the way goes to stderr."""
    check_workload(request.workload)
    check_together(request, REGISTRY[request.workload])
    check_rendezvous(where)
    known = survey_environment(session.host, python)
    kinds = tuple(dict.fromkeys(facts.device.split(":")[0] for facts in known.devices))
    device = device_kind(request.devices, kinds, processes=where.here)
    if not request.devices and len(kinds) > 1:
        session.note(_chosen(device, kinds))
    session.note(_starting(where, device))
    machine = detect_machine(session.host)
    with meeting(session, where) as met:

        def tell(line: str) -> None:
            if line.startswith("{"):  # a rank speaks: all are there
                met.set()
            _say(session, line)

        return run_distributed(
            session.host, python, where, request, device=device, machine=machine, on_line=tell, keep=keep
        )


def _starting(where: Layout, device: str) -> Message:
    """What this torchup starts, or which part of a group it is."""
    if where.mode is LayoutMode.JOIN:
        return message(
            "distributed.joined",
            "this process is rank {rank} of {world} (device: {device})",
            rank=where.variables["RANK"],
            world=where.variables["WORLD_SIZE"],
            device=device,
        )
    return message(
        "distributed.start",
        "processes on this node: {processes} (node rank: {node}; nodes: {nodes}; device: {device})",
        processes=where.processes,
        node=where.node_rank,
        nodes=where.nodes,
        device=device,
    )


def device_kind(devices: Sequence[str], kinds: Sequence[str], *, processes: int = 1) -> str:
    """The kind of device that every process measures: the one that was asked for, else the first that torch sees.

    Each process takes the device of its own number, so devices with a number must be all of these.

    Raises:
        UsageError: several kinds or other devices were asked for, or one that this environment does not have.
    """
    asked = tuple(dict.fromkeys(device.split(":")[0] for device in devices))
    hint = message("distributed.device.hint", "use --device with one of: {kinds}", kinds=", ".join(kinds))
    if unknown := [kind for kind in asked if kind not in kinds]:
        text_ = message("distributed.device.unknown", "torch sees no device `{device}` here", device=unknown[0])
        raise UsageError(text_, hint=hint)
    numbered = {device for device in devices if ":" in device}
    own = {f"{kind}:{number}" for kind in asked for number in range(processes)}
    if len(asked) > 1 or numbered not in (set(), own):
        text_ = message(
            "distributed.device",
            "with several processes, --device takes one kind of device, not {devices}: each process uses the device "
            "of its own local rank",
            devices=", ".join(devices),
        )
        raise UsageError(text_, hint=hint)
    return asked[0] if asked else kinds[0]


def _chosen(device: str, kinds: Sequence[str]) -> Message:
    """Which of several kinds is measured if the user named none."""
    others = ", ".join(kind for kind in kinds if kind != device)
    return message(
        "distributed.device.chosen",
        "measuring on {device}; use --device to measure on another kind of device ({others})",
        device=device,
        others=others,
    )


def check_rendezvous(where: Layout) -> None:
    """Look up the address of the rendezvous before anything starts. Raises `UsageError` if it does not resolve."""
    if where.address is not None and not resolves(where.address):
        raise UsageError(
            message("distributed.unknown-host", "the host name `{host}` cannot be resolved", host=where.address),
            hint=message(
                "distributed.unknown-host.hint",
                "use the IP address of node 0: `--rendezvous IP:PORT` with `--nnodes` and `--node-rank`",
            ),
        )


@contextlib.contextmanager
def meeting(session: Session, where: Layout, every: float = 10.0) -> Iterator[threading.Event]:
    """Show every few seconds that nodes are missing, until the event is set; give the reason if no node joined."""
    met, over, started = threading.Event(), threading.Event(), session.host.monotonic()
    if where.address is None:
        yield met
        return

    def waited() -> float:
        return session.host.monotonic() - started

    def remind() -> None:
        while not over.wait(every) and not met.is_set():
            session.note(_waiting(where, waited()))

    session.note(_waiting(where, 0.0))
    thread(remind).start()
    try:
        yield met
    except BenchError as error:
        if met.is_set() or waited() < MEETING:
            raise
        raise BenchError(
            message(
                "distributed.not-met", "not all of the {nodes} nodes connected to {host}:{port} within {seconds} s",
                nodes=where.nodes, host=where.address, port=where.port, seconds=round(MEETING),
            ),
            hint=error.hint,
        ) from error  # fmt: skip
    finally:
        over.set()


def _waiting(where: Layout, seconds: float) -> Message:
    """Which of the nodes are there already is unknown until all are: torch's store does not say."""
    return message(
        "distributed.waiting",
        "waiting for all {nodes} nodes to connect to {host}:{port} ({seconds} of at most {limit} s)",
        nodes=where.nodes, host=where.address, port=where.port, seconds=round(seconds), limit=round(MEETING),
    )  # fmt: skip


def _say(session: Session, line: str) -> None:
    try:
        step = msgspec.json.decode(line, type=dict[str, dict[str, Any]])["progress"]["step"]
    except (*UNREADABLE, KeyError):
        return
    session.note(message("distributed.progress", "    step {step}", step=step))
