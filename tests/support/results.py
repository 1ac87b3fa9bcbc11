"""Results and runs made up for tests; nothing in them was measured."""

from __future__ import annotations

from torchup.model import Breakdown, Limit, Result, Spread, Telemetry
from torchup.results.run import Run

MACHINE = {"os": "linux", "arch": "x86_64", "cpu": {"model": "Example CPU", "cores": 2, "threads": 2}, "gpus": []}


def result(recipe: str = "script", seconds: float = 100.0, **changes: object) -> Result:
    """A CPU result of ten epochs; every field can be changed."""
    values: dict[str, object] = {
        "workload": "mnist",
        "recipe": recipe,
        "device": "cpu",
        "device_name": "Example CPU",
        "torch": "2.13.0+cpu",
        "seconds": seconds,
        "samples_per_second": 600_000 / seconds if seconds else None,
        "quality": {"test_accuracy": 0.982},
        "repeats": (seconds * 0.99, seconds, seconds * 1.01),
        "median": seconds,
        "ci95": (seconds * 0.99, seconds * 1.01),
        "stable": True,
        "machine": MACHINE,
        "parameters": {"epochs": 10, "batch": 64},
    }
    return Result(**(values | changes))


def run(*results: Result, **changes: object) -> Run:
    """A run of these results."""
    values: dict[str, object] = {
        "id": "20260101T000000-abc123",
        "created_at": "2026-01-01T00:00:00Z",
        "torchup": "0.1.0",
    }
    return Run(results=results, **(values | changes))


def breakdown(**parts: float) -> Breakdown:
    """A breakdown in seconds."""
    return Breakdown(**parts)


def telemetry(**changes: object) -> Telemetry:
    """Telemetry of a cool GPU that nothing disturbs."""
    values: dict[str, object] = {
        "interval": 0.1, "samples": 100, "seconds": 10.0,
        "gpu_clock_mhz": Spread(minimum=1700, median=1750, maximum=1800, first=1800, last=1750),
        "temperature_celsius": Spread(minimum=40, median=55, maximum=60, first=40, last=60),
    }  # fmt: skip
    return Telemetry(**(values | changes))


def limit(**changes: object) -> Limit:
    """A limit with everything known."""
    values: dict[str, object] = {
        "flops": 9.1e11, "bytes": 1e10, "peak_flops": 1e12, "peak_bandwidth": 1e11, "seconds": 0.91, "bound": "flops",
        "share": 0.0091, "source": "peaks.toml",
    }  # fmt: skip
    return Limit(**(values | changes))
