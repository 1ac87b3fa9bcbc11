"""Run as a child process while something is measured: samples clocks, power, temperature and memory, a JSON line each.

``python -I -m torchup.bench.telemetry_probe REQUEST``, REQUEST a JSON object: ``interval`` (seconds), ``keep`` (a file;
when it is gone the probe ends), ``limit`` (seconds). A child, because a hung driver hangs whoever asks NVML. NVIDIA is
read through NVML, AMD and Intel through the kernel's hwmon files (docs.kernel.org: gpu/amdgpu/thermal, hwmon/xe-hwmon),
the CPU through cpufreq, hwmon and RAPL (power/powercap).
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Bits of nvmlDeviceGetCurrentClocksEventReasons (nvml.h) that mean "slower than it could be".
THROTTLE = {0x04: "power", 0x08: "hardware-slowdown", 0x20: "thermal", 0x40: "hardware-thermal", 0x80: "power-brake"}
CPU_SENSORS = {"coretemp", "k10temp", "zenpower", "cpu_thermal"}
WORTH_NAMING = 256 * 1024**2  # bytes of GPU memory
AMD, INTEL = "0x1002", "0x8086"


class Nvidia:
    """Every NVIDIA GPU; empty with a reason where NVML does not answer."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.handles: list[Any] = []
        try:
            import pynvml  # type: ignore[import-untyped] # noqa: PLC0415  # NVIDIA ships no type information

            from torchup.detect import nvml_probe  # noqa: PLC0415  # it knows where drivers put the library

            self.nvml = pynvml
            nvml_probe.start()
            self.handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
        except Exception as error:  # noqa: BLE001  # no library, no driver, no permission: a reason, never a crash
            self.reason = str(error) or type(error).__name__

    def fixed(self) -> list[dict[str, Any]]:
        """What does not change during a run."""
        return [self._fixed_one(handle) for handle in self.handles]

    def _fixed_one(self, handle: Any) -> dict[str, Any]:
        nvml = self.nvml
        return {
            "name": _quietly(lambda: _text(nvml.nvmlDeviceGetName(handle))),
            "power_limit_watts": _quietly(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000),
            "power_limit_default_watts": _quietly(lambda: nvml.nvmlDeviceGetPowerManagementDefaultLimit(handle) / 1000),
            "processes": _quietly(lambda: _busy_processes(nvml.nvmlDeviceGetComputeRunningProcesses(handle))),
            "pci_id": _quietly(lambda: _text(nvml.nvmlDeviceGetPciInfo(handle).busId)),
            "source": "nvml",
        }

    def sample(self) -> list[dict[str, Any]]:
        """One reading of each GPU; what a card does not tell is null."""
        return [self._one(handle) for handle in self.handles]

    def _one(self, handle: Any) -> dict[str, Any]:
        nvml = self.nvml
        reasons = _quietly(lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
        return {
            "clock": _quietly(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            "memory_clock": _quietly(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
            "watts": _quietly(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
            "joules": _quietly(lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000),
            "celsius": _quietly(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            "bytes": _quietly(lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used),
            "busy": _quietly(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
            "throttle": None if reasons is None else [name for bit, name in THROTTLE.items() if reasons & bit],
        }


class Drm:
    """AMD and Intel GPUs by the files of their kernel drivers."""

    def __init__(self, root: Path) -> None:
        cards = sorted(root.glob("sys/class/drm/card[0-9]*/device"))
        self.cards: list[Path] = [
            card for card in cards if "-" not in card.parent.name and _read(card / "vendor") in {AMD, INTEL}
        ]

    def fixed(self) -> list[dict[str, Any]]:
        """What does not change during a run."""
        return [
            {
                "name": _read(card / "product_name"),
                "power_limit_watts": _number(_sensor(card, "power1_cap") or _sensor(card, "power1_max"), 1e-6),
                "power_limit_default_watts": _number(_sensor(card, "power1_cap_default"), 1e-6),
                "processes": None,
                "pci_id": _slot(card),
                "source": "/sys/class/drm",
            }
            for card in self.cards
        ]

    def sample(self) -> list[dict[str, Any]]:
        """One reading of each GPU."""
        return [
            {
                "clock": _number(_sensor(card, "freq1_input"), 1e-6),
                "memory_clock": _number(_sensor(card, "freq2_input"), 1e-6),
                "watts": _number(_sensor(card, "power1_average") or _sensor(card, "power1_input"), 1e-6),
                "joules": _number(_sensor(card, "energy1_input"), 1e-6),
                "celsius": _number(_sensor(card, "temp1_input"), 1e-3),
                "bytes": _number(_read(card / "mem_info_vram_used"), 1),
                "busy": _number(_read(card / "gpu_busy_percent"), 1e-2),
                "throttle": None,  # these drivers tell no reasons
            }
            for card in self.cards
        ]


class Processor:
    """The CPU: clock, temperature, energy of the packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clocks: list[Path] = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"))
        sensors = [folder for folder in root.glob("sys/class/hwmon/hwmon*") if _read(folder / "name") in CPU_SENSORS]
        self.sensor: Path | None = sensors[0] / "temp1_input" if sensors else None
        packages = root.glob("sys/class/powercap/intel-rapl:[0-9]*")
        self.packages: list[Path] = [p for p in packages if (_read(p / "name") or "").startswith("package")]

    def fixed(self) -> dict[str, Any]:
        """Governor, battery, load before the run, and why what is missing is missing."""
        policy = self.root / "sys/devices/system/cpu/cpu0/cpufreq"
        governor, driver = _read(policy / "scaling_governor"), _read(policy / "scaling_driver")
        load = (_read(self.root / "proc/loadavg") or "").split()
        return {
            "governor": f"{governor} ({driver})" if governor and driver else governor,
            "on_battery": on_battery(self.root),
            "load_average": float(load[0]) if load else None,
            "energy_limit_joules": sum(_number(_read(p / "max_energy_range_uj"), 1e-6) or 0 for p in self.packages),
            "energy_reason": self._energy_reason(),
        }

    def _energy_reason(self) -> str | None:
        if not self.packages:
            return "no-rapl"
        if _read(self.packages[0] / "energy_uj") is None:
            return "rapl-root"
        return None

    def sample(self) -> dict[str, Any]:
        """One reading."""
        clocks = [clock for path in self.clocks if (clock := _number(_read(path), 1e-3)) is not None]
        joules = [energy for p in self.packages if (energy := _number(_read(p / "energy_uj"), 1e-6)) is not None]
        return {
            "clock": sum(clocks) / len(clocks) if clocks else _cpuinfo_clock(self.root),
            "celsius": _number(_read(self.sensor), 1e-3) if self.sensor else None,
            "joules": sum(joules) if joules and len(joules) == len(self.packages) else None,
        }


def on_battery(root: Path) -> bool | None:
    """Whether a battery feeds the machine; ``None`` where there is none or the system does not tell."""
    if not (root / "sys/class/power_supply").is_dir():
        return _quietly(_psutil_battery) if root == Path("/") else None
    supplies = [(folder, _read(folder / "type")) for folder in root.glob("sys/class/power_supply/*")]
    mains = [_read(folder / "online") for folder, kind in supplies if kind in {"Mains", "USB"}]
    if not any(kind == "Battery" for _, kind in supplies) or not mains:
        return None
    return "1" not in mains


def _psutil_battery() -> bool | None:
    """The same on Windows and macOS."""
    import psutil  # noqa: PLC0415, TID251  # only there; this is a program of its own, not a part of a room

    battery = psutil.sensors_battery()
    plugged: bool | None = battery.power_plugged if battery is not None else None
    return None if plugged is None else not plugged


def _cpuinfo_clock(root: Path) -> float | None:
    lines = (_read(root / "proc/cpuinfo") or "").splitlines()
    clocks = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
    return sum(clocks) / len(clocks) if clocks else None


def _sensor(card: Path, name: str) -> str | None:
    return next((text for folder in sorted(card.glob("hwmon/hwmon*")) if (text := _read(folder / name))), None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _number(text: str | None, unit: float) -> float | None:
    with suppress(ValueError, TypeError):
        return float(str(text)) * unit if text is not None else None
    return None


def _busy_processes(processes: list[Any]) -> int | None:
    """Processes that hold memory worth naming: a desktop's own hold little, and Windows does not tell how much."""
    sizes = [process.usedGpuMemory for process in processes]
    if sizes and all(size is None for size in sizes):
        return None
    return sum(1 for size in sizes if size is not None and size >= WORTH_NAMING)


def _slot(card: Path) -> str | None:
    """The PCI address that a card's link leads to."""
    name = card.resolve().name
    return name if name.count(":") == 2 else None  # noqa: PLR2004  # domain:bus:device.function


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _quietly(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception:  # noqa: BLE001  # NVML answers "not supported" with an exception a field
        return None


def main(arguments: list[str]) -> int:
    """Print what is fixed, then a sample an interval until the file is gone or the limit is reached."""
    request = json.loads(arguments[0])
    root, keep = Path(request.get("root", "/")), Path(request["keep"])
    nvidia, drm, processor = Nvidia(), Drm(root), Processor(root)
    _say({"fixed": {"gpus": nvidia.fixed() + drm.fixed(), "nvml_reason": nvidia.reason, "cpu": processor.fixed()}})
    end, parent = time.monotonic() + request["limit"], os.getppid()
    while keep.exists() and time.monotonic() < end and os.getppid() == parent:
        _say({"sample": {"gpus": nvidia.sample() + drm.sample(), "cpu": processor.sample()}})
        time.sleep(request["interval"])
    return 0


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
