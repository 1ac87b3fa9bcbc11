"""`conv`: a 3 x 3 convolution of ResNet's middle, forward and backward, in both memory layouts."""

import time
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import measure
import torch
from precision import Mixed

CHANNELS, WIDTH = 128, 28
BATCHES = (1, 8, 32, 128)
LONGEST = 0.5  # seconds of one step that is still tried
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Row(NamedTuple):
    """One batch size in one layout."""

    batch: int
    timing: measure.Timing
    flops: float

    def rate(self, seconds: List[float]) -> float:
        """TFLOP a second of the fastest of some samples."""
        return self.flops / min(seconds) / 1e12


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """TFLOP/s over the batch size for each layout; the backward pass is twice the forward's work."""
    mixed, start = measure.begin(request), time.perf_counter()
    bench = measure.Bench(request)
    batches = (int(request["batch"]),) if request.get("batch") else BATCHES
    found = {name: _sweep(bench, mixed, name, batches) for name in LAYOUTS}
    fastest = max((row for rows in found.values() for row in rows), key=lambda row: row.rate(row.timing.hot))
    curves = {
        "TFLOP/s %s by batch%s" % (name, ", cold" if cold else ""): _curve(rows, cold=cold)
        for name, rows in found.items()
        for cold in (False, True)
    }
    best: Dict[str, float] = {}
    for name, rows in found.items():
        if rows:
            top = max(rows, key=lambda row: row.rate(row.timing.hot))
            best["tflops_" + name] = top.rate(top.timing.hot)
            if top.timing.cold:
                best["tflops_%s_cold" % name] = top.rate(top.timing.cold)
    return bench.answer(
        curves, best, seconds=min(fastest.timing.hot), flops=fastest.flops,
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def _sweep(bench: measure.Bench, mixed: Mixed, name: str, batches: Tuple[int, ...]) -> List[Row]:
    found: List[Row] = []
    for batch in bench.points(batches):
        step, flops = step_of(bench.device, mixed, LAYOUTS[name], batch)
        found.append(Row(batch, bench.take("%s, batch %d" % (name, batch), step), flops))
        if min(found[-1].timing.hot) * 4 > LONGEST:
            break
    return found


def _curve(rows: List[Row], *, cold: bool) -> measure.Curve:
    taken = [(row, row.timing.cold if cold else row.timing.hot) for row in rows]
    return [(float(row.batch), row.rate(seconds)) for row, seconds in taken if seconds]


def step_of(device: str, mixed: Mixed, layout: torch.memory_format, batch: int) -> Tuple[Callable[[], Any], float]:
    """(forward and backward at a batch size, its FLOP)."""
    net = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).to(device=device, memory_format=layout)
    images = torch.randn(batch, CHANNELS, WIDTH, WIDTH, device=device).to(memory_format=layout).requires_grad_()
    wanted = (images, *net.parameters())

    def step() -> None:
        with mixed.forward():
            out = net(images)
        torch.autograd.grad(out, wanted, out.detach())  # taken, not added to the gradients of the last step

    return step, 3 * 2.0 * batch * CHANNELS * CHANNELS * 9 * WIDTH * WIDTH
