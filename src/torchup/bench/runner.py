"""Run a benchmark: a fresh child for every measurement, each result handed over as it comes, failures noted."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from torchup.bench import schedule
from torchup.bench.answers import Progress, Stage
from torchup.bench.assemble import quality_problems
from torchup.bench.breakdown import Alone
from torchup.bench.child import Watcher, measure, survey_environment, why
from torchup.bench.code_hash import worker_hash
from torchup.bench.journal import Failed, Journal, Measured, results_of
from torchup.bench.options import check_options
from torchup.bench.request import Task, checkpoint_name
from torchup.bench.stats import relative_error
from torchup.bench.telemetry import Recorder
from torchup.bench.workloads import PLUGIN_OPTIONS, REGISTRY, Workload
from torchup.catalog.peaks import load_peaks
from torchup.errors import BenchError, TimeLimitError, UsageError
from torchup.i18n.sentences import sentence
from torchup.model import Message, Notice, Result, Value, message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.bench.answers import Capabilities
    from torchup.bench.request import BenchRequest
    from torchup.errors import TorchupError
    from torchup.host import Host
    from torchup.model import Machine

PARTS_SHARE = 0.15  # of the budget for the parts measured alone
MOST_REPEATS = 100
PROBE = "parts"  # of worker/probes.py: every field of `Alone`
BASES = frozenset({"script", "resident"})  # what a breakdown needs beside it


class Outcome(Value, frozen=True, kw_only=True):
    """What was measured, and what went wrong beside it: each problem is an error of the answer, none hides a result."""

    results: tuple[Result, ...] = ()
    problems: tuple[Notice, ...] = ()


class Listener(Value, frozen=True, kw_only=True):
    """Callbacks of a run: how far it is, and each new result for the store."""

    on_progress: Callable[[Progress], None] | None = None
    keep: Callable[[Journal, tuple[Result, ...]], None] | None = None


def run_benchmark(
    host: Host, python: str, request: BenchRequest, *, machine: Machine | None = None, listener: Listener | None = None
) -> Outcome:
    """Measure a workload on devices of an environment; one `Result` for each device and recipe.

    Repeats are fresh processes, and recipes take turns, so that a slow minute of the machine hits all of them alike.

    Args:
        host: the machine.
        python: the environment's interpreter.
        request: what to measure.
        machine: what was detected, kept in the results.
        listener: hears of progress and of every new result.

    Raises:
        UsageError: an unknown workload, recipe or device.
        BenchError: nothing could be measured.
        TimeLimitError: nothing could be measured, because a run did not come back.
    """
    known = survey_environment(host, python, request.precision)
    workload = find_workload(request.workload, known)
    check_options(request, workload)
    start = Journal(
        request=request, python=python, code_hash=worker_hash(host), known=known, workload=workload,
        checkpoints=_new_checkpoints(host) if workload.resumable else None,
    )  # fmt: skip
    return go_on(host, start, machine=machine, listener=listener)


def go_on(host: Host, journal: Journal, *, machine: Machine | None = None, listener: Listener | None = None) -> Outcome:
    """Measure what a journal lacks; as `run_benchmark`."""
    return _Run(host, msgspec.structs.replace(journal, failed=()), machine, listener or Listener()).outcome()


def _new_checkpoints(host: Host) -> str:
    """A folder of its own for the trainings of one run."""
    return posixpath.join(host.folders().cache.replace("\\", "/"), "checkpoints", f"{host.now():%Y%m%dT%H%M%S%f}")


def find_workload(name: str, known: Capabilities) -> Workload:
    """The workload of a name; a plugin's has one recipe, ``default``. Raises `UsageError`."""
    if name in REGISTRY:
        return REGISTRY[name]
    if name in known.workloads:
        return Workload(name=name, options=PLUGIN_OPTIONS)
    raise UsageError(
        message("bench.workload.unknown", "there is no workload `{name}`", name=name),
        hint=message(
            "bench.workload.known",
            "choose one of: {names}",
            names=", ".join({**REGISTRY, **dict.fromkeys(known.workloads)}),
        ),
    )


class _Run:
    """One run under way: its journal, its clock, and what went wrong."""

    def __init__(self, host: Host, journal: Journal, machine: Machine | None, listener: Listener) -> None:
        self._host = host
        self._journal = journal
        self._machine = machine
        self._listener = listener
        self._tasks = schedule.plan(journal.request, journal.workload, journal.known)
        self._start = host.monotonic()
        self._first_error: TorchupError | None = None

    def outcome(self) -> Outcome:
        """Measure everything; what succeeded is returned with what did not."""
        self._keep()  # an interruption before the first result can be taken up too
        if self._journal.checkpoints is not None:
            self._host.make_dirs(self._journal.checkpoints)
        for position, task in enumerate(self._tasks):
            failed = any(one.what == task.label for one in self._journal.failed)
            if not failed and not self._journal.has(task) and self._fits(task):
                self._measure(position, task)
        if not self._journal.measured and self._first_error is not None:
            self._forget_checkpoints()
            raise self._first_error
        self._repeat_until_narrow()
        self._measure_parts()
        self._forget_checkpoints()
        results, impossible = results_of(self._journal, self._machine, load_peaks())
        problems = [_problem(_failed(one)) for one in self._journal.failed]
        problems += [_problem(sentence(one)) for one in impossible]
        if self._journal.request.data is None:  # the bar is for MNIST itself; another data set has another one
            problems += [_problem(text) for text in quality_problems(results, self._journal.workload)]
        return Outcome(results=results, problems=tuple(problems))

    def _repeat_until_narrow(self) -> None:
        """Repeat until the relative error is below the bound, the time is spent, or repeating does not help."""
        until = self._journal.request.until
        repeat = self._journal.request.repeats
        while until is not None and repeat < MOST_REPEATS and (self._left() is None or self._left()):
            results, _ = results_of(self._journal, self._machine, load_peaks())
            wide = [one for one in results if (error := relative_error(one.repeats)) is None or error > until]
            again = {(one.device, one.recipe, str(one.parameters.get("sweep", {}))) for one in wide}
            first = [task for task in self._tasks if task.repeat == 0]
            tasks = [task for task in first if (task.device, task.recipe, str(task.setting)) in again]
            if not tasks:
                return
            for task in tasks:
                more = msgspec.structs.replace(task, repeat=repeat)
                self._tasks = (*self._tasks, more)
                if not self._journal.has(more):
                    self._measure(len(self._tasks) - 1, more)
            repeat += 1

    def _forget_checkpoints(self) -> None:
        if self._journal.checkpoints is not None:
            self._host.remove(self._journal.checkpoints)

    def _fits(self, task: Task) -> bool:
        """Whether there is time for a task that cannot be cut; its first repeat always has."""
        known = [one.raw.seconds for one in self._journal.measured if one.task.label == task.label]
        left = self._left()
        return not self._journal.workload.indivisible or not known or left is None or known[-1] <= left

    def _share(self, rest: Sequence[Task]) -> float | None:
        """Seconds for the next task."""
        left = self._left()
        return left if self._journal.workload.indivisible else schedule.share(rest, left)

    def _checkpoint(self, task: Task) -> dict[str, str]:
        """Where a task's training keeps its place, for one that has it."""
        folder = self._journal.checkpoints
        return {} if folder is None else {"checkpoint": posixpath.join(folder, checkpoint_name(task))}

    def _left(self) -> float | None:
        """Seconds of the budget that are left for runs: its end less what the parts measured alone are given."""
        budget = self._journal.request.budget
        if budget is None:
            return None
        reserved = PARTS_SHARE * budget * len(self._explained())
        return max(0.0, budget - reserved - (self._host.monotonic() - self._start))

    def _measure(self, position: int, task: Task) -> None:
        rest = [one for one in self._tasks[position:] if not self._journal.has(one)]
        watcher = Watcher(self._progress(task, position), self._tell)
        try:
            with Recorder(self._host, task.device, self._pci(task.device)) as recorder:
                raw = measure(
                    self._host,
                    self._journal.python,
                    task,
                    self._journal.request,
                    budget=self._share(rest),
                    on_line=recorder.watch_lines(watcher.line),
                    **self._checkpoint(task),
                )
        except UsageError as error:
            if not self._journal.measured:
                raise
            self._fail(task, error)
        except (BenchError, TimeLimitError) as error:
            self._fail(task, error)
        else:
            self._journal = self._journal.add(Measured(task=task, raw=raw, telemetry=recorder.telemetry))
            self._keep()

    def _pci(self, device: str) -> str | None:
        return next((facts.pci_id for facts in self._journal.known.devices if facts.device == device), None)

    def _fail(self, task: Task, error: TorchupError) -> None:
        self._first_error = self._first_error or error
        self._journal = self._journal.fail(Failed(what=task.label, device=task.device, why=why(error)))
        if self._journal.measured:
            self._keep()

    def _explained(self) -> list[str]:
        """The devices on which the run can be taken apart."""
        if not self._journal.workload.explained:
            return []
        recipes: dict[str, set[str]] = {}
        for task in self._tasks:
            recipes.setdefault(task.device, set()).add(task.recipe)
        return [device for device, measured in recipes.items() if measured >= BASES]

    def _measure_parts(self) -> None:
        """Loader, copies and steps by themselves, on every device where the run and `resident` were measured."""
        budget = self._journal.request.budget
        done = {(one.task.device, one.task.recipe) for one in self._journal.measured}
        for device in self._explained():
            if device in self._journal.alone or not all((device, recipe) in done for recipe in BASES):
                continue
            task = Task(workload=self._journal.workload.name, recipe="script", device=device, repeat=0)
            share = None if budget is None else PARTS_SHARE * budget
            progress = msgspec.structs.replace(self._progress(task, len(self._tasks) - 1), stage=Stage.PARTS)
            watcher = Watcher(progress, self._tell)
            try:
                raw = measure(
                    self._host, self._journal.python, task, self._journal.request,
                    budget=share, on_line=watcher.line, probe=PROBE,
                )  # fmt: skip
            except (BenchError, TimeLimitError, UsageError) as error:
                self._fail(task, error)
                continue
            alone = msgspec.convert(raw.parameters.get("alone", {}), Alone)
            self._journal = msgspec.structs.replace(self._journal, alone={**self._journal.alone, device: alone})
            self._keep()

    def _keep(self) -> None:
        if self._listener.keep is not None:
            results, _ = results_of(self._journal, self._machine, load_peaks())
            self._listener.keep(self._journal, results)

    def _progress(self, task: Task, position: int) -> Progress:
        return Progress(
            workload=task.workload,
            recipe=task.recipe,
            device=task.device,
            run=position + 1,
            runs=len(self._tasks),
            budget=self._journal.request.budget,
        )

    def _tell(self, progress: Progress) -> None:
        if self._listener.on_progress is not None:
            elapsed = self._host.monotonic() - self._start
            self._listener.on_progress(msgspec.structs.replace(progress, elapsed=elapsed))


def _failed(failed: Failed) -> Message:
    return message("bench.failed", "{what}: {reason}", what=failed.what, reason=sentence(failed.why))


def _problem(text: Message) -> Notice:
    return Notice(code=text.code or "bench.problem", level="error", text=text)
