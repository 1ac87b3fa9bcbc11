"""What the benchmark worker sends back, as values; validated when read, because it crosses a process border."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from torchup.model import Said, Value


class Stage(StrEnum):
    """What a child is doing."""

    PREPARING = "preparing"  # imports, data, warm-up, compiling, trials
    TRAINING = "training"
    TESTING = "testing"  # accuracy on the test images
    PARTS = "parts"  # loader, copies and steps by themselves


class DeviceFacts(Value, frozen=True, kw_only=True):
    """What torch says of one device."""

    device: str
    name: str | None = None
    memory_bytes: int | None = None
    multiprocessors: int | None = None
    compute_capability: str | None = None
    gfx: str | None = None
    l2_bytes: int | None = None
    pci_id: str | None = None  # domain:bus:device.function
    peak_flops: float | None = None  # measured on the spot (CPU), a second
    peak_bandwidth: float | None = None  # measured on the spot (CPU), bytes a second
    peak_note: Said | None = None  # why the measured peak may be below the true one


class Capabilities(Value, frozen=True, kw_only=True):
    """What an environment can measure with. ``recipes``: device -> recipe -> why not (``None``: it can)."""

    torch: str
    python: str
    devices: tuple[DeviceFacts, ...]
    recipes: dict[str, dict[str, Said | None]] = {}
    refusals: dict[str, Said | None] = {}  # device -> why the precision asked for cannot be in force there
    workloads: tuple[str, ...] = ()
    threads: int | None = None
    cpu_capability: str | None = None  # torch's code path: AVX2, AVX512, NEON...


class RawResult(Value, frozen=True, kw_only=True):
    """One measurement as the worker made it."""

    seconds: float
    torch: str
    python: str
    samples: float | None = None
    quality: dict[str, float | None] = {}
    epoch_seconds: tuple[float, ...] = ()
    load_seconds: float | None = None
    compile_seconds: float | None = None
    peak_memory_bytes: int | None = None
    losses: tuple[float | None, ...] = ()
    flops: float | None = None
    bytes: float | None = None
    curves: dict[str, tuple[tuple[float | None, float | None], ...]] = {}
    raw: dict[str, tuple[float, ...]] = {}  # what was timed -> seconds of every sample
    parameters: dict[str, Any] = {}
    notes: tuple[Said, ...] = ()
    device_facts: DeviceFacts | None = None
    cpu_capability: str | None = None


class WorkerError(Value, frozen=True, kw_only=True):
    """Why the worker could not measure: the exception's class, and what it says."""

    code: str
    said: Said


class Progress(Value, frozen=True, kw_only=True):
    """How far the runs are."""

    workload: str
    recipe: str
    device: str
    run: int  # from 1
    runs: int
    stage: Stage = Stage.PREPARING
    epoch: int = 0  # done
    epochs: int | None = None
    step: int | None = None
    steps: int | None = None  # of an epoch
    seconds: float | None = None  # of the timed part so far
    loss: float | None = None
    elapsed: float = 0.0  # seconds since the first child started
    budget: float | None = None  # of all of them
