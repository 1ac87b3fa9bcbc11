"""Run a workload: one fresh child in the target environment for every measurement, results read back as values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.bench import schedule
from torchup.bench.answers import Capabilities, Progress, RawResult, WorkerError
from torchup.bench.assemble import assemble, check_quality
from torchup.bench.breakdown import Alone, with_breakdowns
from torchup.bench.code_hash import worker_hash
from torchup.bench.limits import refuse_impossible
from torchup.bench.schedule import Task
from torchup.bench.telemetry import Recorder, with_surroundings
from torchup.bench.workloads import REGISTRY, Recipe, Workload
from torchup.catalog.peaks import load_peaks
from torchup.encoding import UNREADABLE
from torchup.envs.worker import run_worker
from torchup.errors import BenchError, TimeLimitError, UsageError
from torchup.i18n.worker_words import told
from torchup.model import Value, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torchup.envs.worker import WorkerAnswer
    from torchup.errors import TorchupError
    from torchup.host import Host
    from torchup.model import Machine, Result, Telemetry

SURVEY_TIMEOUT = 240.0  # seconds; torch from a cold disk, a first CUDA context, compiling the CPU's peak loop
SETTING_UP = 300.0  # seconds for import, data, warm-up and the test, around the timed part
LONGEST = 6 * 3600.0  # seconds; without a budget a run may take long on a slow machine, but not for ever
PROBES = ("input", "transfer", "steps")  # of worker/probes.py, each a field of `Alone`
OVERRUN = 4.0  # a first epoch always runs; past this multiple of the time given the child is stopped


class Request(Value, frozen=True, kw_only=True):
    """What to measure. Empty ``recipes``: the workload's default; empty ``devices``: every device torch sees."""

    workload: str = "mnist"
    recipes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    epochs: int | None = None
    budget: float | None = None  # seconds for all timed parts together
    repeats: int = 1
    precision: str = "fp32-default"
    threads: int | None = None
    data: str | None = None  # a folder with the user's own files


def run_benchmark(
    host: Host,
    python: str,
    *,
    workload: str = "mnist",
    recipes: Sequence[str] = (),
    devices: Sequence[str] = (),
    epochs: int | None = None,
    budget: float | None = None,
    repeats: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    machine: Machine | None = None,
    precision: str = "fp32-default",
    threads: int | None = None,
    data: str | None = None,
) -> tuple[Result, ...]:
    """Measure a workload on devices of an environment; one `Result` a device and recipe, fastest devices first.

    Repeats are fresh processes, and recipes take turns, so that a slow minute of the machine hits all of them alike.

    Args:
        host: the machine.
        python: the environment's interpreter.
        workload: a name of `bench.workloads.REGISTRY`, or of a plugin in the environment.
        recipes: names, ``("all",)``, or empty for the workload's default.
        devices: names as torch spells them (``cuda`` means ``cuda:0``), or empty for all that torch sees.
        epochs: how many to train; the workload's own number by default.
        budget: seconds for all timed parts; a run that would outrun its share trains fewer whole epochs.
        repeats: runs of each device and recipe.
        on_progress: called as the runs go.
        machine: what was detected, kept in the results.
        precision: see ``worker/precision.py``.
        threads: CPU threads of torch; torch's own choice by default.
        data: folder of the user's own data files.

    Raises:
        UsageError: an unknown workload, recipe or device.
        BenchError: a run failed, or missed the workload's quality bar (`QualityError`, which carries the results).
        TimeLimitError: a run did not come back.
    """
    request = Request(
        workload=workload,
        recipes=tuple(recipes),
        devices=tuple(devices),
        epochs=epochs,
        budget=budget,
        repeats=repeats,
        precision=precision,
        threads=threads,
        data=data,
    )
    known = survey_environment(host, python, precision)
    definition = find_workload(request.workload, known)
    tasks = schedule.plan(request, definition, known)
    tasks, raw, recorded = _run_all(host, python, tasks, request, on_progress)
    results = assemble(
        tasks=tasks, raw=raw, request=request, workload=definition, known=known, machine=machine, peaks=load_peaks()
    )
    results = with_surroundings(results, tasks, recorded, code_hash=worker_hash(host))
    for result in results:
        refuse_impossible(result)
    results = with_breakdowns(results, _measure_alone(host, python, request, results))
    if data is None:  # the bar is for MNIST itself; another data set has another one
        check_quality(results, definition)
    return results


def survey_environment(host: Host, python: str, precision: str = "fp32-default") -> Capabilities:
    """Ask the environment which devices, recipes and workloads it has, and what cannot be done in a precision.

    Raises:
        BenchError: torch does not run.
    """
    question = json.dumps({"action": "devices", "precision": precision})
    answer = run_worker(host, python, "bench.py", (question,), timeout=SURVEY_TIMEOUT)
    return msgspec.convert(_payload(answer, "devices"), Capabilities)


def find_workload(name: str, known: Capabilities) -> Workload:
    """The workload of a name; a plugin's has one recipe, ``default``. Raises `UsageError`."""
    if name in REGISTRY:
        return REGISTRY[name]
    if name in known.workloads:
        recipe = Recipe(name="default", kind="micro", summary=verbatim(name))
        return Workload(name=name, summary=verbatim(name), recipes=(recipe,), default_recipes=("default",))
    raise UsageError(
        message("bench.workload.unknown", "there is no workload `{name}`", name=name),
        hint=message(
            "bench.workload.known",
            "there are: {names}",
            names=", ".join({**REGISTRY, **dict.fromkeys(known.workloads)}),
        ),
    )


def _run_all(
    host: Host,
    python: str,
    tasks: Sequence[Task],
    request: Request,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[tuple[Task, ...], list[RawResult], list[Telemetry | None]]:
    """Run every task in turn, watched; what one leaves of the budget is there for those after it.

    Where `all` was asked for, a recipe that fails is left out, and the device's other results say so.
    """
    left = request.budget
    done: list[tuple[Task, RawResult, Telemetry | None]] = []
    failed: dict[tuple[str, str], TorchupError] = {}
    for position, task in enumerate(tasks):
        if (task.device, task.recipe) in failed:
            continue
        share = schedule.share(tasks[position:], left)
        watcher = _Watcher(task, position, len(tasks), on_progress)
        try:
            with Recorder(host, task.device) as recorder:
                on_line = recorder.watch_lines(watcher.line)
                raw = measure(host, python, task, request, budget=share, on_line=on_line)
        except (BenchError, TimeLimitError) as error:
            if "all" not in request.recipes:
                raise
            failed[task.device, task.recipe] = error
            continue
        done.append((task, raw, recorder.telemetry))
        if left is not None:
            left = max(0.0, left - raw.seconds)
    if not done:
        raise next(iter(failed.values()))
    return (
        tuple(task for task, _, _ in done),
        [_with_failures(raw, task.device, failed) for task, raw, _ in done],
        [telemetry for _, _, telemetry in done],
    )


def _with_failures(raw: RawResult, device: str, failed: Mapping[tuple[str, str], TorchupError]) -> RawResult:
    """The result with a note on each recipe that failed beside it."""
    notes = tuple(str(error) for (where, _), error in failed.items() if where == device)
    return msgspec.structs.replace(raw, notes=raw.notes + notes)


def _measure_alone(host: Host, python: str, request: Request, results: tuple[Result, ...]) -> dict[str, Alone]:
    """Loader, copies and steps by themselves, on every device where the run and `resident` were measured."""
    recipes: dict[str, set[str]] = {}
    for result in results:
        recipes.setdefault(result.device, set()).add(result.recipe)
    alone = {}
    for device, measured in recipes.items():
        if request.workload in {"mnist", "fashion-mnist"} and {"script", "resident"} <= measured:
            task = Task(workload=request.workload, recipe="script", device=device, repeat=0)
            seconds = {probe: measure(host, python, task, request, probe=probe).seconds for probe in PROBES}
            alone[device] = Alone(**seconds)
    return alone


def measure(
    host: Host,
    python: str,
    task: Task,
    request: Request,
    *,
    budget: float | None = None,
    on_line: Callable[[str], None] | None = None,
    **further: Any,
) -> RawResult:
    """One measurement in one fresh child. Raises `BenchError` or `TimeLimitError`, naming recipe and device."""
    question = {
        "workload": request.workload,
        "recipe": task.recipe,
        "device": task.device,
        "epochs": request.epochs,
        "budget": budget,
        "precision": request.precision,
        "threads": request.threads,
        "data": request.data,
        **further,
    }
    limit = LONGEST if budget is None else SETTING_UP + OVERRUN * budget
    answer = run_worker(
        host,
        python,
        "bench.py",
        (json.dumps({key: value for key, value in question.items() if value is not None}),),
        timeout=limit,
        on_line=on_line,
    )
    return msgspec.convert(_payload(answer, "result", f"{request.workload}/{task.recipe} ({task.device})"), RawResult)


def _payload(answer: WorkerAnswer, key: str, what: str = "torch") -> dict[str, Any]:
    """The object under ``key`` in the worker's answer, or the error that its end means."""
    data = answer.data or {}
    if isinstance(data.get(key), dict):
        payload: dict[str, Any] = data[key]
        return payload
    if "error" in data:
        raise worker_error(msgspec.convert(data["error"], WorkerError), what)
    if answer.timed_out:
        raise TimeLimitError(
            message("bench.timeout", "{what} did not come back within its time limit", what=what),
            hint=message("bench.timeout.hint", "`torchup verify` shows whether the device hangs"),
        )
    raise BenchError(
        message(
            "bench.crash",
            "the process that measured {what} ended with code {code} and no answer: {reason}",
            what=what,
            code=answer.returncode,
            reason=answer.stderr.strip()[-400:] or "-",
        ),
        hint=message("bench.crash.hint", "`torchup verify` names what is broken in the environment"),
    )


def worker_error(error: WorkerError, what: str) -> UsageError | BenchError:
    """The worker's own error as torchup's: bad data files are the user's, the rest is the benchmark's."""
    text = message("bench.failed", "{what}: {reason}", what=what, reason=told(error.text))
    if error.code == "DataError":
        return UsageError(
            text,
            hint=message(
                "bench.data.hint",
                "--data takes a folder of IDX files, of CIFAR-10's binary files (cifar-resnet), or of images, one"
                " folder a class",
            ),
        )
    if error.code in {"PrecisionError", "UnavailableError"}:
        return UsageError(text)
    if error.code in {"OutOfMemoryError", "MemoryError"}:
        return BenchError(
            text, hint=message("bench.memory.hint", "close other programs that hold memory and try again")
        )
    return BenchError(
        text, hint=message("bench.failed.hint", "`torchup verify` names what is broken in the environment")
    )


class _Watcher:
    """Turns the worker's progress lines into `Progress` values."""

    def __init__(self, task: Task, position: int, total: int, on_progress: Callable[[Progress], None] | None) -> None:
        self._base = Progress(
            workload=task.workload, recipe=task.recipe, device=task.device, run=position + 1, runs=total
        )
        self._on_progress = on_progress
        self._tell(self._base)

    def line(self, text: str) -> None:
        """One line of the child; anything but a progress line is passed over."""
        if self._on_progress is None or not text.startswith('{"progress"'):
            return
        try:
            news = msgspec.json.decode(text, type=dict[str, dict[str, Any]])["progress"]
            news = {key: value for key, value in news.items() if key in self._base.__struct_fields__}
            self._base = msgspec.convert({**msgspec.structs.asdict(self._base), "step": None, **news}, Progress)
        except (*UNREADABLE, KeyError):
            return
        self._tell(self._base)

    def _tell(self, progress: Progress) -> None:
        if self._on_progress is not None:
            self._on_progress(progress)
