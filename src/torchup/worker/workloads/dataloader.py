"""`dataloader`: how many worker processes feed fastest: the article's per-sample work, workers swept."""

import os
import time
from typing import Any, Dict

import devices
import idx
import lenet
import measure
import samples
import torch
import userdata

SAMPLES = 12_800


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Samples a second over the number of workers, start-up included; 0 loads in the training process itself."""
    measure.no_arithmetic(request)
    start = time.perf_counter()
    train, _ = userdata.grey(request.get("data"))
    transform, used = samples.choose_transform()
    part = idx.Split(train.images[:SAMPLES], train.labels[:SAMPLES])
    rates = []
    for workers in sorted({0, 1, 2, 4, min(8, _cores()), min(16, _cores())}):
        loader = torch.utils.data.DataLoader(
            samples.Samples(part, transform), batch_size=lenet.BATCH, shuffle=True, num_workers=workers
        )
        with devices.Stopwatch("cpu") as watch:
            for _ in loader:
                pass
        rates.append((float(workers), len(part.labels) / watch.seconds))
    best, rate = max(rates, key=lambda row: row[1])
    return measure.answer(
        [("samples/s by workers", rates)], {"best_workers": best, "samples_per_second": rate},
        seconds=len(part.labels) / rate, samples=len(part.labels),
        parameters={**used, "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def _cores() -> int:
    return os.cpu_count() or 1
