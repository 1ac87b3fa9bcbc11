"""`launch`: what one call costs that does almost nothing: queued back to back, and waited for each time."""

import time
from typing import Any, Dict

import devices
import measure
import torch
from said import reason, said


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Microseconds of an in-place addition to one number, of an empty synchronisation, and in a CUDA graph."""
    device = request["device"]
    measure.no_arithmetic(request)
    start = time.perf_counter()
    value = torch.zeros(1, device=device)

    def waited() -> None:
        value.add_(1)
        devices.synchronize(device)

    queued = measure.samples(device, lambda: value.add_(1))
    best = {
        "queued_us": measure.middle(queued) * 1e6,
        "waited_us": measure.middle(measure.samples(device, waited)) * 1e6,
        "synchronise_us": measure.middle(measure.samples(device, lambda: devices.synchronize(device))) * 1e6,
    }
    notes = []
    if devices.kind(device) == "cuda":
        try:
            best["in_graph_us"] = in_graph(device, value)
        except RuntimeError as error:
            notes.append(said("left-out", name="CUDA graph", why=reason(error)))
    return measure.answer(
        [("queued, microseconds by sample", [(i + 1, s * 1e6) for i, s in enumerate(queued)])],
        best, seconds=measure.middle(queued), notes=notes, parameters={"wall_seconds": time.perf_counter() - start},
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
