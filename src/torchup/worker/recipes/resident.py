"""`resident`: the data set lives on the device, normalised once; a batch is a gather there.

No loader, and the loss stays on the device until the epoch ends, so nothing waits for the host.
"""

import devices
import lenet
import torch

from recipes.base import BaseRecipe


def layout(device: str) -> torch.memory_format:
    """The memory layout of images: channels last on the CPU, where oneDNN then spares its reorders."""
    return torch.channels_last if devices.kind(device) == "cpu" else torch.contiguous_format


class Recipe(BaseRecipe):
    """Eager PyTorch on data that is already there."""

    def prepare(self) -> None:
        lenet.warm_up(self.task.device, memory_format=layout(self.task.device))

    def start(self) -> None:
        super().start()
        self.net = self.net.to(device=self.task.device, memory_format=layout(self.task.device))
        self.update = lenet.optimiser(self.net)

    def load(self) -> None:
        device = self.task.device
        self.images = lenet.normalised(self.task.train.images.to(device)).to(memory_format=layout(device))
        self.labels = self.task.train.labels.to(device)

    def epoch(self) -> torch.Tensor:
        order = lenet.draw_order(len(self.labels)).to(self.task.device)
        batches = lenet.batches(order)
        losses = torch.empty(len(batches), device=self.task.device)
        for step, positions in enumerate(batches):
            images = self.images.index_select(0, positions)
            labels = self.labels.index_select(0, positions)
            losses[step] = lenet.train_step(self.net, self.update, images, labels)
        return losses
