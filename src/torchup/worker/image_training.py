"""One training on images: its network, its place in the data, where its time went, and how it goes on after a kill."""

import time
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

import budget
import devices
import lines
import pictures
import resnet
import torch
from checkpoint import Checkpoint
from said import Said, said
from torch.nn import functional

WARM_STEPS, LEAST_STEPS = 1, 4
REPORT_EVERY = 5.0  # seconds


class Setting(NamedTuple):
    """What a run trains with."""

    device: str
    batch: int
    size: int
    model: str
    workers: Optional[int]
    seed: int = 0


class Trained(NamedTuple):
    """Epochs trained, the last one perhaps a part, with the seconds of each and the mean loss of each."""

    seconds: List[float]
    losses: List[float]
    epochs: float
    steps: int


class Place:
    """How far the training is."""

    def __init__(self) -> None:
        self.epoch = 0  # whole ones
        self.step = 0  # of the current one
        self.spent = 0.0  # seconds of the current one
        self.first = 0.0  # seconds of its first few steps
        self.loss = 0.0  # sum over the steps of the current one
        self.seconds: List[float] = []
        self.losses: List[float] = []
        self.split = {"input": 0.0, "transfer": 0.0, "compute": 0.0}


class Source:
    """Where batches come from: files decoded in each epoch, or what was decoded once."""

    def __init__(self, setting: Setting, found: pictures.Pictures, workers: int) -> None:
        self.setting, self.found, self.workers = setting, found, workers
        self.store: Optional[pictures.Store] = None
        self.positions: Optional[List[int]] = None  # of what is decoded, where that is not everything

    def order(self, epoch: int, batch: int) -> List[List[int]]:
        """All positions in batches, the same for an epoch's number however often it is asked for.

        A last batch of a single image joins the one before: a norm needs two.
        """
        generator = torch.Generator().manual_seed(self.setting.seed + epoch)
        known = self.positions if self.positions is not None else range(len(self.found.train))
        order = [known[place] for place in torch.randperm(len(known), generator=generator).tolist()]
        parts = [order[at : at + batch] for at in range(0, len(order), batch)]
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        return parts

    def batches(self, order: List[List[int]]) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
        """Images and labels of each batch."""
        if self.store is None:
            data = pictures.Files(self.found.train, self.setting.size)
            yield from pictures.batches(data, self.workers, order)
            return
        for part in order:
            at = torch.tensor(part, device=self.store.labels.device)
            yield self.store.images[at], self.store.labels[at]


class Training:
    """The network and its steps."""

    def __init__(self, setting: Setting, classes: int, mixed: Any) -> None:
        self.setting, self.mixed = setting, mixed
        torch.manual_seed(setting.seed)
        self.net = resnet.make(setting.model, classes, setting.size)
        self.net = self.net.to(device=setting.device, memory_format=torch.channels_last)
        self.update = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9)
        self.place = Place()
        self.notes: List[Said] = []

    def go_on(self, file: Checkpoint) -> None:
        """Take up the training of a checkpoint, where there is one."""
        found = file.read()
        if found is None:
            return
        self.net.load_state_dict(found["net"])
        self.update.load_state_dict(found["update"])
        for name in vars(self.place):
            setattr(self.place, name, found[name])
        self.notes.append(said("resumed", epoch=self.place.epoch + 1, step=self.place.step))

    def keep(self, file: Checkpoint) -> None:
        """Write a checkpoint of this moment."""
        file.write({"net": self.net.state_dict(), "update": self.update.state_dict(), **vars(self.place)})

    def epochs(self, source: Source, batch: int, wanted: int, time_left: budget.Budget, file: Checkpoint) -> Trained:
        """Train what is left of the epochs, or what there is time for."""
        place, cut = self.place, None
        steps = -(-len(source.found.train) // batch)
        done = place.epoch * steps
        while place.epoch < wanted and cut is None and not (place.seconds and time_left.over(place.seconds[-1])):
            order = source.order(place.epoch, batch)
            self._epoch(source, order, wanted, time_left, file)
            loss, trained = place.loss / place.step, sum(len(part) for part in order[: place.step])
            done += place.step
            if trained < len(source.found.train):
                whole = round(place.step * len(source.found.train) / trained)
                cut = budget.cut(took=place.spent, first=place.first, warm=WARM_STEPS, done=place.step, steps=whole)
                self.notes.append(cut.note)
            else:
                place.epoch += 1
            place.seconds.append(cut.seconds if cut else place.spent)
            place.losses.append(loss)
            place.step, place.spent, place.first, place.loss = 0, 0.0, 0.0, 0.0
            if cut is None:
                self.keep(file)
            self._say(wanted, loss, seconds=sum(place.seconds))
        return Trained(place.seconds, place.losses, place.epoch + (cut.share if cut else 0), done)

    def _say(self, wanted: int, loss: float, **further: float) -> None:
        lines.emit({"progress": {"epoch": self.place.epoch, "epochs": wanted, "loss": loss, **further}})

    def _epoch(
        self, source: Source, order: List[List[int]], wanted: int, time_left: budget.Budget, file: Checkpoint
    ) -> None:
        """Train on the rest of an order. Writing checkpoints is not in the time."""
        place, device = self.place, self.setting.device
        mark = said_at = devices.now(device)
        for images, labels in source.batches(order[place.step :]):
            arrived = time.perf_counter()
            on_device = images.to(device, non_blocking=True)
            truth = labels.to(device, non_blocking=True)
            copied = devices.now(device)
            place.loss += float(self.step(on_device, truth))
            end = devices.now(device)
            for name, span in (("input", arrived - mark), ("transfer", copied - arrived), ("compute", end - copied)):
                place.split[name] += span
            place.spent += end - mark
            place.step += 1
            place.first = place.spent if place.step <= WARM_STEPS else place.first
            if place.step >= LEAST_STEPS and time_left.over():
                break
            if file.due():
                self.keep(file)
            mark = devices.now(device)
            if mark - said_at > REPORT_EVERY:
                said_at = mark
                self._say(wanted, place.loss / place.step, step=place.step, steps=len(order))

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, keep: bool = True) -> torch.Tensor:
        """One step; ``keep``: change the weights too."""
        self.update.zero_grad()
        inputs = images.float().div_(255).contiguous(memory_format=torch.channels_last)
        with self.mixed.forward():
            loss = functional.cross_entropy(self.net(inputs), labels.to(self.setting.device))
        self.mixed.scaled(loss).backward()
        if keep:
            self.mixed.update(self.update)
        return loss.detach()

    @torch.no_grad()
    def accuracy(
        self, found: pictures.Pictures, batch: int, workers: int, time_left: budget.Budget
    ) -> Tuple[float, int]:
        """(top-1, images seen) over the test images, or over those that there is time for, which are of every class."""
        self.net.eval()
        right, seen = 0, 0
        data = pictures.Files(found.test, self.setting.size)
        mixed = torch.randperm(len(found.test), generator=torch.Generator().manual_seed(0)).tolist()
        order = [mixed[at : at + batch] for at in range(0, len(mixed), batch)]
        for images, labels in pictures.batches(data, workers, order):
            inputs = images.to(self.setting.device).float().div_(255).contiguous(memory_format=torch.channels_last)
            right += int((self.net(inputs).argmax(1).cpu() == labels).sum())
            seen += len(labels)
            if time_left.over():
                break
        if seen < len(found.test):
            self.notes.append(said("tested-cut", done=seen, total=len(found.test)))
        return right / seen, seen
