"""`script`: the article's program as written.

Samples are transformed one by one in two DataLoader workers, every
step copies its batch to the device and reads the loss back. This is what the article's times are times of.
"""

import lenet
import lines
import samples
import torch
from said import said

from recipes.base import BaseRecipe

WORKERS = 2
REPORT_EVERY = 100  # steps; the article prints a line that often


class Recipe(BaseRecipe):
    """The replica."""

    def prepare(self) -> None:
        super().prepare()
        transform, used = samples.choose_transform()
        self.facts.update(used, workers=WORKERS)
        if not used["torchvision"]:
            self.notes.append(said("no-torchvision") if used["pillow"] else said("no-pillow"))
        self._train = samples.Samples(self.task.train, transform)
        self._test = samples.Samples(self.task.test, transform)

    def start(self) -> None:
        super().start()
        self.net = self.net.to(self.task.device)
        self.update = lenet.optimiser(self.net)
        self.loader = torch.utils.data.DataLoader(
            self._train, batch_size=lenet.BATCH, shuffle=True, num_workers=WORKERS
        )

    def epoch(self) -> torch.Tensor:
        losses = []
        recent = 0.0
        for images, labels in self.loader:
            batch, truth = images.to(self.task.device), labels.to(self.task.device)
            losses.append(lenet.train_step(self.net, self.update, batch, truth, self.mixed).item())
            recent += losses[-1]
            if len(losses) % REPORT_EVERY == 0:
                lines.emit({"progress": {"step": len(losses), "loss": recent / REPORT_EVERY}})
                recent = 0.0
            if self.time_is_up(len(losses)):
                break
        return torch.tensor(losses)

    @torch.no_grad()
    def accuracy(self) -> float:
        if self.stop_at is not None:  # the loader's way takes a sixth of an epoch, which the budget has no room for
            return super().accuracy()
        loader = torch.utils.data.DataLoader(self._test, batch_size=lenet.BATCH, num_workers=WORKERS)
        right = 0
        for images, labels in loader:
            guess = self.net(images.to(self.task.device)).argmax(1)
            right += int((guess == labels.to(self.task.device)).sum())
        return right / len(self._test)
