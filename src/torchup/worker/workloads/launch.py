"""`launch`: what one call costs that does almost nothing: queued back to back, and waited for each time."""

import time
from typing import Any, Callable, Dict, List

import devices
import measure
import torch
from said import Said, reason, said


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Microseconds of an in-place addition to one number, of an empty synchronisation, and in a CUDA graph.

    ``cold_us`` is a single addition, waited for, after the caches were filled with something else.
    """
    measure.no_arithmetic(request)
    start, bench = time.perf_counter(), measure.Bench(request)
    device, value = bench.device, torch.zeros(1, device=bench.device)

    def waited() -> None:
        value.add_(1)
        devices.synchronize(device)

    works: Dict[str, Callable[[], Any]] = {
        "queued": lambda: value.add_(1),
        "waited": waited,
        "synchronise": lambda: devices.synchronize(device),
    }
    best: Dict[str, float] = {}
    for name in bench.points(works):
        timing = bench.take(name, works[name], count=measure.SAMPLES, cold=name == "waited")
        best[name + "_us"] = measure.middle(timing.hot) * 1e6
        if timing.cold:
            best["cold_us"] = measure.middle(timing.cold) * 1e6
    notes: List[Said] = []
    if devices.kind(device) == "cuda":
        try:
            best["in_graph_us"] = in_graph(device, value)
        except RuntimeError as error:
            notes.append(said("left-out", name="CUDA graph", why=reason(error)))
    return bench.answer(
        {}, best, seconds=best["queued_us"] / 1e6, notes=notes,
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def in_graph(device: str, value: torch.Tensor, kernels: int = 1000) -> float:
    """Microseconds a kernel in a graph of many dependent ones."""
    side = torch.cuda.Stream(device)
    with torch.cuda.stream(side):
        value.add_(1)
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(kernels):
            value.add_(1)
    return measure.middle(measure.samples(device, graph.replay)) / kernels * 1e6
