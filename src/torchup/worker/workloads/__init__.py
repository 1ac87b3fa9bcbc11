"""What can be measured.

A workload is a module with ``run(request) -> dict``. Third parties add theirs by the entry point group
``torchup.workloads`` in the environment that is measured.
"""

import importlib
from importlib import metadata
from typing import Any, List

# Name -> module of this package.
REGISTRY = {
    "mnist": "workloads.mnist",
    "fashion-mnist": "workloads.fashion_mnist",
    "matmul": "workloads.matmul",
    "conv": "workloads.conv",
    "bandwidth": "workloads.bandwidth",
    "launch": "workloads.launch",
    "dataloader": "workloads.dataloader",
    "cifar-resnet": "workloads.cifar_resnet",
    "gpt": "workloads.gpt",
}
GROUP = "torchup.workloads"


def plugins() -> List[Any]:
    """The entry points of third parties; Python 3.9's mapping and the later selectable form both work."""
    found = metadata.entry_points()
    return list(found.select(group=GROUP)) if hasattr(found, "select") else list(found.get(GROUP, []))


def names() -> List[str]:
    """Every workload's name, torchup's own first."""
    return [*REGISTRY, *sorted(point.name for point in plugins() if point.name not in REGISTRY)]


def load(name: str) -> Any:
    """The module of a workload. Raises `LookupError` when there is none of that name."""
    if name in REGISTRY:
        return importlib.import_module(REGISTRY[name])
    for point in plugins():
        if point.name == name:
            return point.load()
    raise LookupError("no workload %r; there are: %s" % (name, ", ".join(names())))
