"""`bandwidth`: device memory by copying, and both ways between host and device from pageable and pinned memory."""

import time
from typing import Any, Callable, Dict, List, Tuple

import devices
import measure
import torch
from said import Said, reason, said

SIZES = tuple(2**power for power in range(16, 29, 2))  # 64 KiB to 256 MiB
LARGE = 2**30
Curve = List[Tuple[float, float]]


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Curves of GB/s (1e9) over bytes. The figures kept are those of the largest size: caches do not help there."""
    device = request["device"]
    measure.no_arithmetic(request)
    start = time.perf_counter()
    ways: Dict[str, Curve] = {"device copy": sweep(device, _device_copy)}
    notes: List[Said] = []
    if devices.kind(device) == "cpu":
        notes.append(said("same-memory"))
    else:
        for name, make in (("host to device", _to_device), ("device to host", _to_host)):
            for pinned in (False, True):
                label = "%s, %s" % (name, "pinned" if pinned else "pageable")
                try:
                    ways[label] = sweep(device, make(pinned))
                except RuntimeError as error:
                    notes.append(said("left-out", name=label, why=reason(error)))
    curves = [("GB/s %s by bytes" % name, curve) for name, curve in ways.items() if curve]
    best = {name.replace(",", "").replace(" ", "_") + "_gbs": curve[-1][1] for name, curve in ways.items() if curve}
    size, rate = ways["device copy"][-1]
    moved = 2 * size
    return measure.answer(
        curves, best, seconds=moved / (rate * 1e9), bytes=moved, notes=notes,
        parameters={"wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def sizes_for(device: str) -> Tuple[int, ...]:
    """The sizes to copy: on a GPU with room one more, past the largest last-level cache (256 MiB)."""
    memory = devices.facts(device).get("memory_bytes") or 0
    return (*SIZES, LARGE) if memory >= 8 * LARGE else SIZES


def sweep(device: str, make: Callable[[str, int], Tuple[Callable[[], Any], int]]) -> Curve:
    """GB/s at each size; ``make`` gives the work and how many bytes it moves."""
    found = []
    for size in sizes_for(device):
        work, moved = make(device, size)
        found.append((float(size), moved / min(measure.samples(device, work, count=5)) / 1e9))
    return found


def _device_copy(device: str, size: int) -> Tuple[Callable[[], Any], int]:
    """A copy reads and writes: twice the bytes."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), 2 * size


def _to_device(pinned: bool) -> Callable[[str, int], Tuple[Callable[[], Any], int]]:  # noqa: FBT001  # one of two kinds
    def make(device: str, size: int) -> Tuple[Callable[[], Any], int]:
        source = torch.zeros(size, dtype=torch.uint8, pin_memory=pinned)
        target = torch.empty(size, dtype=torch.uint8, device=device)
        return lambda: target.copy_(source, non_blocking=pinned), size

    return make


def _to_host(pinned: bool) -> Callable[[str, int], Tuple[Callable[[], Any], int]]:  # noqa: FBT001  # one of two kinds
    def make(device: str, size: int) -> Tuple[Callable[[], Any], int]:
        source = torch.zeros(size, dtype=torch.uint8, device=device)
        target = torch.empty(size, dtype=torch.uint8, pin_memory=pinned)
        return lambda: target.copy_(source, non_blocking=pinned), size

    return make
