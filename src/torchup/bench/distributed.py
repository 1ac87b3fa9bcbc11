"""Several processes and nodes: torch.distributed.run starts the ranks, their measurements become results."""

from __future__ import annotations

import json
import posixpath
import re
import signal
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.bench.answers import WorkerError
from torchup.bench.assemble import machine_identity
from torchup.bench.code_hash import worker_hash
from torchup.bench.layout import LayoutMode
from torchup.bench.request import BenchRequest, question
from torchup.bench.stats import median, with_statistics
from torchup.bench.telemetry import Recorder, attach
from torchup.bench.workloads import REGISTRY
from torchup.envs.worker import WORKER_FOLDER, WorkerAnswer, read_answer, run_worker
from torchup.errors import BenchError, TimeLimitError, UsageError
from torchup.i18n.sentences import sentence
from torchup.model import UNKNOWN, RecipeKind, Result, Scaling, Value, message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.bench.layout import Layout
    from torchup.host import Host
    from torchup.model import Machine, Message

SCRIPT = "distributed.py"
WORKLOADS = tuple(name for name, workload in REGISTRY.items() if workload.distributed)
STARTING = 600.0  # seconds for imports, rendezvous and warm-up around the timed parts
MEETING = 300.0  # seconds that a node waits for the others
LONGEST = 6 * 3600.0
OVERRUN = 4.0
LOG_LINES = 15


class Point(Value, frozen=True, kw_only=True):
    """One measurement of one group of ranks."""

    scaling: Scaling
    size: int
    seconds: float
    steps: int
    samples: int
    batch: int  # global
    losses: tuple[float, ...] = ()


class RawAnswer(Value, frozen=True, kw_only=True):
    """What rank 0 says."""

    points: tuple[Point, ...]
    all_reduce: tuple[tuple[float, float], ...]  # bytes, seconds
    backend: str
    world_size: int
    nodes: int
    threads: int
    torch: str
    python: str
    device_facts: dict[str, Any] = {}
    facts: dict[str, Any] = {}  # of the task: sequence length...


def run_distributed(
    host: Host,
    python: str,
    where: Layout,
    request: BenchRequest,
    *,
    device: str = "cpu",
    machine: Machine | None = None,
    on_line: Callable[[str], None] | None = None,
    keep: Callable[[tuple[Result, ...]], None] | None = None,
) -> tuple[Result, ...]:
    """Measure a workload by several processes. Results come out on node 0 (rank 0) only, elsewhere there are none.

    ``keep`` gets the results after every repeat.

    Raises:
        UsageError: a workload or device that cannot be distributed.
        BenchError: a rank died or failed; the error names it and its log.
        TimeLimitError: the group did not come back.
    """
    check_workload(request.workload)
    answers: list[RawAnswer] = []
    recorders: list[Recorder] = []
    results: tuple[Result, ...] = ()
    code_hash = worker_hash(host)
    asked = json.dumps(question(request, device=device))
    limit = LONGEST if request.budget is None else STARTING + OVERRUN * request.budget
    for _ in range(request.repeats):
        with Recorder(host, device) as recorder:
            on_each = recorder.watch_lines(on_line or _ignore)
            answer = _once(host, python, where, asked, limit=limit, on_line=on_each)
        if answer is None:
            continue
        answers.append(answer)
        recorders.append(recorder)
        results = tuple(
            msgspec.structs.replace(attach(result, [one.of_point(number) for one in recorders]), code_hash=code_hash)
            for number, result in enumerate(to_results(answers, request, machine, device=device))
        )
        if keep is not None:
            keep(results)
    return results


def check_workload(name: str) -> None:
    """Raise `UsageError` for a workload that has no form for several processes."""
    if name not in WORKLOADS:
        raise UsageError(
            message("distributed.workload", "the workload `{name}` does not support several processes", name=name),
            hint=message("distributed.workload.hint", "choose one of: {names}", names=", ".join(WORKLOADS)),
        )


def _ignore(_: str) -> None:
    """Ignore the event."""


def _once(
    host: Host, python: str, where: Layout, asked: str, *, limit: float, on_line: Callable[[str], None]
) -> RawAnswer | None:
    logs = posixpath.join(host.folders().log.replace("\\", "/"), f"ranks-{host.now():%Y%m%dT%H%M%S%f}")
    if where.mode is LayoutMode.JOIN:
        answer = run_worker(host, python, SCRIPT, (asked,), timeout=limit, environment=where.variables, on_line=on_line)
    else:
        argv = torchrun(python, where, asked, logs)
        # A `torch.py` in the current folder is not the one that is meant (Python 3.11 and newer).
        completed = host.run(argv, timeout=limit, environment=_surroundings(host), on_line=on_line)
        # The ranks share one stdout and end in any order: rank 0's result need not be the last line.
        said = (read_answer(completed, key) for key in ("result", "error"))
        answer = next((one for one in said if one.data), read_answer(completed))
    data = answer.data or {}
    if answer.returncode == 0 and ("result" in data or not where.speaks):
        _forget(host, logs)
        return msgspec.convert(data["result"], RawAnswer) if "result" in data else None
    raise _failure(host, answer, logs if host.is_dir(logs) else None, limit)


def _surroundings(host: Host) -> dict[str, str | None]:
    """A `torch.py` in the current folder is not the one that is meant; torch's Windows wheels have no libuv."""
    windows = host.platform().system == "Windows"
    return {"PYTHONSAFEPATH": "1", **({"USE_LIBUV": "0"} if windows else {})}


def torchrun(python: str, where: Layout, request: str, logs: str) -> tuple[str, ...]:
    """The command that starts one node's ranks; their stderr goes to files: a dead one leaves its last words."""
    script = str(WORKER_FOLDER / SCRIPT)
    if where.address is None:
        meet: tuple[str, ...] = ("--standalone",)
    else:
        meet = (
            "--rdzv-backend=static",
            f"--nnodes={where.nodes}",
            f"--node-rank={where.node_rank}",
            f"--master-addr={where.address}",
            f"--master-port={where.port}",
            f"--rdzv-conf=timeout={MEETING:.0f}",
        )
    return (
        python, "-B", "-m", "torch.distributed.run", *meet, f"--nproc-per-node={where.processes}", "--max-restarts=0",
        "--redirects=2", f"--log-dir={logs}", script, request,
    )  # fmt: skip


def _forget(host: Host, logs: str) -> None:
    try:
        host.remove(logs)
    except OSError:
        return  # a log left behind does no harm


# ---------------------------------------------------------------- failures

_FAILED = re.compile(r"rank\s*:\s*(\d+) \(local_rank: (\d+)\)\s+exitcode\s*:\s*(-?\d+)")


def failed_ranks(summary: str) -> list[tuple[int, int, int]]:
    """(rank, local rank, exit code) of torchrun's summary, the cause first.

    A rank that a signal ended is the cause, its neighbours only lost the connection; SIGTERM is how torchrun itself
    ends the neighbours.
    """
    found = [(int(rank), int(local), int(code)) for rank, local, code in _FAILED.findall(summary)]
    return sorted(dict.fromkeys(found), key=lambda failure: (failure[2] == -signal.SIGTERM, failure[2] >= 0))


def _failure(host: Host, answer: WorkerAnswer, logs: str | None, limit: float) -> BenchError | TimeLimitError:
    """The error of a group; ``logs``: the folder of its processes' logs, where there is one."""
    hint = (
        None
        if logs is None
        else message("distributed.log", "read the processes' logs in the folder {folder}", folder=logs)
    )
    if answer.timed_out:
        text = message("distributed.timeout", "the processes did not finish within {seconds} s", seconds=round(limit))
        return TimeLimitError(text, hint=hint)
    ranks = failed_ranks(answer.stderr)
    if ranks:
        return BenchError(_rank_died(host, logs, ranks[0]), hint=hint)
    error = (answer.data or {}).get("error")
    said = msgspec.convert(error, WorkerError).said if isinstance(error, dict) else None
    why: object = sentence(said) if said is not None else answer.stderr.strip()[-400:] or UNKNOWN
    return BenchError(message("distributed.failed", "the process group failed: {reason}", reason=why), hint=hint)


def _rank_died(host: Host, logs: str | None, failed: tuple[int, int, int]) -> Message:
    """Which rank ended the group, and its last words where it left some."""
    rank, local, code = failed
    words = None if logs is None else _last_words(host, logs, local)
    if words is None:
        return message("distributed.rank-silent", "rank {rank} failed (exit code {code})", rank=rank, code=code)
    return message(
        "distributed.rank-died", "rank {rank} exited with code {code}: {reason}", rank=rank, code=code, reason=words
    )


def _last_words(host: Host, logs: str, local_rank: int) -> str | None:
    """The last line that one rank wrote to its stderr."""
    for path in _find(host, logs, f"{local_rank}/stderr.log"):
        lines = [line for line in (host.read_text(path) or "").splitlines() if line.strip()]
        if lines:
            return lines[-1].strip()[:300]
    return None


def _find(host: Host, folder: str, ending: str) -> list[str]:
    found: list[str] = []
    for name in host.list_dir(folder) or ():
        path = posixpath.join(folder, name)
        if host.is_dir(path):
            found += _find(host, path, ending)
        elif path.endswith("/" + ending):
            found.append(path)
    return found


# ---------------------------------------------------------------- results


def to_results(
    answers: Sequence[RawAnswer], request: BenchRequest, machine: Machine | None, *, device: str = "cpu"
) -> tuple[Result, ...]:
    """A result for each point of the scaling curves, and one for the all-reduces. Pure."""
    first = answers[0]
    shared = _common(first, request, machine, device)
    found = [_point_result(answers, index, request.workload, shared) for index in range(len(first.points))]
    if first.all_reduce:
        found.append(_reduce_result(answers, shared))
    return tuple(found)


def _common(first: RawAnswer, request: BenchRequest, machine: Machine | None, device: str) -> dict[str, Any]:
    name = first.device_facts.get("name") or (machine.cpu.model if machine is not None else None)
    return {
        "device": device,
        "device_name": name,
        "precision": request.precision,
        "torch": first.torch,
        "machine": machine_identity(machine),
        "environment": {"python": first.python, "torch": first.torch},
    }


def _point_result(answers: Sequence[RawAnswer], index: int, workload: str, shared: dict[str, Any]) -> Result:
    first = answers[0]
    point = first.points[index]
    seconds = tuple(answer.points[index].seconds * point.steps / answer.points[index].steps for answer in answers)
    alone = next((p for p in first.points if p.size == 1 and p.scaling == point.scaling), None)
    rate = point.samples / median(seconds)
    parameters: dict[str, Any] = {
        "scaling": str(point.scaling),
        "backend": first.backend,
        "batch": point.batch,
        "batch_per_process": point.batch / point.size,
        "steps": point.steps,
        "threads": first.threads,
        **first.facts,
    }
    if alone is not None:
        alone_rate = median([a.samples / a.seconds for a in (_alone(answer, point) for answer in answers)])
        parameters["efficiency"] = rate / alone_rate / point.size
        if point.scaling == Scaling.STRONG:
            parameters["loss_difference"] = max(
                (abs(a - b) for a, b in zip(point.losses, alone.losses, strict=False)), default=0.0
            )
    sequence = first.facts.get("sequence")
    result = Result(
        workload=workload,
        recipe="ddp",
        seconds=median(seconds),
        samples_per_second=rate,
        quality={"tokens_per_second": rate * sequence} if isinstance(sequence, int) else {},
        repeats=seconds,
        parameters=parameters,
        world_size=point.size,
        nodes=first.nodes if point.size == first.world_size else 1,
        **shared,
    )
    return with_statistics(result)


def _alone(answer: RawAnswer, point: Point) -> Point:
    return next(p for p in answer.points if p.size == 1 and p.scaling == point.scaling)


def _reduce_result(answers: Sequence[RawAnswer], shared: dict[str, Any]) -> Result:
    """Latency and bus bandwidth over size; bus bandwidth as nccl-tests define it: 2 (n - 1) / n x bytes / seconds."""
    first = answers[0]
    curve = tuple(
        (size, median([answer.all_reduce[index][1] for answer in answers]))
        for index, (size, _) in enumerate(first.all_reduce)
    )
    factor = 2 * (first.world_size - 1) / first.world_size
    bandwidth = tuple((size, factor * size / seconds) for size, seconds in curve)
    result = Result(
        workload="all-reduce",
        recipe=first.backend,
        kind=RecipeKind.MICRO,
        seconds=curve[0][1],
        repeats=tuple(answer.all_reduce[0][1] for answer in answers),
        quality={"latency_us": 1e6 * curve[0][1], "bus_gb_per_s": max(rate for _, rate in bandwidth) / 1e9},
        parameters={"smallest_bytes": curve[0][0], "largest_bytes": curve[-1][0]},
        world_size=first.world_size,
        nodes=first.nodes,
        curves={"seconds_over_bytes": curve, "bytes_a_second_over_bytes": bandwidth},
        **shared,
    )
    return with_statistics(result)
