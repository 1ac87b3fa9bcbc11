"""`matmul`: square matrix products, sizes swept, a curve for each number format: TFLOP/s over the size."""

import time
from functools import partial
from typing import Any, Dict, List, NamedTuple, Sequence

import devices
import measure
import torch
from said import Said, reason, said

SIZES = (128, 256, 512, 1024, 2048, 4096, 8192)
LONGEST = {"cpu": 1.0}  # seconds of one product that is still tried
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Row(NamedTuple):
    """One size."""

    size: int
    timing: measure.Timing

    def rate(self, seconds: List[float]) -> float:
        """TFLOP a second of the fastest of some samples."""
        return 2.0 * self.size**3 / min(seconds) / 1e12


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Sweep sizes for the format that ``precision`` names, and beside float32 for the short formats that there are.

    The result's time and share of the peak are those of the label's own format.
    """
    label, start = measure.begin(request).precision, time.perf_counter()
    bench = measure.Bench(request)
    sizes = (int(request["size"]),) if request.get("size") else SIZES
    curves: Dict[str, measure.Curve] = {}
    best: Dict[str, float] = {}
    notes: List[Said] = []
    found: Dict[str, Row] = {}
    for name, dtype in formats_of(label).items():
        try:
            rows = sweep(bench, name, dtype, sizes)
        except (RuntimeError, TypeError) as error:
            notes.append(said("left-out", name=name, why=reason(error)))
            continue
        if rows:
            found[name] = max(rows, key=lambda row: row.rate(row.timing.hot))
            best["tflops_" + name] = found[name].rate(found[name].timing.hot)
            if found[name].timing.cold:
                best["tflops_%s_cold" % name] = found[name].rate(found[name].timing.cold)
            curves["TFLOP/s %s by size" % name] = _curve(rows, cold=False)
            curves["TFLOP/s %s by size, cold" % name] = _curve(rows, cold=True)
    own = found.get(next(iter(formats_of(label))))
    return bench.answer(
        curves, best, seconds=min(own.timing.hot) if own else time.perf_counter() - start,
        flops=2.0 * own.size**3 if own else None, notes=notes,
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def _curve(rows: List[Row], *, cold: bool) -> measure.Curve:
    taken = [(row, row.timing.cold if cold else row.timing.hot) for row in rows]
    return [(float(row.size), row.rate(seconds)) for row, seconds in taken if seconds]


def formats_of(label: str) -> Dict[str, torch.dtype]:
    """Curves to measure for a label, its own first."""
    if label == "tf32":
        return {"tf32": torch.float32}
    return {label: FORMATS[label]} if label in FORMATS else FORMATS


def sweep(bench: measure.Bench, name: str, dtype: torch.dtype, sizes: Sequence[int] = SIZES) -> List[Row]:
    """Each size until one takes too long or the time is over. The operands are random: zeros run faster."""
    found = []
    limit = LONGEST.get(devices.kind(bench.device), 0.25)
    for size in bench.points(sizes):
        left, right = (torch.randn(size, size, device=bench.device).to(dtype) for _ in range(2))
        found.append(Row(size, bench.take("%s %d" % (name, size), partial(torch.matmul, left, right))))
        if min(found[-1].timing.hot) * 8 > limit:
            break
    return found
