"""The ways of running the article's training. Each does the same mathematics; each file explains its own way."""

import importlib
from typing import Any, List

# Name -> module of this package. The order is the ladder's, slowest first.
REGISTRY = {
    "script": "recipes.script",
    "loader": "recipes.loader",
    "resident": "recipes.resident",
    "graph": "recipes.graph",
    "fused": "recipes.fused",
    "best": "recipes.best",
    "speedrun": "recipes.speedrun",  # another training, never part of the ladder
}


class UnavailableError(Exception):
    """A recipe cannot run on this device in this environment; the text says why."""


def names() -> List[str]:
    """Every recipe, slowest first."""
    return list(REGISTRY)


def load(name: str) -> Any:
    """The class `Recipe` of a recipe. Raises `KeyError` for an unknown name."""
    return importlib.import_module(REGISTRY[name]).Recipe
