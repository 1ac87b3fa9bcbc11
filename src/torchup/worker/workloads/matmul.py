"""`matmul`: square matrix products, sizes swept, a curve for each number format: TFLOP/s over the size."""

import time
from functools import partial
from typing import Any, Dict, List, Sequence, Tuple

import devices
import measure
import torch
from said import Said, reason, said

SIZES = (128, 256, 512, 1024, 2048, 4096, 8192)
LONGEST = {"cpu": 1.0}  # seconds of one product that is still tried
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Sweep sizes for the format that ``precision`` names, and beside float32 for the short formats that there are.

    The result's time and share of the peak are those of the label's own format.
    """
    device = request["device"]
    label = measure.begin(request).precision
    start = time.perf_counter()
    curves: List[Tuple[str, List[Tuple[float, float]]]] = []
    best: Dict[str, float] = {}
    notes: List[Said] = []
    first: Tuple[float, float] = (0.0, 0.0)
    formats = formats_of(label)
    for name, dtype in formats.items():
        try:
            curve = sweep(device, dtype, (int(request["size"]),) if request.get("size") else SIZES)
        except (RuntimeError, TypeError) as error:
            notes.append(said("left-out", name=name, why=reason(error)))
            continue
        curves.append(("TFLOP/s %s by size" % name, [(size, rate / 1e12) for size, rate, _ in curve]))
        best["tflops_" + name] = max(rate for _, rate, _ in curve) / 1e12
        if name == next(iter(formats)):
            size, _, samples = max(curve, key=lambda row: row[1])
            first = (2.0 * size**3, min(samples))
            curves.append(measure.raw("%s %d" % (name, size), samples))
    return measure.answer(
        curves, best, seconds=first[1] or time.perf_counter() - start, flops=first[0] or None, notes=notes,
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def formats_of(label: str) -> Dict[str, torch.dtype]:
    """Curves to measure for a label, its own first."""
    if label == "tf32":
        return {"tf32": torch.float32}
    return {label: FORMATS[label]} if label in FORMATS else FORMATS


def sweep(device: str, dtype: torch.dtype, sizes: Sequence[int] = SIZES) -> List[Tuple[int, float, List[float]]]:
    """(size, FLOP/s, seconds of every sample) for each size until one takes too long.

    The operands are random: zeros run faster.
    """
    found = []
    limit = LONGEST.get(devices.kind(device), 0.25)
    for size in sizes:
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        samples = measure.samples(device, partial(torch.matmul, left, right), count=5)
        found.append((size, 2.0 * size**3 / min(samples), samples))
        if min(samples) * 8 > limit:
            break
    return found
