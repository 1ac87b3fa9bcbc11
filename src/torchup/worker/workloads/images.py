"""`images`: train a ResNet on any folder of images; made-up JPEGs where there is none.

Request keys: ``data``, ``recipe`` (loader: decode and resize in worker processes, in every epoch; cached: decoded
once into a memory-mapped file; resident: on the device), ``epochs`` (1), ``batch``, ``size`` (pixels), ``model``,
``workers``, ``images`` (how many made-up ones), ``budget``, ``checkpoint`` (a file to go on from after a kill).
"""

import hashlib
import os
import tempfile
import time
from typing import Any, Dict, List, Tuple

import budget
import devices
import lines
import measure
import pictures
import resnet
import torch
from checkpoint import Checkpoint
from image_training import Setting, Source, Training
from recipes import UnavailableError
from said import Said, SaidError, said

BATCH = {"cpu": 16}
SIZE = 64
SWEEP_BATCHES = 4  # of each number of workers
ROOM = 0.6  # of the device's memory for resident images
LOAD_SHARE, TEST_SHARE = 0.4, 0.2  # of the time that a budget leaves


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Every image each epoch; images a second, the split of the time, top-1 at the end."""
    device, mixed = request["device"], measure.begin(request)
    name = request.get("model") or "resnet18"
    if name not in resnet.MODELS:
        raise SaidError("no-model", name=name, names=", ".join(resnet.MODELS))
    batch = int(request.get("batch") or BATCH.get(devices.kind(device), 64))
    size, seed = int(request.get("size") or SIZE), int(request.get("seed") or 0)
    setting = Setting(device, batch, size, name, request.get("workers"), seed)
    with tempfile.TemporaryDirectory(prefix="torchup-images-") as folder:
        if request.get("data"):
            found = pictures.listed(request["data"])
        else:
            made = os.path.join(folder, "made")  # noqa: PTH118  # a string goes on
            os.mkdir(made)  # noqa: PTH102  # same
            found = pictures.make_up(made, int(request.get("images") or pictures.MADE_UP), 2 * setting.size)
        return _Run(request, found, folder, Training(setting, found.classes, mixed)).result()


class _Run:
    """What surrounds the training: the batch that fits, the workers that feed fastest, what is decoded before it."""

    def __init__(self, request: Dict[str, Any], found: pictures.Pictures, folder: str, training: Training) -> None:
        self.request, self.found, self.folder, self.training = request, found, folder, training
        self.setting = training.setting
        self.recipe = request.get("recipe") or "loader"
        self.epochs = int(request.get("epochs") or 1)
        self.notes: List[Said] = [] if request.get("data") else [said("made-up-images", count=len(found.train))]
        self.facts: Dict[str, Any] = {}

    def result(self) -> Dict[str, Any]:
        """Load, train, test."""
        device = self.setting.device
        batch = self._fitting_batch()
        source = Source(self.setting, self.found, self._workers(batch))
        file = Checkpoint(self.request.get("checkpoint"), self._work(batch))
        self.training.go_on(file)
        time_left = budget.of(self.request)
        devices.reset_peak_memory(device)
        lines.stage("training", epochs=self.epochs)
        load = self._load(source, time_left.part(LOAD_SHARE))
        trained = self.training.epochs(source, batch, self.epochs, time_left.part(1 - TEST_SHARE), file)
        load *= trained.epochs / self.epochs  # decoding is done once for all epochs: the cut ones' share
        lines.stage("testing")
        memory, counted = devices.peak_memory(device)
        accuracy, tested = self.training.accuracy(self.found, batch, source.workers, time_left)
        split = self.training.place.split
        samples = trained.epochs * len(self.found.train)
        return {
            "seconds": load + sum(trained.seconds), "epoch_seconds": trained.seconds, "load_seconds": load,
            "samples": samples, "peak_memory_bytes": memory, "notes": [*self.notes, *self.training.notes],
            "quality": {"test_accuracy": accuracy, "images_per_second": samples / sum(trained.seconds),
                        "final_loss": trained.losses[-1]},
            "parameters": {
                "epochs": trained.epochs, "epochs_asked": self.epochs, "steps": trained.steps, "batch": batch,
                "size": self.setting.size, "model": self.setting.model, "workers": source.workers,
                "dataset": "made up" if not self.request.get("data") else "the user's", "images": len(self.found.train),
                "classes": self.found.classes, "split": {**split, "input": split["input"] + load},
                "threads": torch.get_num_threads(), "peak_memory_counted": counted, "tested": tested, **self.facts,
            },
        }  # fmt: skip

    def _work(self, batch: int) -> Dict[str, Any]:
        """What has to be the same for a training to go on: the images, the network, the steps."""
        listing = "\n".join("%s/%s" % (file.path.parent.name, file.path.name) for file in self.found.train)
        names = hashlib.sha256(listing.encode(errors="replace")).hexdigest()
        return {
            "recipe": self.recipe, "batch": batch, "epochs": self.epochs, "images": len(self.found.train),
            "tests": len(self.found.test), "names": names, "torch": str(torch.__version__),
            **{name: str(value) for name, value in self.setting._asdict().items()},
        }  # fmt: skip

    def _fitting_batch(self) -> int:
        """The batch asked for, halved until a step fits into the memory."""
        before = {name: value.clone() for name, value in self.training.net.state_dict().items()}

        def attempt(batch: int) -> None:
            images = torch.zeros(batch, 3, self.setting.size, self.setting.size, dtype=torch.uint8)
            labels = torch.zeros(batch, dtype=torch.long)
            self.training.step(images.to(self.setting.device), labels, keep=False)

        asked = min(self.setting.batch, len(self.found.train))
        batch = measure.fitting(asked, attempt)
        self.training.net.load_state_dict(before)  # a norm has counted images that there are not
        if batch < asked:
            self.notes.append(said("batch-halved", batch=batch, asked=asked))
        return batch

    def _workers(self, batch: int) -> int:
        """The number asked for, else how many worker processes decode fastest; 0 decodes in the training process."""
        if self.setting.workers is not None:
            return int(self.setting.workers)
        part = self.found.train[: max(1, SWEEP_BATCHES * batch)]
        rates: Dict[int, float] = {}
        for workers in sorted({0, 1, 2, min(4, devices.cores()), min(16, devices.cores())}):
            start = time.perf_counter()
            data = pictures.Files(part, self.setting.size)
            for _ in pictures.batches(data, workers, pictures.in_order(len(part), batch)):
                pass
            rates[workers] = len(part) / (time.perf_counter() - start)
        self.facts["worker_sweep"] = {str(workers): rate for workers, rate in rates.items()}
        return max(rates, key=lambda workers: rates[workers])

    def _load(self, source: Source, time_left: budget.Budget) -> float:
        """Decode once where the recipe does; seconds that all images take, by proportion where a budget ended it."""
        if self.recipe == "loader":
            return 0.0
        needed, memory = self._memory()
        if self.recipe == "resident" and memory and needed > ROOM * memory:
            raise UnavailableError("images-too-large", needed=needed // 2**20, have=memory // 2**20)
        path = os.path.join(self.folder, "train.bin")  # noqa: PTH118  # torch takes a string
        with devices.Stopwatch(self.setting.device) as watch:
            source.store = pictures.Store(self.found.train, self.setting.size, path)
            decoded = source.store.fill(source.workers, time_left)
            if self.recipe == "resident":
                source.store.move(self.setting.device)
        if len(decoded) < len(self.found.train):
            source.positions = decoded
            self.notes.append(said("decoded-cut", done=len(decoded), total=len(self.found.train)))
        return watch.seconds * len(self.found.train) / len(decoded)

    def _memory(self) -> Tuple[int, Any]:
        """(bytes of all training images, of the device's memory)."""
        memory = devices.facts(self.setting.device).get("memory_bytes") or devices.host_memory()
        return 3 * self.setting.size**2 * len(self.found.train), memory
