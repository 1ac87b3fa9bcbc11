"""Every workload that torchup brings: what it measures, its recipes, its quality bar. The worker finds plugins."""

from __future__ import annotations

from torchup.model import Message, Value, message

# 98.2 % was measured for the article's set-up after 10 epochs; a run that trains something else falls far below.
MNIST_EPOCHS = 10
MNIST_ACCURACY = 0.975


class Recipe(Value, frozen=True, kw_only=True):
    """One way of running a workload; ``weight`` is its share of a common time budget, relative to the others."""

    name: str
    summary: Message
    kind: str = "same-math"  # replica | same-math | speedrun | micro
    weight: float = 1.0


class Workload(Value, frozen=True, kw_only=True):
    """Something that can be measured."""

    name: str
    summary: Message
    recipes: tuple[Recipe, ...]  # slowest first
    default_recipes: tuple[str, ...]
    accuracy: float | None = None  # bar on quality["test_accuracy"]...
    accuracy_epochs: int | None = None  # ...once that many epochs were trained

    def recipe(self, name: str) -> Recipe | None:
        """A recipe by its name."""
        return next((recipe for recipe in self.recipes if recipe.name == name), None)


MNIST_RECIPES = (
    Recipe(
        name="script",
        kind="replica",
        weight=5.0,
        summary=message("bench.recipe.script", "the article's program: samples one by one through a DataLoader"),
    ),
    Recipe(
        name="loader",
        weight=3.0,
        summary=message(
            "bench.recipe.loader", "a DataLoader used well: whole batches, workers that stay, pinned memory"
        ),
    ),
    Recipe(
        name="resident",
        weight=2.0,
        summary=message("bench.recipe.resident", "data on the device, nothing read back until the epoch ends"),
    ),
    Recipe(
        name="graph",
        weight=2.0,
        summary=message("bench.recipe.graph", "steps recorded once and replayed (CUDA graphs; torch.compile on a CPU)"),
    ),
    Recipe(
        name="fused",
        summary=message("bench.recipe.fused", "the step written by hand for the device and compiled on the spot"),
    ),
    Recipe(
        name="best",
        summary=message("bench.recipe.best", "the fastest of those that the device supports"),
    ),
    Recipe(
        name="speedrun",
        kind="speedrun",
        summary=message("bench.recipe.speedrun", "another training that reaches the same accuracy in two epochs"),
    ),
)


def _single(name: str, summary: Message) -> Workload:
    """A workload that is run in one way."""
    recipe = Recipe(name="default", kind="micro", summary=summary)
    return Workload(name=name, summary=summary, recipes=(recipe,), default_recipes=("default",))


REGISTRY: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            name="mnist",
            summary=message("bench.workload.mnist", "train the article's network on MNIST, 10 epochs"),
            recipes=MNIST_RECIPES,
            default_recipes=("script", "resident"),
            accuracy=MNIST_ACCURACY,
            accuracy_epochs=MNIST_EPOCHS,
        ),
        Workload(
            name="fashion-mnist",
            summary=message("bench.workload.fashion-mnist", "the same on Fashion-MNIST's files (--data DIR)"),
            recipes=MNIST_RECIPES,
            default_recipes=("script", "resident"),
        ),
        _single("matmul", message("bench.workload.matmul", "matrix products: TFLOP/s by size and number format")),
        _single("conv", message("bench.workload.conv", "a 3 x 3 convolution, forward and backward, both layouts")),
        _single("bandwidth", message("bench.workload.bandwidth", "device memory, and host to device both ways")),
        _single("launch", message("bench.workload.launch", "what a call costs that does almost nothing")),
        _single("dataloader", message("bench.workload.dataloader", "how many DataLoader workers feed fastest")),
        _single("cifar-resnet", message("bench.workload.cifar-resnet", "train ResNet-18 on CIFAR-shaped images")),
        _single("gpt", message("bench.workload.gpt", "training steps of a 124 million parameter GPT-2")),
    )
}
