"""`dataloader`: how many worker processes feed fastest: the article's per-sample work, workers swept."""

import time
from typing import Any, Dict, List, NamedTuple, Tuple

import budget
import devices
import idx
import lenet
import measure
import samples
import torch
import userdata
from said import said

SAMPLES = 12_800
LEAST_BATCHES = 4


class Row(NamedTuple):
    """One number of workers: when each batch arrived, in seconds after the loader was asked for the first."""

    workers: int
    arrivals: List[float]

    def seconds(self, batches: int) -> float:
        """Seconds of so many batches: the wait for the first, and the rate of the others."""
        first, last = self.arrivals[0], self.arrivals[-1]
        each = (last - first) / (len(self.arrivals) - 1) if len(self.arrivals) > 1 else first
        return first + each * (batches - 1)


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Samples a second over the number of workers, start-up included; 0 loads in the training process itself."""
    measure.no_arithmetic(request)
    start = time.perf_counter()
    train, _ = userdata.grey(request.get("data"))
    transform, used = samples.choose_transform()
    part = idx.Split(train.images[:SAMPLES], train.labels[:SAMPLES])
    batch = int(request.get("batch") or lenet.BATCH)
    bench = measure.Bench(request)
    counts = workers_for(request)
    rows = []
    for number, workers in enumerate(bench.points(counts)):
        arrivals = _arrivals(
            samples.Samples(part, transform), batch, workers, bench.budget.part(1 / (len(counts) - number))
        )
        rows.append(Row(workers, arrivals))
        bench.raw["batch of %d workers" % workers] = [b - a for a, b in zip([0.0, *arrivals], arrivals)]
    batches = -(-len(part.labels) // batch)
    fewest = min(len(row.arrivals) for row in rows)
    notes = [said("cut-batches", done=fewest, total=batches)] if fewest < batches else []
    rates = [(float(row.workers), len(part.labels) / row.seconds(batches)) for row in rows]
    best, rate = max(rates, key=lambda row: row[1])
    return bench.answer(
        {"samples/s by workers": rates}, {"best_workers": best, "samples_per_second": rate},
        seconds=len(part.labels) / rate, samples=len(part.labels),
        parameters={**used, "batch": batch, "wall_seconds": time.perf_counter() - start,
                    "batches": fewest}, notes=notes,
    )  # fmt: skip


def workers_for(request: Dict[str, Any]) -> Tuple[int, ...]:
    """The numbers to try: the one asked for, else up to sixteen."""
    if request.get("workers") is not None:
        return (int(request["workers"]),)
    cores = devices.cores()
    return tuple(sorted({0, 1, 2, 4, min(8, cores), min(16, cores)}))


def _arrivals(data: samples.Samples, batch: int, workers: int, time_left: budget.Budget) -> List[float]:
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True, num_workers=workers)
    found: List[float] = []
    begin = time.perf_counter()
    for _ in loader:
        found.append(time.perf_counter() - begin)
        if len(found) >= LEAST_BATCHES and time_left.over():
            break
    return found
