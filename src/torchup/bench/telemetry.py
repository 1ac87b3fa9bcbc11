"""What the machine did while it was measured: samples of a child process become one `Telemetry`."""

from __future__ import annotations

import json
import posixpath
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any, Self

import msgspec

from torchup.encoding import UNREADABLE
from torchup.model import Result, Spread, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from torchup.bench.schedule import Task
    from torchup.host import Host

FAST, SLOW = 0.1, 0.5  # seconds between samples with and without a GPU: NVML refreshes power about every 0.1 s
LIMIT = 8 * 3600.0  # seconds after which the probe ends by itself
STARTED = 5.0  # seconds to wait for its first line; a machine whose driver hangs is measured without telemetry
# NVML's counters are averages over up to a second and cover a quarter of it on A100 and H100 (arXiv 2312.02741), so
# the energy of a shorter stretch would be an invention.
SHORTEST_ENERGY = 5.0
REPORTED = ("gpu_clock_mhz", "memory_clock_mhz", "power_watts", "energy_joules", "temperature_celsius",
            "memory_used_bytes", "utilisation", "power_limit_watts", "power_limit_default_watts",
            "other_processes")  # fmt: skip

Stamped = tuple[float, Mapping[str, Any]]  # (seconds on the host's clock, one sample)


class Recorder:
    """``with Recorder(host, device) as recorder: ...`` then ``recorder.telemetry``.

    `mark` notes a moment at which the work was in full swing (an epoch ended): energy is taken between the first and
    the last mark, so that start-up and evaluation are not in it. Without two marks the whole stretch counts.
    """

    def __init__(self, host: Host, device: str) -> None:
        self._host = host
        self._device = device
        self._interval = SLOW if device == "cpu" else FAST
        self._keep = posixpath.join(
            host.folders().cache.replace("\\", "/"), f"telemetry-{threading.get_ident()}-{host.monotonic():.6f}"
        )
        self._fixed: Mapping[str, Any] | None = None
        self._samples: list[Stamped] = []
        self._marks: list[float] = []
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.telemetry: Telemetry | None = None

    def __enter__(self) -> Self:
        try:
            self._host.write_text(self._keep, "")
        except OSError:  # a full disk: the measurement matters more than its telemetry
            return self
        self._thread.start()
        self._first.wait(STARTED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._host.remove(self._keep)
        except OSError:
            return
        if self._thread.ident is not None:
            self._thread.join(STARTED)
        if kind is None and self._fixed is not None:
            self.telemetry = summarise(
                self._fixed,
                tuple(self._samples),
                device=self._device,
                interval=self._interval,
                marks=tuple(self._marks),
            )

    def mark(self) -> None:
        """An epoch ended now."""
        self._marks.append(self._host.monotonic())

    def watch_lines(self, then: Callable[[str], None]) -> Callable[[str], None]:
        """The worker's lines on their way to ``then``: each that says an epoch is done is a mark."""

        def line(text: str) -> None:
            if text.startswith('{"progress"') and '"epoch"' in text:
                self.mark()
            then(text)

        return line

    def _run(self) -> None:
        request = {"interval": self._interval, "keep": self._keep, "limit": LIMIT}
        python = self._host.platform().python_executable or "python3"
        argv = (python, "-I", "-m", "torchup.bench.telemetry_probe", json.dumps(request))
        try:
            self._host.run(argv, timeout=LIMIT, on_line=self._line)
        finally:
            self._first.set()  # nobody waits for a probe that could not start

    def _line(self, text: str) -> None:
        try:
            line = msgspec.json.decode(text, type=dict[str, Any])
        except UNREADABLE:
            return
        if "fixed" in line:
            self._fixed = line["fixed"]
        elif "sample" in line:
            self._samples.append((self._host.monotonic(), line["sample"]))
            self._first.set()


def with_surroundings(
    results: Sequence[Result], tasks: Sequence[Task], recorded: Sequence[Telemetry | None], *, code_hash: str
) -> tuple[Result, ...]:
    """Results with the hash of the code that measured them and the telemetry of their runs.

    The load before the first run is that of all: later ones would see what torchup itself did.
    """
    quiet = next((telemetry.load_average for telemetry in recorded if telemetry is not None), None)
    found = []
    for result in results:
        runs = [
            msgspec.structs.replace(t, load_average=quiet) if t is not None else None
            for task, t in zip(tasks, recorded, strict=True)
            if (task.device, task.recipe) == (result.device, result.recipe)
        ]
        found.append(msgspec.structs.replace(attach(result, runs), code_hash=code_hash))
    return tuple(found)


def attach(result: Result, recorded: Sequence[Telemetry | None]) -> Result:
    """Give a result the telemetry of the repeat that its median comes from; throttling in any repeat is kept."""
    times = result.repeats or (result.seconds,)
    pairs = [(abs(t - result.seconds), n) for n, t in enumerate(times) if n < len(recorded) and recorded[n] is not None]
    if not pairs:
        return result
    known = [telemetry for telemetry in recorded if telemetry is not None]
    chosen = recorded[min(pairs)[1]]
    assert chosen is not None  # noqa: S101  # filtered above
    throttle = tuple(dict.fromkeys(name for telemetry in known for name in telemetry.throttle))
    strangers = max((t.other_processes for t in known if t.other_processes is not None), default=None)
    merged = msgspec.structs.replace(
        chosen, throttle=throttle, other_processes=strangers, load_average=known[0].load_average
    )
    return msgspec.structs.replace(result, telemetry=merged)


# ---------------------------------------------------------------- pure


def summarise(
    fixed: Mapping[str, Any],
    samples: Sequence[Stamped],
    *,
    device: str,
    interval: float,
    marks: Sequence[float] = (),
) -> Telemetry:
    """Samples with their times -> one value. ``marks`` bound the steady window for energies."""
    gpu, reason = choose_gpu(fixed, samples, device)
    readings = [sample["gpus"][gpu] for _, sample in samples] if gpu is not None else []
    processor = [sample["cpu"] for _, sample in samples]
    known = fixed["gpus"][gpu] if gpu is not None else {}
    cpu = fixed["cpu"]
    energy, no_energy = steady_energy(
        samples, marks, lambda sample: sample["gpus"][gpu]["joules"] if readings else None
    )
    cpu_energy, no_cpu_energy = steady_energy(
        samples, marks, lambda sample: sample["cpu"]["joules"], wraps=cpu.get("energy_limit_joules")
    )
    values: dict[str, Any] = {
        "gpu_clock_mhz": spread(readings, "clock"),
        "memory_clock_mhz": spread(readings, "memory_clock"),
        "power_watts": spread(readings, "watts"),
        "power_limit_watts": known.get("power_limit_watts"),
        "power_limit_default_watts": known.get("power_limit_default_watts"),
        "energy_joules": energy,
        "temperature_celsius": spread(readings, "celsius"),
        "memory_used_bytes": spread(readings, "bytes"),
        "utilisation": spread(readings, "busy"),
        "other_processes": known.get("processes"),
        "cpu_clock_mhz": spread(processor, "clock"),
        "cpu_temperature_celsius": spread(processor, "celsius"),
        "cpu_energy_joules": cpu_energy,
        "load_average": cpu.get("load_average"),
        "governor": cpu.get("governor"),
        "on_battery": cpu.get("on_battery"),
    }
    lowered = [reading["throttle"] for reading in readings if reading["throttle"] is not None]
    reasons = dict.fromkeys(REPORTED, reason or "the device does not tell it") | {
        "energy_joules": reason or no_energy,
        "cpu_clock_mhz": "the system does not tell it",
        "cpu_temperature_celsius": "there is no sensor of the CPU",
        "cpu_energy_joules": cpu.get("energy_reason") or no_cpu_energy,
        "governor": "the system has no CPU frequency policy",
        "on_battery": "there is no battery, or nobody tells",
        "load_average": "this system has none",
    }
    return Telemetry(
        interval=interval,
        samples=len(samples),
        seconds=samples[-1][0] - samples[0][0] if samples else 0.0,
        throttle=tuple(dict.fromkeys(name for told in lowered for name in told)),
        sources={name: known.get("source", "/sys") for name in REPORTED if values[name] is not None}
        | {name: "/sys, /proc" for name in values if name not in REPORTED and values[name] is not None},
        unavailable={name: str(reasons[name]) for name, value in values.items() if value is None and reasons.get(name)}
        | ({} if lowered else {"throttle": reason or "the device does not tell it"}),
        **values,
    )


def choose_gpu(fixed: Mapping[str, Any], samples: Sequence[Stamped], device: str) -> tuple[int | None, str | None]:
    """Which of the GPUs was measured, or why none: with several, the one that worked most.

    torch counts GPUs by speed and by CUDA_VISIBLE_DEVICES, NVML by their place on the bus; who worked is who was
    measured.
    """
    if device == "cpu":
        return None, "measured on the CPU"
    if device == "mps":
        return None, "macOS tells GPU power and clocks to root only (powermetrics)"
    count = len(fixed["gpus"])
    if count == 0:
        return None, fixed.get("nvml_reason") or "no GPU driver offers readings"

    def work(index: int) -> tuple[float, float]:
        readings = [sample["gpus"][index] for _, sample in samples]
        grown = (readings[-1]["bytes"] or 0) - (readings[0]["bytes"] or 0) if readings else 0
        return sum(reading["busy"] or 0.0 for reading in readings), grown

    return max(range(count), key=work), None


def spread(readings: Sequence[Mapping[str, Any]], key: str) -> Spread | None:
    """The samples of one quantity; ``None`` when none was readable."""
    values = [float(reading[key]) for reading in readings if reading.get(key) is not None]
    if not values:
        return None
    return Spread(
        minimum=min(values), median=float(median(values)), maximum=max(values), first=values[0], last=values[-1]
    )


def steady_energy(
    samples: Sequence[Stamped],
    marks: Sequence[float],
    read: Callable[[Mapping[str, Any]], float | None],
    *,
    wraps: float | None = None,
) -> tuple[float | None, str | None]:
    """Joules between the first and the last mark by a counter, scaled from the samples to the marks; else why not."""
    times = [when for when, _ in samples]
    start, end = (marks[0], marks[-1]) if len(marks) > 1 else (times[0], times[-1]) if times else (0.0, 0.0)
    if end - start < SHORTEST_ENERGY:
        return None, f"a steady stretch of {end - start:.1f} s is too short: energies need {SHORTEST_ENERGY:.0f} s"
    inside = samples[max(0, bisect_left(times, start) - 1) : bisect_right(times, end) + 1]
    counted = [(when, joules) for when, sample in inside if (joules := read(sample)) is not None]
    if len(counted) < 2:  # noqa: PLR2004  # a difference needs two
        return None, "the device has no energy counter"
    used = counted[-1][1] - counted[0][1]
    if used < 0 and wraps:
        used += wraps  # the counter went round once
    took = counted[-1][0] - counted[0][0]
    return (used * (end - start) / took, None) if took > 0 and used >= 0 else (None, "the energy counter went back")
