"""Which processes measure together, from options, torchrun's and Slurm's variables. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from torchup.errors import UsageError
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 29500  # torchrun's own default
PORTS = 2000  # Slurm jobs that share a node get ports apart by their job's number


class LayoutMode(StrEnum):
    """Who starts the processes."""

    LAUNCH = "launch"  # this torchup, by torchrun
    JOIN = "join"  # somebody else did: this torchup is itself one of them


class Layout(Value, frozen=True, kw_only=True):
    """``launch``: this torchup starts its node's processes with torchrun. ``join``: it is itself one of them."""

    mode: LayoutMode = LayoutMode.LAUNCH
    processes: int = 1  # on this node (launch)
    nodes: int = 1
    node_rank: int = 0
    address: str | None = None  # of node 0; None: this machine alone
    port: int = PORT
    variables: dict[str, str] = {}  # for the worker (join)

    @property
    def here(self) -> int:
        """Processes on this node, this one among them (join)."""
        known = self.variables.get("LOCAL_WORLD_SIZE") or self.variables.get("WORLD_SIZE")
        return int(known) if known and self.mode is LayoutMode.JOIN else self.processes

    @property
    def speaks(self) -> bool:
        """Whether the results come out here: on node 0, or as rank 0."""
        return self.variables.get("RANK", "0") == "0" if self.mode is LayoutMode.JOIN else self.node_rank == 0


def layout(
    environ: Mapping[str, str],
    *,
    processes: int | None,
    nodes: int | None,
    node_rank: int | None,
    rendezvous: str | None,
    firm: bool = True,
) -> Layout:
    """Decide; options come before what surrounds us, torchrun before Slurm.

    Args:
        environ: the environment's variables.
        processes: ``--nproc``.
        nodes: ``--nnodes``.
        node_rank: ``--node-rank``.
        rendezvous: ``--rendezvous``, ``HOST`` or ``HOST:PORT``.
        firm: whether ``--nproc`` was typed; a setting gives way to what torchrun or Slurm started.

    Raises:
        UsageError: options that contradict each other or say too little.
    """
    if nodes is None and node_rank is None and rendezvous is None:
        if "RANK" in environ and "WORLD_SIZE" in environ and "MASTER_ADDR" in environ:
            names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
            joined = Layout(mode=LayoutMode.JOIN, variables={name: environ[name] for name in names if name in environ})
            return _as_started(joined, processes, firm=firm)
        if from_slurm := _slurm(environ, processes, firm=firm):
            return from_slurm
    return _asked(processes or 1, nodes or 1, node_rank, rendezvous)


def _asked(processes: int, nodes: int, node_rank: int | None, rendezvous: str | None) -> Layout:
    if nodes == 1:
        if node_rank or rendezvous is not None:
            option = "--node-rank" if node_rank else "--rendezvous"
            raise UsageError(
                message("distributed.rank-alone", "`{option}` needs `--nnodes` of 2 or more", option=option),
                hint=message("distributed.rank-alone.hint", "leave out `{option}` on a single node", option=option),
            )
        return Layout(processes=processes)
    if rendezvous is None or node_rank is None:
        raise UsageError(
            message("distributed.incomplete", "several nodes need `--node-rank` and `--rendezvous`"),
            hint=message(
                "distributed.incomplete.hint",
                "use the `--rendezvous HOST:PORT` of node 0 on every node, and a different `--node-rank` on "
                "each, starting at 0",
            ),
        )
    if not 0 <= node_rank < nodes:
        raise UsageError(
            message("distributed.node-rank", "`--node-rank` is outside the range from 0 to {last}", last=nodes - 1),
            hint=message("distributed.node-rank.hint", "give each node its own rank, starting at 0"),
        )
    address, port = _endpoint(rendezvous)
    return Layout(processes=processes, nodes=nodes, node_rank=node_rank, address=address, port=port)


def _endpoint(text: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[::1]:port``."""
    match = re.fullmatch(r"\[([0-9A-Fa-f:.%]+)\](?::(\d{1,5}))?|([A-Za-z0-9._-]+)(?::(\d{1,5}))?", text)
    port = int((match[2] or match[4] or PORT) if match else 0)
    if match is None or not 0 < port < 1 << 16:
        raise UsageError(
            message("distributed.rendezvous", "`{text}` is not HOST:PORT with a port from 1 to 65535", text=text),
            hint=message("distributed.rendezvous.hint", "type, for example, `--rendezvous node0:29400`"),
        )
    return match[1] or match[3], port


def _slurm(environ: Mapping[str, str], processes: int | None, *, firm: bool) -> Layout | None:
    """Slurm's step: one task a node launches, one task a process joins. ``None`` outside a step of several.

    Only the variables that srun gives a step count: a batch script has SLURM_NTASKS and SLURM_PROCID too, but is alone.
    """
    tasks = _count(environ, "SLURM_STEP_NUM_TASKS")
    nodes = _count(environ, "SLURM_STEP_NUM_NODES")
    rank = _count(environ, "SLURM_PROCID")
    if not tasks or not nodes or rank is None or tasks < 2:  # noqa: PLR2004  # one task does not form a group
        return None
    names = first_host(environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST") or "")
    port = PORT + (_count(environ, "SLURM_JOB_ID") or 0) % PORTS
    if tasks == nodes and (processes or 1) > 1:
        node_rank = _count(environ, "SLURM_NODEID") or 0
        return Layout(processes=processes or 1, nodes=nodes, node_rank=node_rank, address=names, port=port)
    variables = {
        "RANK": str(rank),
        "WORLD_SIZE": str(tasks),
        "LOCAL_RANK": environ.get("SLURM_LOCALID", "0"),
        "LOCAL_WORLD_SIZE": str(max(1, tasks // nodes)),
        "MASTER_ADDR": names or "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return _as_started(Layout(mode=LayoutMode.JOIN, nodes=nodes, variables=variables), processes, firm=firm)


def _as_started(joined: Layout, processes: int | None, *, firm: bool) -> Layout:
    """The layout, if no other number of processes was asked for than is there already."""
    if not firm or processes in {None, joined.here}:
        return joined
    raise UsageError(
        message(
            "distributed.nproc",
            "--nproc {asked} differs from the number of processes that torchrun or Slurm started on this node ({here})",
            asked=processes,
            here=joined.here,
        ),
        hint=message("distributed.nproc.hint", "leave out --nproc"),
    )


def _count(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isdecimal() else None


def first_host(nodelist: str) -> str | None:
    """The first name of Slurm's list: ``gpu[03-05,9],x`` is gpu03."""
    match = re.match(r"([^,\[]+)(?:\[(\d+)[^\]]*\]([^,]*))?", nodelist.strip())
    return f"{match[1]}{match[2] or ''}{match[3] or ''}" if match else None
