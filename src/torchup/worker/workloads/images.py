"""`images`: train a ResNet on any folder of images; made-up JPEGs where there is none.

Request keys: ``data``, ``recipe`` (loader: decode and resize in worker processes, in every epoch; cached: decoded
once into a memory-mapped file; resident: on the device), ``epochs`` (1), ``batch``, ``size`` (pixels), ``model``,
``workers``, ``images`` (how many made-up ones), ``budget``.
"""

import os
import tempfile
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import devices
import lines
import measure
import pictures
import resnet
import torch
from recipes import UnavailableError
from said import SaidError, said
from torch.nn import functional

BATCH = {"cpu": 16}
SIZE = 64
WARM_STEPS, LEAST_STEPS = 1, 4
SWEEP_BATCHES = 4  # of each number of workers
ROOM = 0.6  # of the device's memory for resident images
TEST_SHARE = 0.2  # of a budget


class Setting(NamedTuple):
    """What a run trains with."""

    device: str
    batch: int
    size: int
    model: str
    workers: Optional[int]


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Every image each epoch; images a second, the split of the time, top-1 at the end."""
    device = request["device"]
    mixed = measure.begin(request)
    name = request.get("model") or "resnet18"
    if name not in resnet.MODELS:
        raise SaidError("no-model", name=name, names=", ".join(resnet.MODELS))
    batch = int(request.get("batch") or BATCH.get(devices.kind(device), 64))
    setting = Setting(device, batch, int(request.get("size") or SIZE), name, request.get("workers"))
    with tempfile.TemporaryDirectory(prefix="torchup-images-") as folder:
        if request.get("data"):
            found = pictures.listed(request["data"])
        else:
            made = os.path.join(folder, "made")  # noqa: PTH118  # a string goes on
            os.mkdir(made)  # noqa: PTH102  # same
            found = pictures.make_up(made, int(request.get("images") or pictures.MADE_UP), 2 * setting.size)
        return Training(setting, found, request, folder, mixed).result()


class Training:
    """One run: the network, its data, and where its time went."""

    def __init__(
        self, setting: Setting, found: pictures.Pictures, request: Dict[str, Any], folder: str, mixed: Any
    ) -> None:
        self.setting, self.found, self.request, self.folder, self.mixed = setting, found, request, folder, mixed
        self.recipe = request.get("recipe") or "loader"
        self.notes: List[Any] = [] if request.get("data") else [said("made-up-images", count=len(found.train))]
        self.split = {"input": 0.0, "transfer": 0.0, "compute": 0.0}
        self.facts: Dict[str, Any] = {}
        torch.manual_seed(int(request.get("seed") or 0))
        self.net = resnet.make(setting.model, found.classes, setting.size)
        self.net = self.net.to(device=setting.device, memory_format=torch.channels_last)
        self.update = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9)

    def result(self) -> Dict[str, Any]:
        """Load, train, test."""
        device, budget = self.setting.device, self.request.get("budget")
        self.batch = self._fitting_batch()
        self.workers = self._sweep() if self.setting.workers is None else int(self.setting.workers)
        stop_at = None if budget is None else max(lines.STARTED + budget, time.perf_counter() + 0.3 * budget)
        devices.reset_peak_memory(device)
        lines.stage("training")
        start = time.perf_counter()
        self._load()
        load = time.perf_counter() - start
        self.split["input"] += load
        seconds, losses, epochs = self._epochs(int(self.request.get("epochs") or 1), stop_at)
        lines.stage("testing")
        memory, counted = devices.peak_memory(device)
        accuracy = self._accuracy(None if budget is None else TEST_SHARE * budget)
        trained = epochs * len(self.found.train)
        return {
            "seconds": load + sum(seconds), "epoch_seconds": seconds, "load_seconds": load, "samples": trained,
            "quality": {"test_accuracy": accuracy, "images_per_second": trained / sum(seconds),
                        "final_loss": losses[-1]},
            "peak_memory_bytes": memory, "notes": self.notes,
            "parameters": {
                "epochs": epochs, "epochs_asked": int(self.request.get("epochs") or 1), "batch": self.batch,
                "size": self.setting.size, "model": self.setting.model, "workers": self.workers,
                "dataset": "made up" if not self.request.get("data") else "the user's", "images": len(self.found.train),
                "classes": self.found.classes, "split": self.split, "threads": torch.get_num_threads(),
                "peak_memory_counted": counted, **self.facts,
            },
        }  # fmt: skip

    def _fitting_batch(self) -> int:
        """The batch asked for, halved until a step fits into the memory."""

        def attempt(batch: int) -> None:
            self.update.zero_grad()
            images = torch.zeros(batch, 3, self.setting.size, self.setting.size, dtype=torch.uint8)
            self._step(images.to(self.setting.device), torch.zeros(batch, dtype=torch.long), keep=False)

        asked = min(self.setting.batch, len(self.found.train))
        batch = measure.fitting(asked, attempt)
        if batch < asked:
            self.notes.append(said("batch-halved", batch=batch, asked=self.setting.batch))
        return batch

    def _sweep(self) -> int:
        """How many worker processes decode fastest; 0 decodes in the training process."""
        part = self.found.train[: max(1, SWEEP_BATCHES * self.batch)]
        rates: Dict[int, float] = {}
        for workers in sorted({0, 1, 2, min(4, os.cpu_count() or 1), min(16, os.cpu_count() or 1)}):
            start = time.perf_counter()
            for _ in pictures.batches(pictures.Files(part, self.setting.size), self.batch, workers, order=None):
                pass
            rates[workers] = len(part) / (time.perf_counter() - start)
        self.facts["worker_sweep"] = {str(workers): rate for workers, rate in rates.items()}
        return max(rates, key=lambda workers: rates[workers])

    def _load(self) -> None:
        """Decode once where the recipe does."""
        self.store: Any = None
        if self.recipe == "loader":
            return
        path = os.path.join(self.folder, "train.bin")  # noqa: PTH118  # torch takes a string
        needed = 3 * self.setting.size**2 * len(self.found.train)
        memory = devices.facts(self.setting.device).get("memory_bytes") or devices.host_memory()
        if self.recipe == "resident" and memory and needed > ROOM * memory:
            raise UnavailableError("images-too-large", needed=needed // 2**20, have=memory // 2**20)
        self.store = pictures.Store(self.found.train, self.setting.size, path, self.workers)
        if self.recipe == "resident":
            self.store.images = self.store.images.clone().to(self.setting.device)
            self.store.labels = self.store.labels.to(self.setting.device)

    def _order(self) -> List[List[int]]:
        """All positions in batches; a last one of a single image joins the one before: a norm needs two."""
        order = torch.randperm(len(self.found.train)).tolist()
        parts = [order[at : at + self.batch] for at in range(0, len(order), self.batch)]
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        return parts

    def _batches(self, order: List[List[int]]) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
        if self.store is None:
            data = pictures.Files(self.found.train, self.setting.size)
            yield from pictures.batches(data, self.batch, self.workers, order=order)
            return
        for part in order:
            at = torch.tensor(part, device=self.store.labels.device)
            yield self.store.images[at], self.store.labels[at]

    def _epochs(self, wanted: int, stop_at: Optional[float]) -> Tuple[List[float], List[float], float]:
        seconds: List[float] = []
        losses: List[float] = []
        done = 0.0
        while len(seconds) < wanted and done == int(done):
            if seconds and stop_at is not None and time.perf_counter() + seconds[-1] > stop_at:
                break
            order = self._order()
            start = time.perf_counter()
            loss, steps, warm = self._epoch(order, stop_at)
            took = time.perf_counter() - start
            losses.append(loss)
            if steps < len(order):
                share = steps / len(order)
                whole = warm + (took - warm) * (len(order) - WARM_STEPS) / (steps - WARM_STEPS)
                seconds.append(whole * share)
                done += share
                self.notes.append(said("cut", steps=steps, total=len(order), warm=WARM_STEPS))
            else:
                seconds.append(took)
                done += 1
            lines.emit({"progress": {"epoch": int(done), "epochs": wanted, "seconds": sum(seconds), "loss": loss}})
        return seconds, losses, done

    def _epoch(self, order: List[List[int]], stop_at: Optional[float]) -> Tuple[float, int, float]:
        """(mean loss, steps done, seconds of the first few)."""
        total, steps, warm = 0.0, 0, 0.0
        begin = mark = time.perf_counter()
        for images, labels in self._batches(order):
            arrived = time.perf_counter()
            on_device = images.to(self.setting.device, non_blocking=True)
            truth = labels.to(self.setting.device, non_blocking=True)
            copied = devices.now(self.setting.device)
            total += float(self._step(on_device, truth))
            steps += 1
            end = devices.now(self.setting.device)
            for name, span in (("input", arrived - mark), ("transfer", copied - arrived), ("compute", end - copied)):
                self.split[name] += span
            mark = end
            if steps == WARM_STEPS:
                warm = end - begin
            if stop_at is not None and steps >= LEAST_STEPS and end > stop_at:
                break
        return total / steps, steps, warm

    def _step(self, images: torch.Tensor, labels: torch.Tensor, *, keep: bool = True) -> torch.Tensor:
        self.update.zero_grad()
        inputs = images.float().div_(255).contiguous(memory_format=torch.channels_last)
        with self.mixed.forward():
            loss = functional.cross_entropy(self.net(inputs), labels.to(self.setting.device))
        self.mixed.scaled(loss).backward()
        if keep:
            self.mixed.update(self.update)
        return loss.detach()

    @torch.no_grad()
    def _accuracy(self, limit: Optional[float]) -> float:
        """Top-1 over the test images, or over those that the time left is good for."""
        self.net.eval()
        start, right, seen = time.perf_counter(), 0, 0
        data = pictures.Files(self.found.test, self.setting.size)
        for images, labels in pictures.batches(data, self.batch, self.workers, order=None):
            inputs = images.to(self.setting.device).float().div_(255).contiguous(memory_format=torch.channels_last)
            right += int((self.net(inputs).argmax(1).cpu() == labels).sum())
            seen += len(labels)
            if limit is not None and time.perf_counter() - start > limit:
                break
        self.facts["tested"] = seen
        return right / seen
