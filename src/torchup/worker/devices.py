"""One place that knows torch's devices: which there are, their names, their clock, their memory.

Work on a GPU is only queued when a call returns; a time is true only between two synchronisations. Every timing of
torchup goes through `now`, and nothing else in the worker synchronises or reads a clock.
"""

import math
import os
import time
from typing import Any, Dict, List, Optional, Tuple

import torch

KINDS = ("cpu", "cuda", "mps", "xpu")  # ROCm presents itself as cuda


def kind(device: str) -> str:
    """The type of a device: ``cuda`` for ``cuda:1``."""
    return torch.device(device).type


def available() -> List[str]:
    """Every device that torch can use here, GPUs first, in torch's own spelling."""
    found: List[str] = []
    if torch.cuda.is_available():
        found += ["cuda:%d" % index for index in range(torch.cuda.device_count())]
    xpu = getattr(torch, "xpu", None)
    if xpu is not None and xpu.is_available():
        found += ["xpu:%d" % index for index in range(xpu.device_count())]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def _module(device: str) -> Any:
    """``torch.cuda``, ``torch.xpu`` or ``torch.mps``; the CPU has nothing to wait for."""
    return getattr(torch, kind(device))


def select(device: str) -> None:
    """Make the device the current one: graphs, Triton and libraries work there, wherever the tensors are."""
    if kind(device) in ("cuda", "xpu") and torch.device(device).index is not None:
        _module(device).set_device(torch.device(device))


def synchronize(device: str) -> None:
    """Wait until everything queued on the device is done. On the CPU a call that returned is done."""
    name = kind(device)
    if name == "cpu":
        return
    if name in ("cuda", "xpu"):
        _module(device).synchronize(torch.device(device))
    elif name == "mps":
        _wait_for_mps()
    else:
        raise ValueError("no way to synchronise " + device)


def _wait_for_mps() -> None:
    """Wait for Apple's GPU; torch 1.12 and 1.13 have no `torch.mps`, and reading a value back waits for all before."""
    module = getattr(torch, "mps", None)
    if module is not None:
        module.synchronize()
    else:
        torch.zeros(1, device="mps").add_(1).cpu()


def now(device: str) -> float:
    """Seconds on a clock that never goes back, read after the device has finished all its work."""
    synchronize(device)
    return time.perf_counter()


class Stopwatch:
    """``with Stopwatch(device) as watch: ...`` then ``watch.seconds``: the device is synchronised at both ends."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds = 0.0
        self._start = 0.0

    def __enter__(self) -> "Stopwatch":
        self._start = now(self.device)
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = now(self.device) - self._start


def name(device: str) -> Optional[str]:
    """The product name that torch gives, ``None`` where it gives none (Apple, CPU): the parent knows those."""
    if kind(device) in ("cuda", "xpu"):
        return str(_module(device).get_device_name(torch.device(device)))
    return None


def facts(device: str) -> Dict[str, Any]:
    """What torch says of the device: name, memory, multiprocessors, capability or gfx; unknown is left out."""
    found: Dict[str, Any] = {"device": device, "name": name(device)}
    if kind(device) not in ("cuda", "xpu"):
        return found
    properties = _module(device).get_device_properties(torch.device(device))
    for key, attribute in (
        ("memory_bytes", "total_memory"),
        ("multiprocessors", "multi_processor_count"),
        ("gfx", "gcnArchName"),
        ("l2_bytes", "L2_cache_size"),
    ):
        value = getattr(properties, attribute, None)
        if isinstance(value, (int, str)) and value:
            found[key] = value
    address = pci_id(properties)
    if address:
        found["pci_id"] = address
    if kind(device) == "cuda" and not torch.version.hip:
        found["compute_capability"] = "%d.%d" % torch.cuda.get_device_capability(torch.device(device))
    return found


def pci_id(properties: Any) -> Optional[str]:
    """``0000:01:00.0`` of a device's properties; ``None`` where this torch does not tell its place on the bus."""
    names = ("pci_domain_id", "pci_bus_id", "pci_device_id")
    parts = [part for part in (getattr(properties, name, None) for name in names) if isinstance(part, int)]
    return "%04x:%02x:%02x.0" % tuple(parts) if len(parts) == len(names) else None


def cores() -> int:
    """Processors that this process may use: those it is bound to, or fewer where a container has a quota of time."""
    bound = getattr(os, "sched_getaffinity", None)
    most = len(bound(0)) if bound is not None else os.cpu_count() or 1
    quota = cpu_quota("/sys/fs/cgroup")
    return most if quota is None else max(1, min(most, math.ceil(quota)))


def cpu_quota(root: str) -> Optional[float]:
    """Processors' worth of time that a container may take (cgroup v2's cpu.max, v1's cpu.cfs_*); ``None``: no limit."""
    try:
        with open(root + "/cpu.max", encoding="ascii") as file:  # noqa: PTH123  # as everything in this file
            allowed, period = file.read().split()
    except (OSError, ValueError):
        try:
            with open(root + "/cpu/cpu.cfs_quota_us", encoding="ascii") as file:  # noqa: PTH123  # same
                allowed = file.read().strip()
            with open(root + "/cpu/cpu.cfs_period_us", encoding="ascii") as file:  # noqa: PTH123  # same
                period = file.read().strip()
        except OSError:
            return None
    return int(allowed) / int(period) if allowed.isdecimal() and period.isdecimal() and int(period) else None


def host_memory() -> Optional[int]:
    """Bytes of the machine's memory; ``None`` where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def reset_peak_memory(device: str) -> None:
    """Start a new high-water mark of device memory, where the backend keeps one."""
    if kind(device) in ("cuda", "xpu"):
        reset = getattr(_module(device), "reset_peak_memory_stats", None)
        if reset is not None:
            reset(torch.device(device))


def peak_memory(device: str, *, pools: bool = False) -> Tuple[Optional[int], Optional[str]]:
    """(bytes at the high-water mark, what was counted); (``None``, why) where it cannot be read.

    ``pools``: what recorded graphs keep for themselves counts too; the allocator calls it reserved, not allocated.

    CUDA and XPU: torch's allocator. MPS keeps no mark: what the driver holds now. CPU: the process's resident set.
    """
    name_of_kind = kind(device)
    if name_of_kind in ("cuda", "xpu"):
        counter, what = ("max_memory_reserved", "allocator, graphs included") if pools else (
            "max_memory_allocated", "allocator")  # fmt: skip
        ask = getattr(_module(device), counter, None)  # torch 2.4 has none for Intel GPUs
        return (int(ask(torch.device(device))), what) if ask is not None else (None, "no counter in this torch")
    if name_of_kind == "mps":
        ask = getattr(getattr(torch, "mps", None), "driver_allocated_memory", None)
        return (int(ask()), "driver, at the end") if ask is not None else (None, "no counter in this torch")
    return _resident_set()


def _resident_set() -> Tuple[Optional[int], Optional[str]]:
    try:
        import resource
        import sys
    except ImportError:
        return _windows_peak()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024), "process"  # macOS counts bytes, Linux KiB


def _windows_peak() -> Tuple[Optional[int], Optional[str]]:
    """The largest working set, which Windows keeps (psapi.h: PROCESS_MEMORY_COUNTERS)."""
    import ctypes

    windows: Any = getattr(ctypes, "windll", None)
    if windows is None:
        return None, "this system does not tell a process its peak memory"
    counters = (ctypes.c_size_t * 9)()  # cb and PageFaultCount share the first on 64 bits, then PeakWorkingSetSize
    ctypes.cast(counters, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(counters)
    process = ctypes.c_void_p(-1)  # this process's own handle
    done = windows.psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), ctypes.c_uint32(ctypes.sizeof(counters)))
    return (int(counters[1]), "process") if done else (None, "this system does not tell a process its peak memory")
