"""What a recipe is: prepared outside the clock, then one call an epoch inside it."""

import time
from typing import Any, Dict, List, NamedTuple, Optional

import idx
import lenet
import torch
from precision import Mixed
from said import Said

WARM_STEPS = 5  # of an epoch that a budget cuts: the rate is that of the steps after them
LEAST_STEPS = 20  # fewer say nothing of a rate


class Task(NamedTuple):
    """What a recipe is given. ``train`` and ``test`` are on the CPU as they come from the files."""

    device: str
    precision: str
    seed: int
    train: idx.Split
    test: idx.Split
    threads: Optional[int] = None


class BaseRecipe:
    """Base of every recipe. `prepare` is outside the clock, `load` and `epoch` are inside it.

    Attributes:
        notes: what is to be said of how it ran (what was missing, what it fell back to).
        facts: named values that belong to the result (torchvision, threads, compile seconds).
    """

    stop_at: Optional[float] = None  # on the clock of `time.perf_counter`: an epoch ends at the first step after it
    warm_at: Optional[float] = None  # when the current epoch's first `WARM_STEPS` were done
    epochs: Optional[int] = None  # a training of its own length (speedrun); None: as many as asked for

    def __init__(self, task: Task) -> None:
        self.task = task
        self.mixed = Mixed(task.device, task.precision)
        self.notes: List[Said] = []
        self.facts: Dict[str, Any] = {}
        self.compile_seconds: Optional[float] = None

    @staticmethod
    def refusal(device: str) -> Optional[Said]:
        """Why this recipe cannot run on the device here; ``None`` where it can."""
        del device
        return None

    def prepare(self) -> None:
        """Warm up and compile; must leave no trace in weights, order or data."""
        lenet.warm_up(self.task.device)

    def rehearse(self) -> None:
        """The recipe's own epoch on two batches and a shorter one, so that nothing is met for the first time later.

        After `prepare`, outside the clock; `start` makes new weights and seeds the order.
        """

    def _rehearse_small(self) -> None:
        whole = self.task
        count = 2 * lenet.BATCH + len(whole.train.labels) % lenet.BATCH
        train = idx.Split(whole.train.images[:count], whole.train.labels[:count])
        self.task = whole._replace(train=train)
        try:
            self.start()
            self.load()
            self.epoch()
        finally:
            self.task = whole

    def start(self) -> None:
        """Make the initial weights from the seed. The last thing before the clock; draws nothing else."""
        self.net = lenet.fresh_net(self.task.seed)

    def load(self) -> None:
        """Bring the data to where the recipe wants it. Inside the clock."""

    def epoch(self) -> torch.Tensor:
        """Train one epoch in the order that the default generator gives; the per-step losses, on any device."""
        raise NotImplementedError

    def time_is_up(self, done: int) -> bool:
        """Whether an epoch that takes its steps one by one ends here; called after each step with how many are done."""
        if done == WARM_STEPS:
            self.warm_at = time.perf_counter()
        return self.stop_at is not None and done >= LEAST_STEPS and time.perf_counter() > self.stop_at

    def accuracy(self) -> float:
        """Test accuracy of the trained weights; after the clock."""
        images = lenet.normalised(self.task.test.images.to(self.task.device))
        return lenet.accuracy(self.net, images, self.task.test.labels.to(self.task.device))
