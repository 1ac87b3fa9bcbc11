"""`resident`: the data set lives on the device, normalised once; a batch is a gather there.

No loader, the loss stays on the device until the epoch ends, so nothing waits for the host, and a step is the fewest
operations that eager PyTorch can do it in (`lenet.lean_step`).
"""

import devices
import lenet
import sweep
import torch

from recipes.base import BaseRecipe

SWEEP_STEPS = 10


def layout(device: str) -> torch.memory_format:
    """The memory layout of images: channels last on the CPU, where oneDNN then spares its reorders."""
    return torch.channels_last if devices.kind(device) == "cpu" else torch.contiguous_format


class Recipe(BaseRecipe):
    """Eager PyTorch on data that is already there."""

    def prepare(self) -> None:
        device = self.task.device
        lenet.warm_up(device, memory_format=layout(device))
        if devices.kind(device) == "cpu":
            self._sweep()

    def _sweep(self) -> None:
        """Torch's threads for steps as small as these: more are not always faster."""
        net = lenet.Net().to(memory_format=torch.channels_last)
        parameters = list(net.parameters())
        update = lenet.optimiser(net, **fast_options("cpu"))
        images = torch.zeros(lenet.BATCH, 1, 28, 28).to(memory_format=torch.channels_last)
        labels = torch.zeros(lenet.BATCH, dtype=torch.long)

        def steps() -> None:
            for _ in range(SWEEP_STEPS):
                lenet.lean_step(parameters, update, images, labels, self.mixed)

        sweep.torch_threads(steps, self.task.threads, self.facts)

    def start(self) -> None:
        super().start()
        self.net = self.net.to(device=self.task.device, memory_format=layout(self.task.device))
        self.parameters = list(self.net.parameters())
        self.update = lenet.optimiser(self.net, **fast_options(self.task.device))

    def load(self) -> None:
        device = self.task.device
        self.images = lenet.normalised(self.task.train.images.to(device)).to(memory_format=layout(device))
        self.labels = self.task.train.labels.to(device)

    def epoch(self) -> torch.Tensor:
        order = lenet.draw_order(len(self.labels)).to(self.task.device)
        return torch.stack([self.step(positions) for positions in lenet.batches(order)])

    def step(self, positions: torch.Tensor) -> torch.Tensor:
        """Train on the samples at ``positions`` (on the device); the loss, which stays there."""
        images, labels = self.images.index_select(0, positions), self.labels.index_select(0, positions)
        return lenet.lean_step(self.parameters, self.update, images, labels, self.mixed)


def fast_options(device: str) -> dict:
    """The optimiser's implementation: one kernel for all parameters where this torch has it."""
    kind = devices.kind(device)
    if kind == "cpu":
        return {"fused": True} if _has_fused_sgd() else {}
    return {"foreach": True} if kind in ("cuda", "xpu") else {}


def _has_fused_sgd() -> bool:
    """SGD(fused=True) on the CPU came with torch 2.4."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    try:
        torch.optim.SGD([parameter], lr=0.1, momentum=0.9, fused=True).step()
    except (TypeError, RuntimeError, ValueError):
        return False
    return True
