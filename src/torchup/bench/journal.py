"""What a run has measured so far: enough to show it, to keep it, and to go on after an interruption. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.bench.answers import Capabilities, RawResult
from torchup.bench.assemble import assemble, checked
from torchup.bench.breakdown import Alone, with_breakdowns
from torchup.bench.request import BenchRequest, Task
from torchup.bench.telemetry import with_surroundings
from torchup.bench.workloads import Workload
from torchup.model import Said, Telemetry, Value

if TYPE_CHECKING:
    from torchup.catalog.peaks import Peaks
    from torchup.model import Machine, Result


class Measured(Value, frozen=True, kw_only=True):
    """One finished run."""

    task: Task
    raw: RawResult
    telemetry: Telemetry | None = None


class Failed(Value, frozen=True, kw_only=True):
    """One run, or one part of a run measured alone, that did not succeed."""

    what: str  # mnist/fused (cpu)
    device: str
    why: Said


class Journal(Value, frozen=True, kw_only=True):
    """A run under way."""

    request: BenchRequest
    python: str  # of the environment
    code_hash: str
    known: Capabilities
    workload: Workload
    measured: tuple[Measured, ...] = ()
    failed: tuple[Failed, ...] = ()
    checkpoints: str | None = None  # folder of trainings that can go on inside; None: there are none
    alone: dict[str, Alone] = {}  # device -> parts of the run measured by themselves

    def add(self, measured: Measured) -> Journal:
        """With one more finished run."""
        return msgspec.structs.replace(self, measured=(*self.measured, measured))

    def fail(self, failed: Failed) -> Journal:
        """With one more failure."""
        return msgspec.structs.replace(self, failed=(*self.failed, failed))

    def has(self, task: Task) -> bool:
        """Whether a task is done."""
        return any(one.task == task for one in self.measured)


def results_of(journal: Journal, machine: Machine | None, peaks: Peaks) -> tuple[tuple[Result, ...], tuple[Said, ...]]:
    """The results so far, and those that are left out because they cannot be true."""
    tasks = [one.task for one in journal.measured]
    results = assemble(
        tasks=tasks,
        raw=[_with_failures(one, journal.failed) for one in journal.measured],
        request=journal.request,
        workload=journal.workload,
        known=journal.known,
        machine=machine,
        peaks=peaks,
    )
    results = _with_fewer_repeats(results, journal)
    recorded = [one.telemetry for one in journal.measured]
    results, impossible = checked(with_surroundings(results, tasks, recorded, code_hash=journal.code_hash))
    return with_breakdowns(results, journal.alone, explained=journal.workload.explained), impossible


def _with_fewer_repeats(results: tuple[Result, ...], journal: Journal) -> tuple[Result, ...]:
    """With a note where a budget had no room for every repeat of what cannot be cut."""
    asked = journal.request.repeats
    if not journal.workload.indivisible or journal.request.budget is None:
        return results
    return tuple(
        msgspec.structs.replace(
            one,
            notes=(*one.notes, Said(code="repeats-cut", values={"done": len(one.repeats), "asked": asked})),
        )
        if len(one.repeats) < asked
        else one
        for one in results
    )


def _with_failures(measured: Measured, failed: tuple[Failed, ...]) -> RawResult:
    """The raw result with a note on each failure beside it."""
    notes = tuple(
        Said(code="failed-beside", values={"name": one.what, "why": one.why})
        for one in failed
        if one.device == measured.task.device
    )
    return msgspec.structs.replace(measured.raw, notes=measured.raw.notes + notes)
