"""`mnist`: the article's training run, by one of the recipes.

Request keys: ``recipe``, ``device``, ``epochs`` (10), ``budget`` (seconds for the timed part, ``None`` without),
``seed``, ``precision``, ``threads``, ``data`` (folder of IDX files of the same shape), ``keep_losses`` (steps),
``probe`` (measure one part of the run alone, see probes.py).
"""

import math
import time
from typing import Any, Dict, List, Optional, Tuple

import devices
import idx
import lenet
import lines
import precision
import probes
import recipes
import torch
import userdata
from recipes.base import BaseRecipe, Task
from said import SaidError

EPOCHS = 10
BYTES_A_SAMPLE = 28 * 28 + 8  # an image of bytes and its label: the least that has to be read
KEPT_LOSSES = 200  # steps whose losses are always reported: enough to see that two recipes train alike


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Measure one recipe once; see the module for the request, the return is the raw result of the worker.

    Raises:
        idx.DataError: data files missing or damaged.
        recipes.UnavailableError: the recipe cannot run on that device here.
    """
    if request.get("probe"):
        return probes.run(request)
    recipe = make_recipe(request)
    epochs = recipe.epochs or int(request.get("epochs") or EPOCHS)
    prepared = time.perf_counter()
    recipe.prepare()
    if not lenet.order_is_the_loaders():
        raise SaidError("other-order")
    devices.reset_peak_memory(recipe.task.device)
    warm_up_seconds = time.perf_counter() - prepared
    epoch_seconds, losses, load_seconds = _train(recipe, epochs, request.get("budget"))
    lines.stage("testing")
    memory, counted = devices.peak_memory(recipe.task.device)
    with devices.Stopwatch(recipe.task.device) as test:
        accuracy = recipe.accuracy()
    return {
        "seconds": load_seconds + sum(epoch_seconds),
        "samples": len(epoch_seconds) * len(recipe.task.train.labels),
        "quality": {"test_accuracy": accuracy, "final_loss": _mean(losses[-1])},
        "epoch_seconds": epoch_seconds,
        "load_seconds": load_seconds,
        "compile_seconds": recipe.compile_seconds,
        "peak_memory_bytes": memory,
        "losses": torch.cat(losses)[: int(request.get("keep_losses") or KEPT_LOSSES)].tolist(),
        "flops": 2 * lenet.TRAIN_MACS * len(epoch_seconds) * len(recipe.task.train.labels),
        "bytes": BYTES_A_SAMPLE * len(epoch_seconds) * len(recipe.task.train.labels),
        "curves": {"loss per epoch": [(epoch + 1, _mean(part)) for epoch, part in enumerate(losses)]},
        "parameters": {
            "epochs": len(epoch_seconds),
            "epochs_asked": epochs,
            "batch": lenet.BATCH,
            "steps": sum(len(part) for part in losses),
            "seed": recipe.task.seed,
            "threads": torch.get_num_threads(),
            "warm_up_seconds": warm_up_seconds,
            "evaluation_seconds": test.seconds,
            "peak_memory_counted": counted,
            **recipe.facts,
        },
        "notes": recipe.notes,
    }


def make_recipe(request: Dict[str, Any]) -> BaseRecipe:
    """Read the data, set threads and precision, and build the recipe."""
    name, device, label = request.get("recipe") or "script", request["device"], request.get("precision")
    label = label or "fp32-default"
    refusal = recipes.refusal(name, device, label)
    if refusal:
        raise recipes.UnavailableError(refusal["code"], **refusal["values"])
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    precision.enter(device, label)
    train, test = userdata.grey(request.get("data"))
    height, width = train.images.shape[1:]
    classes = 1 + int(max(train.labels.max(), test.labels.max()))
    if (height, width) != (28, 28) or classes > 10:
        raise idx.DataError("other-shape", size="%d x %d" % (width, height), classes=classes)
    return recipes.load(name)(
        Task(device, label, int(request.get("seed") or lenet.SEED), train, test, request.get("threads"))
    )


def _train(recipe: BaseRecipe, epochs: int, budget: Optional[float]) -> Tuple[List[float], List[torch.Tensor], float]:
    """The timed part: seconds of each epoch, losses of each epoch, seconds of loading."""
    device = recipe.task.device
    recipe.start()
    with devices.Stopwatch(device) as load:
        recipe.load()
    seconds: List[float] = []
    losses: List[torch.Tensor] = []
    lines.stage("training", epochs=epochs)
    while len(seconds) < epochs and not _would_outrun(seconds, load.seconds, budget):
        with devices.Stopwatch(device) as watch:
            losses.append(recipe.epoch().detach().float().cpu())
        seconds.append(watch.seconds)
        if not math.isfinite(_mean(losses[-1])):
            raise SaidError("loss-not-finite", epoch=len(seconds))
        lines.emit({"progress": {"epoch": len(seconds), "epochs": epochs, "seconds": load.seconds + sum(seconds),
                                 "loss": _mean(losses[-1])}})  # fmt: skip
    return seconds, losses, load.seconds


def _would_outrun(seconds: List[float], load: float, budget: Optional[float]) -> bool:
    """Whether one more epoch would pass the budget; the first one always runs."""
    return bool(seconds) and budget is not None and load + sum(seconds) + seconds[-1] > budget


def _mean(losses: torch.Tensor) -> float:
    return float(losses.mean())
