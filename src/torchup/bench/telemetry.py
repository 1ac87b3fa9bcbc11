"""What the machine did while it was measured: samples of a child process become one `Telemetry`."""

from __future__ import annotations

import json
import posixpath
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any, Self

import msgspec

from torchup.encoding import UNREADABLE
from torchup.host.threads import thread
from torchup.i18n.sentences import raised
from torchup.model import Result, Said, Spread, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from torchup.bench.request import Task
    from torchup.host import Host

FAST, SLOW = 0.1, 0.5  # seconds between samples with and without a GPU: NVML refreshes power about every 0.1 s
LIMIT = 8 * 3600.0  # seconds after which the probe ends by itself
STARTED = 5.0  # seconds to wait for its first line; a machine whose driver hangs is measured without telemetry
# NVML's counters are averages over up to a second and cover a quarter of it on A100 and H100 (arXiv 2312.02741), so
# the energy of a shorter stretch would be an invention.
SHORTEST_ENERGY = 5.0
FEWEST_SAMPLES = 5  # inside the measured time; fewer say what the device did before and after it
REPORTED = ("gpu_clock_mhz", "memory_clock_mhz", "power_watts", "energy_joules", "temperature_celsius",
            "memory_used_bytes", "utilisation", "power_limit_watts", "power_limit_default_watts",
            "other_processes")  # fmt: skip

Stamped = tuple[float, Mapping[str, Any]]  # (seconds on the host's clock, one sample)


class Recorder:
    """``with Recorder(host, device, pci_id) as recorder: ...`` then ``recorder.telemetry``.

    `mark` notes a moment of the measured time (it began, an epoch ended): everything is taken between the first and
    the last mark, so that start-up and evaluation are not in it. Points that are measured one after the other have
    marks, and a telemetry, of their own: `of_point`.
    """

    def __init__(self, host: Host, device: str, pci_id: str | None = None) -> None:
        self._host = host
        self._device = device
        self._pci_id = pci_id
        self._interval = SLOW if device == "cpu" else FAST
        self._keep = posixpath.join(
            host.folders().cache.replace("\\", "/"), f"telemetry-{threading.get_ident()}-{host.monotonic():.6f}"
        )
        self._fixed: Mapping[str, Any] | None = None
        self._samples: list[Stamped] = []
        self._marks: list[tuple[float, int | None]] = []
        self._first = threading.Event()
        self._thread = thread(self._run)
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
        if kind is None:
            self.telemetry = self._between(tuple(when for when, _ in self._marks))

    def of_point(self, point: int) -> Telemetry | None:
        """What the machine did while one of several points was measured; after the end."""
        return self._between(tuple(when for when, marked in self._marks if marked == point))

    def _between(self, marks: tuple[float, ...]) -> Telemetry | None:
        if self._fixed is None:
            return None
        return summarise(
            self._fixed,
            tuple(self._samples),
            device=self._device,
            pci_id=self._pci_id,
            interval=self._interval,
            marks=marks,
        )

    def mark(self, point: int | None = None) -> None:
        """The measured time began, goes on or ended now."""
        self._marks.append((self._host.monotonic(), point))

    def watch_lines(self, then: Callable[[str], None]) -> Callable[[str], None]:
        """The worker's lines on their way to ``then``: a change of stage or the end of an epoch is a mark."""

        def line(text: str) -> None:
            if text.startswith('{"progress"') and any(word in text for word in _MARKING):
                self.mark(_point_of(text))
            then(text)

        return line

    def _run(self) -> None:
        request = {"interval": self._interval, "keep": self._keep, "limit": LIMIT}
        python = self._host.platform().python_executable or "python3"
        argv = (python, "-I", "-m", "torchup.bench.telemetry_probe", json.dumps(request))
        try:
            self._host.run(argv, timeout=LIMIT, on_line=self._line)
        finally:
            self._first.set()  # no caller waits for a probe that could not start

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


_MARKING = ('"epoch"', '"training"', '"testing"', '"point"')


def _point_of(line: str) -> int | None:
    try:
        point = msgspec.json.decode(line, type=dict[str, dict[str, Any]])["progress"].get("point")
    except (*UNREADABLE, KeyError):
        return None
    return point if isinstance(point, int) else None


def with_surroundings(
    results: Sequence[Result], tasks: Sequence[Task], recorded: Sequence[Telemetry | None], *, code_hash: str
) -> tuple[Result, ...]:
    """Results with the hash of the code that measured them and the telemetry of their runs.

    The load before the first run is that of all: later ones would see what torchup itself did.
    """
    quiet = next((telemetry.load_average for telemetry in recorded if telemetry is not None), None)
    found = []
    for result in results:
        setting = result.parameters.get("sweep", {})
        runs = [
            msgspec.structs.replace(t, load_average=quiet) if t is not None else None
            for task, t in zip(tasks, recorded, strict=True)
            if (task.device, task.recipe, task.setting) == (result.device, result.recipe, setting)
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
    pci_id: str | None = None,
    marks: Sequence[float] = (),
) -> Telemetry:
    """Samples with their times -> one value. ``marks`` bound the measured time: nothing outside it counts."""
    gpu, reason = choose_gpu(fixed, device, pci_id)
    everything = samples
    if len(marks) > 1:
        samples = [(when, sample) for when, sample in samples if marks[0] <= when <= marks[-1]]
        if len(samples) < FEWEST_SAMPLES:
            reason = reason or Said(code="few-samples", values={"count": len(samples), "wanted": FEWEST_SAMPLES})
            samples = ()
    readings = [sample["gpus"][gpu] for _, sample in samples] if gpu is not None else []
    few = reason if not samples and len(marks) > 1 else None
    processor = [sample["cpu"] for _, sample in samples]
    known = fixed["gpus"][gpu] if gpu is not None else {}
    cpu = fixed["cpu"]
    energy, no_energy = steady_energy(
        everything, marks, lambda sample: sample["gpus"][gpu]["joules"] if gpu is not None else None
    )
    cpu_energy, no_cpu_energy = steady_energy(
        everything, marks, lambda sample: sample["cpu"]["joules"], wraps=cpu.get("energy_limit_joules")
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
    untold = Said(code="untold")
    no_counter = cpu.get("energy_reason")
    reasons: dict[str, Said | None] = {
        **dict.fromkeys(REPORTED, reason or untold),
        "energy_joules": reason or no_energy,
        "cpu_clock_mhz": few or Said(code="system-untold"),
        "cpu_temperature_celsius": few or Said(code="no-sensor"),
        "cpu_energy_joules": Said(code=no_counter) if no_counter else no_cpu_energy,
        "governor": Said(code="no-policy"),
        "on_battery": Said(code="no-battery"),
        "load_average": Said(code="has-none"),
    }
    return Telemetry(
        interval=interval,
        samples=len(samples),
        seconds=samples[-1][0] - samples[0][0] if samples else 0.0,
        throttle=tuple(dict.fromkeys(name for told in lowered for name in told)),
        sources={name: known.get("source", "/sys") for name in REPORTED if values[name] is not None}
        | {name: "/sys, /proc" for name in values if name not in REPORTED and values[name] is not None},
        unavailable={
            name: known_reason
            for name, value in values.items()
            if value is None and (known_reason := reasons.get(name)) is not None
        }
        | ({} if lowered else {"throttle": reason or untold}),
        **values,
    )


def choose_gpu(fixed: Mapping[str, Any], device: str, pci_id: str | None) -> tuple[int | None, Said | None]:
    """Which of the GPUs was measured, or why none: the one at the PCI address that torch names.

    torch counts GPUs by speed and by CUDA_VISIBLE_DEVICES, NVML by their place on the bus. Where torch does not tell
    the address, the only GPU is meant, and of several none: the busiest one may work for somebody else.
    """
    if device == "cpu":
        return None, Said(code="on-cpu")
    if device == "mps":
        return None, Said(code="powermetrics")
    gpus = fixed["gpus"]
    if not gpus:
        words = fixed.get("nvml_reason")
        return None, Said(code="nvml", values={"why": raised(words)}) if words else Said(code="no-readings")
    if pci_id is None:
        return (0, None) if len(gpus) == 1 else (None, Said(code="which-gpu", values={"count": len(gpus)}))
    found = [index for index, gpu in enumerate(gpus) if same_address(gpu.get("pci_id"), pci_id)]
    if not found and len(gpus) == 1 and gpus[0].get("pci_id") is None:
        return 0, None
    return (found[0], None) if found else (None, Said(code="other-gpu", values={"address": pci_id}))


def same_address(one: str | None, other: str | None) -> bool:
    """Whether two spellings name one PCI device: ``00000000:01:00.0`` (NVML) and ``0000:01:00.0`` (the kernel)."""
    if not one or not other:
        return False
    return _address(one) == _address(other)


def _address(text: str) -> tuple[int, ...]:
    parts = re.split(r"[:.]", text)
    try:
        numbers = [int(part, 16) for part in parts]
    except ValueError:
        return ()
    return tuple([0] * (4 - len(numbers)) + numbers)


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
) -> tuple[float | None, Said | None]:
    """Joules between the first and the last mark by a counter, scaled from the samples to the marks; else why not."""
    times = [when for when, _ in samples]
    start, end = (marks[0], marks[-1]) if len(marks) > 1 else (times[0], times[-1]) if times else (0.0, 0.0)
    if end - start < SHORTEST_ENERGY:
        return None, Said(code="too-short", values={"had": f"{end - start:.1f}", "wanted": f"{SHORTEST_ENERGY:.0f}"})
    inside = samples[max(0, bisect_left(times, start) - 1) : bisect_right(times, end) + 1]
    counted = [(when, joules) for when, sample in inside if (joules := read(sample)) is not None]
    if len(counted) < 2:  # noqa: PLR2004  # a difference needs two
        return None, Said(code="no-energy")
    used = counted[-1][1] - counted[0][1]
    if used < 0 and wraps:
        used += wraps  # the counter went round once
    took = counted[-1][0] - counted[0][0]
    return (used * (end - start) / took, None) if took > 0 and used >= 0 else (None, Said(code="energy-back"))
