"""`loader`: the honest repair of the script.

Still a DataLoader, but the transform takes a whole batch at a time,
workers stay alive between epochs, batches arrive in pinned memory and are copied while the device computes.
"""

import itertools
from typing import Iterator, List

import devices
import lenet
import samples
import sweep
import torch

from recipes.base import BaseRecipe

WORKERS = 2
WARM_STEPS = 12


class Orders:
    """Batches of positions for one epoch after another, in the shuffling loader's own order."""

    def __init__(self, count: int) -> None:
        self.order = torch.arange(count)

    def draw(self) -> None:
        """Draw the next epoch's order; called before the loader is iterated."""
        self.order = lenet.draw_order(len(self.order))

    def __iter__(self) -> Iterator[List[int]]:
        return iter([part.tolist() for part in lenet.batches(self.order)])

    def __len__(self) -> int:
        return (len(self.order) + lenet.BATCH - 1) // lenet.BATCH


class Recipe(BaseRecipe):
    """A DataLoader as its documentation recommends it."""

    def prepare(self) -> None:
        pinned = devices.kind(self.task.device) == "cuda"
        self.facts.update(workers=WORKERS, pinned=pinned)
        if devices.kind(self.task.device) == "cpu":
            self._sweep()
        lenet.warm_up(self.task.device)
        self.orders = Orders(len(self.task.train.labels))
        self.loader = torch.utils.data.DataLoader(
            samples.Batches(self.task.train),
            sampler=self.orders,
            batch_size=None,
            num_workers=WORKERS,
            pin_memory=pinned,
            persistent_workers=True,
            generator=torch.Generator(),  # the loader's own draws must not disturb the order of the batches
        )

    def _sweep(self) -> None:
        """Torch's threads beside the workers: on a small machine fewer are faster."""
        net = lenet.Net()
        update = lenet.optimiser(net)
        images, labels = torch.zeros(lenet.BATCH, 1, 28, 28), torch.zeros(lenet.BATCH, dtype=torch.long)

        def steps() -> None:
            for _ in range(WARM_STEPS):
                lenet.train_step(net, update, images, labels, self.mixed)

        sweep.torch_threads(steps, self.task.threads, self.facts)

    def start(self) -> None:
        super().start()
        self.net = self.net.to(self.task.device)
        self.update = lenet.optimiser(self.net)

    def epoch(self) -> torch.Tensor:
        self.orders.draw()
        losses = torch.empty(len(self.orders), device=self.task.device)
        for step, (images, labels) in zip(itertools.count(), self.loader):
            batch = images.to(self.task.device, non_blocking=True)
            truth = labels.to(self.task.device, non_blocking=True)
            losses[step] = lenet.train_step(self.net, self.update, batch, truth, self.mixed)
            if self.time_is_up(step + 1):
                return losses[: step + 1]
        return losses
