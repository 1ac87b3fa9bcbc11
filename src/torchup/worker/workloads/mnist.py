"""`mnist`: the article's training run, by one of the recipes.

Request keys: ``recipe``, ``device``, ``epochs`` (10), ``budget`` (seconds for the timed part, ``None`` without),
``seed``, ``batch`` (64), ``precision``, ``threads``, ``data`` (folder of IDX files of the same shape), ``keep_losses``
(steps), ``probe`` (measure one part of the run alone, see probes.py).
"""

import math
import time
from typing import Any, Dict, List, NamedTuple

import budget
import devices
import idx
import lenet
import lines
import precision
import probes
import recipes
import torch
import userdata
from recipes.base import WARM_STEPS, BaseRecipe, Task
from said import Said, SaidError

EPOCHS = 10
RECORDING = ("graph", "fused")
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
    recipe.rehearse()
    if not lenet.order_is_the_loaders():
        raise SaidError("other-order")
    devices.reset_peak_memory(recipe.task.device)
    warm_up_seconds = time.perf_counter() - prepared
    trained = train(recipe, epochs, budget.of(request))
    epoch_seconds, losses = trained.seconds, trained.losses
    load_seconds = trained.load * trained.epochs / epochs  # loading is done once for all epochs: the cut ones' share
    samples = trained.epochs * len(recipe.task.train.labels)
    lines.stage("testing")
    memory, counted = devices.peak_memory(recipe.task.device, pools=_records(recipe, request))
    with devices.Stopwatch(recipe.task.device) as test:
        accuracy = recipe.accuracy()
    return {
        "seconds": load_seconds + sum(epoch_seconds),
        "samples": samples,
        "quality": {"test_accuracy": accuracy, "final_loss": _mean(losses[-1])},
        "epoch_seconds": epoch_seconds,
        "load_seconds": load_seconds,
        "compile_seconds": recipe.compile_seconds,
        "peak_memory_bytes": memory,
        "losses": torch.cat(losses)[: int(request.get("keep_losses") or KEPT_LOSSES)].tolist(),
        "flops": 2 * lenet.TRAIN_MACS * samples,
        "bytes": BYTES_A_SAMPLE * samples,
        "curves": {"loss per epoch": [(epoch + 1, _mean(part)) for epoch, part in enumerate(losses)]},
        "parameters": {
            "epochs": trained.epochs,
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
        "notes": [*recipe.notes, *trained.notes],
    }


def _records(recipe: BaseRecipe, request: Dict[str, Any]) -> bool:
    """Whether it recorded graphs, whose memory the allocator counts apart."""
    return recipe.facts.get("chosen", request.get("recipe")) in RECORDING


def make_recipe(request: Dict[str, Any]) -> BaseRecipe:
    """Read the data, set threads and precision, and build the recipe."""
    name, device, label = request.get("recipe") or "script", request["device"], request.get("precision")
    label = label or "fp32-default"
    refusal = recipes.refusal(name, device, label)
    if refusal:
        raise recipes.UnavailableError(refusal["code"], **refusal["values"])
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    if request.get("batch"):
        lenet.BATCH = int(request["batch"])  # of this process: every recipe, the order and the check read it there
    precision.enter(device, label)
    train, test = userdata.grey(request.get("data"))
    height, width = train.images.shape[1:]
    classes = 1 + int(max(train.labels.max(), test.labels.max()))
    if (height, width) != (28, 28) or classes > 10:
        raise idx.DataError("other-shape", size="%d x %d" % (width, height), classes=classes)
    return recipes.load(name)(
        Task(device, label, int(request.get("seed") or lenet.SEED), train, test, request.get("threads"))
    )


class Trained(NamedTuple):
    """The timed part: seconds and losses of each epoch.

    The last one may be cut by the budget; then its seconds are those of the part of an epoch that was trained, the
    loader's start included by its share.
    """

    seconds: List[float]
    losses: List[torch.Tensor]
    load: float  # seconds
    epochs: float
    notes: List[Said]


def train(recipe: BaseRecipe, epochs: int, time_left: budget.Budget) -> Trained:
    """Train ``epochs``, or what there is time for."""
    device = recipe.task.device
    recipe.start()
    recipe.stop_at = time_left.end
    lines.stage("training", epochs=epochs)
    with devices.Stopwatch(device) as load:
        recipe.load()
    seconds: List[float] = []
    losses: List[torch.Tensor] = []
    steps = -(-len(recipe.task.train.labels) // lenet.BATCH)
    done = 0.0
    notes: List[Said] = []
    while len(seconds) < epochs and not notes and not (seconds and time_left.over(seconds[-1])):
        start = devices.now(device)
        losses.append(recipe.epoch().detach().float().cpu())
        took = devices.now(device) - start
        if len(losses[-1]) < steps:
            first = (recipe.warm_at or start) - start
            part = budget.cut(took=took, first=first, warm=WARM_STEPS, done=len(losses[-1]), steps=steps)
            seconds.append(part.seconds)
            notes.append(part.note)
            done += part.share
        else:
            seconds.append(took)
            done += 1
        if not math.isfinite(_mean(losses[-1])):
            raise SaidError("loss-not-finite", epoch=len(seconds))
        lines.emit({"progress": {"epoch": int(done), "epochs": epochs, "seconds": load.seconds + sum(seconds),
                                 "loss": _mean(losses[-1])}})  # fmt: skip
    return Trained(seconds, losses, load.seconds, int(done) if done == int(done) else done, notes)


def _mean(losses: torch.Tensor) -> float:
    return float(losses.mean())
