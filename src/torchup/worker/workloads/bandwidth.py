"""`bandwidth`: device memory by copying, and both ways between host and device from pageable and pinned memory."""

import time
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import devices
import measure
import torch
from said import Said, reason, said

SIZES = tuple(2**power for power in range(16, 29, 2))  # 64 KiB to 256 MiB
LARGE = 2**30
MIB = 2**20
Make = Callable[[str, int], Tuple[Callable[[], Any], int]]  # the work of a size, and how many bytes it moves


class Row(NamedTuple):
    """One size of one way."""

    size: int
    moved: int
    timing: measure.Timing

    def rate(self, seconds: List[float]) -> float:
        """GB (1e9) a second of the fastest of some samples."""
        return self.moved / min(seconds) / 1e9


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Curves of GB/s (1e9) over bytes. The figures kept are those of the largest size: caches do not help there."""
    measure.no_arithmetic(request)
    start, bench = time.perf_counter(), measure.Bench(request)
    sizes = (int(request["size"]) * MIB,) if request.get("size") else sizes_for(bench.device)
    found: Dict[str, List[Row]] = {"device copy": sweep(bench, "device copy", _device_copy, sizes)}
    notes: List[Said] = []
    if devices.kind(bench.device) == "cpu":
        notes.append(said("same-memory"))
    else:
        for name, make in (("host to device", _to_device), ("device to host", _to_host)):
            for pinned in (False, True):
                label = "%s, %s" % (name, "pinned" if pinned else "pageable")
                try:
                    found[label] = sweep(bench, label, make(pinned), sizes)
                except RuntimeError as error:
                    notes.append(said("left-out", name=label, why=reason(error)))
    curves = {
        "GB/s %s by bytes%s" % (name, ", cold" if cold else ""): _curve(rows, cold=cold)
        for name, rows in found.items()
        for cold in (False, True)
    }
    last = {name: rows[-1] for name, rows in found.items() if rows}
    best: Dict[str, float] = {}
    for name, row in last.items():
        short = name.replace(",", "").replace(" ", "_")
        best[short + "_gbs"] = row.rate(row.timing.hot)
        if row.timing.cold:
            best[short + "_cold_gbs"] = row.rate(row.timing.cold)
    copied = last["device copy"]
    return bench.answer(
        curves, best, seconds=min(copied.timing.hot), bytes=copied.moved, notes=notes,
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def sizes_for(device: str) -> Tuple[int, ...]:
    """The sizes to copy: on a GPU with room one more, past the largest last-level cache (256 MiB)."""
    memory = devices.facts(device).get("memory_bytes") or 0
    return (*SIZES, LARGE) if memory >= 8 * LARGE else SIZES


def sweep(bench: measure.Bench, name: str, make: Make, sizes: Sequence[int]) -> List[Row]:
    """Each size that there is time for, the largest first: it is the one that the figures are of."""
    found = []
    for size in bench.points(sorted(sizes, reverse=True)):
        work, moved = make(bench.device, size)
        found.append(Row(size, moved, bench.take("%s, %d bytes" % (name, size), work)))
    return found[::-1]


def _curve(rows: List[Row], *, cold: bool) -> measure.Curve:
    taken = [(row, row.timing.cold if cold else row.timing.hot) for row in rows]
    return [(float(row.size), row.rate(seconds)) for row, seconds in taken if seconds]


def _device_copy(device: str, size: int) -> Tuple[Callable[[], Any], int]:
    """A copy reads and writes: twice the bytes."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), 2 * size


def _to_device(pinned: bool) -> Make:  # noqa: FBT001  # one of two kinds
    def make(device: str, size: int) -> Tuple[Callable[[], Any], int]:
        source = torch.zeros(size, dtype=torch.uint8, pin_memory=pinned)
        target = torch.empty(size, dtype=torch.uint8, device=device)
        return lambda: target.copy_(source, non_blocking=pinned), size

    return make


def _to_host(pinned: bool) -> Make:  # noqa: FBT001  # one of two kinds
    def make(device: str, size: int) -> Tuple[Callable[[], Any], int]:
        source = torch.zeros(size, dtype=torch.uint8, device=device)
        target = torch.empty(size, dtype=torch.uint8, pin_memory=pinned)
        return lambda: target.copy_(source, non_blocking=pinned), size

    return make
