"""What to measure: one value for the command line, the schedule, the children and a run that is taken up again."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from torchup.model import Scaling, Value

DEFAULT_PRECISION = "fp32-default"


class BenchRequest(Value, frozen=True, kw_only=True):
    """What to measure. Empty ``recipes``: the workload's default; empty ``devices``: every device that torch sees."""

    workload: str = "mnist"
    recipes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    epochs: int | None = None  # None: the workload's own number
    steps: int | None = None  # at most so many, of each measurement by several processes
    budget: float | None = None  # seconds of all that follows the look at the environment
    repeats: int = 1
    precision: str = DEFAULT_PRECISION
    threads: int | None = None  # of torch on a CPU
    data: str | None = None  # a folder with the user's own files
    # Several processes
    scaling: tuple[Scaling, ...] | None = None  # both by default
    largest_bytes: int | None = None  # of the all-reduce curve
    patience: float | None = None  # seconds until a silent rank counts as lost
    model: str | None = None  # of gpt, images
    # Sizes, of the workloads that have them
    batch: int | None = None
    size: int | None = None  # pixels
    workers: int | None = None  # processes that load; swept by default
    images: int | None = None  # made-up ones
    program: tuple[str, ...] = ()  # the command line of the workload `run`
    profile: bool | None = None  # run it under torch's profiler
    sweep: dict[str, tuple[int, ...]] = {}  # setting -> values: every combination is measured
    until: float | None = None  # repeat until the interval is narrower than this share of the median


class Task(Value, frozen=True, kw_only=True):
    """One run of one recipe on one device in one fresh process."""

    workload: str
    recipe: str
    device: str
    repeat: int  # from 0
    weight: float = 1.0
    setting: dict[str, int] = {}  # of a sweep

    @property
    def label(self) -> str:
        """How the run is called in errors: ``mnist/fused (cpu)``."""
        setting = "".join(f", {name} {value}" for name, value in self.setting.items())
        return f"{self.workload}/{self.recipe} ({self.device}{setting})"


# What belongs to the parent: who is measured, in which order and how often.
_PLANNING = frozenset({"recipes", "devices", "repeats", "sweep", "until"})
SETTINGS = ("batch", "size", "threads", "workers")  # what can be swept, where a workload has it


def checkpoint_name(task: Task) -> str:
    """The file of a task's checkpoint: no other task of the run has it, and the same task has it again."""
    return f"{hashlib.sha256(f'{task.label} {task.repeat}'.encode()).hexdigest()[:16]}.pt"


def question(request: BenchRequest, **further: Any) -> dict[str, Any]:
    """The request as a worker reads it: what is known, and what belongs to this one child."""
    shared = {name: value for name, value in msgspec.to_builtins(request).items() if name not in _PLANNING}
    return {name: value for name, value in {**shared, **further}.items() if value is not None}
