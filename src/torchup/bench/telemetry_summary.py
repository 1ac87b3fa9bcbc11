"""Samples of a machine that was watched -> one `Telemetry`: what counts, and why the rest is unknown. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from torchup.i18n.sentences import raised
from torchup.model import Said, Spread, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# NVML's counters are averages over up to a second and cover a quarter of it on A100 and H100 (arXiv 2312.02741), so
# the energy of a shorter stretch would be an invention.
SHORTEST_ENERGY = 5.0
FEWEST_SAMPLES = 5  # inside the measured time; fewer say what the device did before and after it
REPORTED = ("gpu_clock_mhz", "memory_clock_mhz", "power_watts", "energy_joules", "temperature_celsius",
            "memory_used_bytes", "utilisation", "power_limit_watts", "power_limit_default_watts",
            "other_processes")  # fmt: skip
CPU_SOURCE = "/sys, /proc"

Stamped = tuple[float, Mapping[str, Any]]  # (seconds on the host's clock, one sample)


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
    gpu, no_gpu = choose_gpu(fixed, device, pci_id)
    inside, few = _inside(samples, marks)
    readings = [sample["gpus"][gpu] for _, sample in inside] if gpu is not None else []
    known = fixed["gpus"][gpu] if gpu is not None else {}
    energies, no_energies = _energies(fixed, samples, marks, gpu)
    values = {**_of_gpu(readings, known), **_of_cpu([sample["cpu"] for _, sample in inside], fixed["cpu"]), **energies}
    lowered = [reading["throttle"] for reading in readings if reading["throttle"] is not None]
    missing = [name for name, value in values.items() if value is None] + ([] if lowered else ["throttle"])
    reasons = _reasons(no_gpu, few, no_energies)
    return Telemetry(
        interval=interval,
        samples=len(inside),
        seconds=inside[-1][0] - inside[0][0] if inside else 0.0,
        throttle=tuple(dict.fromkeys(name for told in lowered for name in told)),
        sources={
            name: known.get("source", "/sys") if name in REPORTED else CPU_SOURCE
            for name, value in values.items()
            if value is not None
        },
        unavailable={name: reasons[name] for name in missing if name in reasons},
        **values,
    )


def _inside(samples: Sequence[Stamped], marks: Sequence[float]) -> tuple[Sequence[Stamped], Said | None]:
    """The samples of the measured time; none, and why, where they are too few to speak for it."""
    if len(marks) < 2:  # noqa: PLR2004  # a beginning and an end
        return samples, None
    found = [(when, sample) for when, sample in samples if marks[0] <= when <= marks[-1]]
    if len(found) < FEWEST_SAMPLES:
        return (), Said(code="few-samples", values={"count": len(found), "wanted": FEWEST_SAMPLES})
    return found, None


def _of_gpu(readings: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> dict[str, Any]:
    """What the GPU did, and what it came with."""
    return {
        "gpu_clock_mhz": spread(readings, "clock"),
        "memory_clock_mhz": spread(readings, "memory_clock"),
        "power_watts": spread(readings, "watts"),
        "power_limit_watts": known.get("power_limit_watts"),
        "power_limit_default_watts": known.get("power_limit_default_watts"),
        "temperature_celsius": spread(readings, "celsius"),
        "memory_used_bytes": spread(readings, "bytes"),
        "utilisation": spread(readings, "busy"),
        "other_processes": known.get("processes"),
    }


def _of_cpu(readings: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> dict[str, Any]:
    """What the processor did, and how the machine is set."""
    return {
        "cpu_clock_mhz": spread(readings, "clock"),
        "cpu_temperature_celsius": spread(readings, "celsius"),
        "load_average": known.get("load_average"),
        "governor": known.get("governor"),
        "on_battery": known.get("on_battery"),
    }


def _energies(
    fixed: Mapping[str, Any], samples: Sequence[Stamped], marks: Sequence[float], gpu: int | None
) -> tuple[dict[str, float | None], dict[str, Said | None]]:
    """Joules of GPU and processor, and why one is unknown."""
    cpu = fixed["cpu"]
    of_gpu, no_gpu = steady_energy(
        samples, marks, lambda sample: sample["gpus"][gpu]["joules"] if gpu is not None else None
    )
    of_cpu, no_cpu = steady_energy(
        samples, marks, lambda sample: sample["cpu"]["joules"], wraps=cpu.get("energy_limit_joules")
    )
    no_counter = Said(code=cpu["energy_reason"]) if cpu.get("energy_reason") else no_cpu
    return (
        {"energy_joules": of_gpu, "cpu_energy_joules": of_cpu},
        {"energy_joules": no_gpu, "cpu_energy_joules": no_counter},
    )


def _reasons(no_gpu: Said | None, few: Said | None, energies: Mapping[str, Said | None]) -> dict[str, Said]:
    """Why a field would be unknown; a field without a reason here is never missing for one."""
    reasons: dict[str, Said | None] = {
        **dict.fromkeys((*REPORTED, "throttle"), no_gpu or few or Said(code="untold")),
        **energies,
        "cpu_clock_mhz": few or Said(code="system-untold"),
        "cpu_temperature_celsius": few or Said(code="no-sensor"),
        "governor": Said(code="no-policy"),
        "on_battery": Said(code="no-battery"),
        "load_average": Said(code="has-none"),
    }
    reasons["energy_joules"] = no_gpu or few or energies["energy_joules"]
    return {name: reason for name, reason in reasons.items() if reason is not None}


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
