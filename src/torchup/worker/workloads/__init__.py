"""What can be measured.

A workload is a module with ``run(request) -> dict``. Third parties add theirs by the entry point group
``torchup.workloads`` in the environment that is measured.
"""

import importlib
from importlib import metadata
from typing import Any, List

import registry
from said import SaidError

REGISTRY = {row["name"]: row["module"] for row in registry.WORKLOADS}  # name -> module of this package
GROUP = "torchup.workloads"


def plugins() -> List[Any]:
    """The entry points of third parties; Python 3.9's mapping and the later selectable form both work."""
    found = metadata.entry_points()
    return list(found.select(group=GROUP)) if hasattr(found, "select") else list(found.get(GROUP, []))


def names() -> List[str]:
    """Every workload's name, torchup's own first."""
    return [*REGISTRY, *sorted(point.name for point in plugins() if point.name not in REGISTRY)]


def load(name: str) -> Any:
    """The module of a workload. Raises `SaidError` when there is none of that name."""
    if name in REGISTRY:
        return importlib.import_module(REGISTRY[name])
    for point in plugins():
        if point.name == name:
            return point.load()
    raise SaidError("no-workload", name=name, names=", ".join(names()))
