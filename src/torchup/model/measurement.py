"""What is measured."""

from __future__ import annotations

from typing import Any

from torchup.model.sets import Bound, RecipeKind
from torchup.model.text import Said, Value


class Breakdown(Value, frozen=True, kw_only=True):
    """Where a run's time went, in seconds; a part that could not be separated is ``None``."""

    input: float | None = None
    start: float | None = None  # of the processes that load
    transfer: float | None = None
    launch: float | None = None
    compute: float | None = None
    other: float | None = None


class Limit(Value, frozen=True, kw_only=True):
    """The device's limit for a run's work. Work is that of the whole measured time; unknown peaks stay ``None``."""

    flops: float | None = None  # model FLOPs done (2 x MAC, no recompute)
    bytes: float | None = None  # bytes that have to move at least
    peak_flops: float | None = None  # a second, dense, for the result's precision
    peak_bandwidth: float | None = None  # bytes a second
    launch_seconds: float | None = None  # what the dependent kernel launches alone take
    seconds: float | None = None  # no run can be faster: the largest of the bounds
    bound: Bound | None = None
    share: float | None = None  # seconds / measured seconds; above 1 is a measuring error
    source: str | None = None  # the row of peaks.toml, or how the peak was measured
    peak_measured: bool = False  # on this machine: a run that passes it is flagged, not left out


class Spread(Value, frozen=True, kw_only=True):
    """Samples of one quantity over a run."""

    minimum: float
    median: float
    maximum: float
    first: float
    last: float


class Telemetry(Value, frozen=True, kw_only=True):
    """What the machine did during a run. What could not be read is ``None`` and ``unavailable`` says why."""

    interval: float  # seconds between samples
    samples: int
    seconds: float  # watched
    gpu_clock_mhz: Spread | None = None
    memory_clock_mhz: Spread | None = None
    power_watts: Spread | None = None
    power_limit_watts: float | None = None  # in force
    power_limit_default_watts: float | None = None  # what the card came with
    energy_joules: float | None = None  # of the GPU, over the watched time
    temperature_celsius: Spread | None = None
    memory_used_bytes: Spread | None = None
    utilisation: Spread | None = None  # share of time a kernel ran, 0 to 1
    throttle: tuple[str, ...] = ()  # reasons seen: power, thermal... empty and listed in ``unavailable``: unknown
    other_processes: int | None = None  # on the GPU besides the measured one
    cpu_clock_mhz: Spread | None = None
    cpu_temperature_celsius: Spread | None = None
    cpu_energy_joules: float | None = None
    load_average: float | None = None  # of the minute before the run
    governor: str | None = None
    on_battery: bool | None = None
    sources: dict[str, str] = {}  # field -> nvml, /sys/class/...
    unavailable: dict[str, Said] = {}  # field -> why it is None


class PartTrained(Value, frozen=True, kw_only=True):
    """How much of a training was done when its time ended. ``None``: it does not count in steps."""

    epochs: float
    epochs_asked: float
    steps: int | None = None
    steps_asked: int | None = None


class Result(Value, frozen=True, kw_only=True):
    """One measured run of one recipe of a workload on one device."""

    workload: str
    recipe: str
    device: str
    device_name: str | None = None
    precision: str = "fp32-default"
    torch: str | None = None
    seconds: float  # of `epochs`
    epochs: float | None = None  # that were trained; None where it does not count in epochs
    seconds_for_request: float | None = None  # for the epochs that were asked for
    extrapolated: bool = False  # fewer were trained than were asked for: `seconds_for_request` is by proportion
    cut: PartTrained | None = None  # the training ended early: its accuracy and loss are those of so much of it
    samples_per_second: float | None = None
    quality: dict[str, float] = {}
    repeats: tuple[float, ...] = ()
    median: float | None = None
    ci95: tuple[float, float] | None = None
    stable: bool | None = None
    breakdown: Breakdown | None = None
    machine: dict[str, Any] = {}  # what defines the machine: no user, host or path
    environment: dict[str, Any] = {}
    baseline_ratio: float | None = None
    parameters: dict[str, Any] = {}  # epochs asked, epochs measured, batch, threads, torchvision...
    notes: tuple[Said, ...] = ()
    # What the numbers mean
    kind: RecipeKind = RecipeKind.SAME_MATH
    measured: bool = True  # False: a published number, not measured by torchup
    outliers: tuple[int, ...] = ()  # positions in ``repeats`` that are flagged; they stay in every statistic
    compile_seconds: float | None = None  # one-off, outside ``seconds``
    first_seconds: float | None = None  # the first timed unit (epoch), warm-up effects included
    peak_memory_bytes: int | None = None  # on the device; of the process on cpu
    first_minute_rate: float | None = None  # samples a second in the first minute...
    sustained_rate: float | None = None  # ...and after it; both None on short runs
    limit: Limit | None = None
    telemetry: Telemetry | None = None
    code_hash: str | None = None  # sha256 of the worker's files that measured it
    world_size: int = 1  # processes that measured together
    nodes: int = 1
    raw: dict[str, tuple[float, ...]] = {}  # of a small workload: what was timed -> seconds of every sample
    curves: dict[str, tuple[tuple[float, float], ...]] = {}  # name -> (x, y): size sweep, all-reduce, loss per epoch
