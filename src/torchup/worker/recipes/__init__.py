"""The ways of running the article's training. Each does the same mathematics; each file explains its own way."""

import importlib
from typing import Any, List, Optional

import precision

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


# What was written for some formats only; the others follow torch's own rules in every format.
PRECISIONS = {
    "graph": ("fp32-default", "fp32-strict", "tf32", "bf16"),  # fp16 leaves steps out, which no recording can
    "fused": ("fp32-default", "fp32-strict", "tf32"),  # its arithmetic is written out, in float32
}


class UnavailableError(Exception):
    """A recipe cannot run on this device in this environment; the text says why."""


def names() -> List[str]:
    """Every recipe, slowest first."""
    return list(REGISTRY)


def load(name: str) -> Any:
    """The class `Recipe` of a recipe. Raises `KeyError` for an unknown name."""
    return importlib.import_module(REGISTRY[name]).Recipe


def refusal(name: str, device: str, label: str) -> Optional[str]:
    """Why a recipe cannot run on a device in a precision; ``None`` where it can."""
    why_not = load(name).refusal(device)
    if why_not:
        return str(why_not)
    if label not in PRECISIONS.get(name, precision.NAMES):
        return "%s has no form for %s: it is made for %s" % (name, label, ", ".join(PRECISIONS[name]))
    return precision.refusal(device, label)
