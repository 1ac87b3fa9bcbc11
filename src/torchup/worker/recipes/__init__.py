"""The ways of running the article's training. Each does the same mathematics; each file explains its own way."""

import importlib
from typing import Any, List, Optional

import precision
import registry
from said import Said, SaidError, said

REGISTRY = {row["name"]: row["module"] for row in registry.RECIPES if row.get("module")}  # slowest first
# What was written for some formats only; the others follow torch's own rules in every format.
PRECISIONS = {row["name"]: tuple(row["precisions"]) for row in registry.RECIPES if row.get("precisions")}


class UnavailableError(SaidError):
    """A recipe cannot run on this device in this environment; code and values say why."""


def names() -> List[str]:
    """Every recipe, slowest first."""
    return list(REGISTRY)


def load(name: str) -> Any:
    """The class `Recipe` of a recipe. Raises `KeyError` for an unknown name."""
    return importlib.import_module(REGISTRY[name]).Recipe


def refusal(name: str, device: str, label: str) -> Optional[Said]:
    """Why a recipe cannot run on a device in a precision; ``None`` where it can."""
    why_not: Optional[Said] = load(name).refusal(device)
    if why_not:
        return why_not
    if label not in PRECISIONS.get(name, precision.NAMES):
        return said("no-form", name=name, label=label, labels=", ".join(PRECISIONS[name]))
    return precision.refusal(device, label)
