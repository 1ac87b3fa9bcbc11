"""Every workload, recipe and precision: read from the list that the worker reads, and named for people here."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from torchup.model import Message, RecipeKind, Value, message, verbatim

ALONE = ("default",)  # the recipe of a workload that is run in one way
PLUGIN_OPTIONS = ("epochs", "data")  # what a plugin is promised (docs/how-to/extend.md)


class Recipe(Value, frozen=True, kw_only=True):
    """One way of running a workload; ``weight`` is its share of a common time budget, relative to the others."""

    name: str
    kind: RecipeKind
    weight: float = 1.0
    batch: int | None = None  # the only one it is written for; None: every one
    module: str | None = None  # of the worker
    epochs: int | None = None  # the only number it trains; None: every one
    precisions: tuple[str, ...] | None = None  # the only ones it is written for; None: every one


class Workload(Value, frozen=True, kw_only=True):
    """Something that can be measured; a plugin has a name only."""

    name: str
    module: str | None = None  # of the worker
    recipes: tuple[str, ...] = ALONE  # slowest first
    default_recipes: tuple[str, ...] = ALONE
    accuracy: float | None = None  # bar on quality["test_accuracy"]...
    accuracy_epochs: int | None = None  # ...once that many epochs were trained
    batch: int | None = None  # of the training as it was published; with another one it is another training
    convolutions: float = 0.0  # share of the arithmetic, the rest being matrix products
    settings: tuple[str, ...] = ("threads",)  # that can be swept
    options: tuple[str, ...] = ()  # of `BenchRequest`, which it uses beside those and the common ones
    distributed: tuple[str, ...] = ()  # the same where several processes measure it together; empty: they cannot
    resumable: bool = False  # inside a training
    indivisible: bool = False  # a budget ends the repeats, and not one of them
    once: bool = False  # chooses its device itself: measured once, watched on the first one
    explained: bool = False  # its time can be split into input, transfer, launch and compute

    @property
    def summary(self) -> Message:
        """What it measures."""
        return _WORKLOADS.get(self.name, verbatim(self.name))

    def ladder(self) -> tuple[Recipe, ...]:
        """Its recipes, slowest first."""
        return tuple(RECIPES[name] for name in self.recipes)


class _Table(Value, frozen=True, kw_only=True):
    precisions: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    workloads: tuple[Workload, ...]


_TABLE = msgspec.json.decode(files("torchup").joinpath("worker/registry.json").read_bytes(), type=_Table)
PRECISIONS = _TABLE.precisions
RECIPES = {recipe.name: recipe for recipe in _TABLE.recipes}
REGISTRY = {workload.name: workload for workload in _TABLE.workloads}


def recipe_summary(name: str) -> Message:
    """What a recipe does."""
    return _RECIPES.get(name, verbatim(name))


_RECIPES = {
    "script": message("bench.recipe.script", "a plain training loop: samples loaded one by one through a DataLoader"),
    "loader": message(
        "bench.recipe.loader", "a well-configured DataLoader: whole batches, persistent workers, pinned memory"
    ),
    "resident": message("bench.recipe.resident", "data on the device; nothing is read back before the end of an epoch"),
    "graph": message(
        "bench.recipe.graph", "steps recorded once and replayed (CUDA or XPU graphs; torch.compile on a CPU)"
    ),
    "fused": message("bench.recipe.fused", "a training step written by hand for the device and compiled at run time"),
    "best": message("bench.recipe.best", "the fastest recipe that the device supports"),
    "speedrun": message(
        "bench.recipe.speedrun", "a different training setup that reaches the other recipes' accuracy in two epochs"
    ),
    "cached": message("bench.recipe.cached", "data decoded once and read from a memory-mapped file"),
}
_WORKLOADS = {
    "mnist": message("bench.workload.mnist", "train a small convolutional network on MNIST for 10 epochs"),
    "fashion-mnist": message(
        "bench.workload.fashion-mnist", "train the network of `mnist` on Fashion-MNIST files (needs --data DIR)"
    ),
    "matmul": message("bench.workload.matmul", "measure matrix products: TFLOP/s by size and number format"),
    "conv": message("bench.workload.conv", "run a 3 x 3 convolution, forward and backward, in both memory layouts"),
    "bandwidth": message(
        "bench.workload.bandwidth", "measure the memory bandwidth of the device and the copies between host and device"
    ),
    "launch": message("bench.workload.launch", "measure the cost of a call that does almost nothing"),
    "dataloader": message("bench.workload.dataloader", "find the number of DataLoader workers that loads fastest"),
    "cifar-resnet": message("bench.workload.cifar-resnet", "train ResNet-18 on CIFAR-shaped images"),
    "images": message("bench.workload.images", "train a ResNet on images: your own (--data DIR) or generated ones"),
    "run": message("bench.workload.run", "run your own program: `torchup bench run -- python train.py`"),
    "gpt": message("bench.workload.gpt", "train a GPT-2 with 124 million parameters for some steps"),
}
