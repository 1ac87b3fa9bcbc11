"""`conv`: a 3 x 3 convolution of ResNet's middle, forward and backward, in both memory layouts."""

import time
from typing import Any, Dict, List, Tuple

import measure
import torch
from precision import Mixed

CHANNELS, WIDTH = 128, 28
BATCHES = (1, 8, 32, 128)
LONGEST = 0.5  # seconds of one step that is still tried


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """TFLOP/s over the batch size for each layout; the backward pass is twice the forward's work."""
    device, mixed = request["device"], measure.begin(request)
    start = time.perf_counter()
    curves: List[Tuple[str, List[Tuple[float, float]]]] = []
    fastest: Tuple[float, float, float] = (0.0, 0.0, 0.0)
    kept = measure.raw("none", [])
    for name, layout in (("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)):
        rows = []
        for batch in BATCHES:
            samples, flops = step_samples(device, mixed, layout, batch)
            seconds = min(samples)
            rows.append((float(batch), flops / seconds / 1e12))
            if flops / seconds > fastest[0]:
                fastest = flops / seconds, flops, seconds
                kept = measure.raw("%s, batch %d" % (name, batch), samples)
            if seconds * 4 > LONGEST:
                break
        curves.append(("TFLOP/s %s by batch" % name, rows))
    best = {"tflops_" + name.split()[1]: max(rate for _, rate in rows) for name, rows in curves}
    return measure.answer(
        [*curves, kept], best, seconds=fastest[2], flops=fastest[1],
        parameters={"threads": torch.get_num_threads(), "wall_seconds": time.perf_counter() - start},
    )  # fmt: skip


def step_samples(device: str, mixed: Mixed, layout: torch.memory_format, batch: int) -> Tuple[List[float], float]:
    """(seconds of every sample, FLOP) of forward and backward at a batch size."""
    net = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).to(device=device, memory_format=layout)
    images = torch.randn(batch, CHANNELS, WIDTH, WIDTH, device=device).to(memory_format=layout).requires_grad_()

    wanted = (images, *net.parameters())

    def step() -> None:
        with mixed.forward():
            out = net(images)
        torch.autograd.grad(out, wanted, out.detach())  # taken, not added to the gradients of the last step

    flops = 3 * 2.0 * batch * CHANNELS * CHANNELS * 9 * WIDTH * WIDTH
    return measure.samples(device, step, count=5), flops
