"""Which runs, in which order, with how much of the budget. Pure."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from torchup.bench.request import Task
from torchup.bench.workloads import RECIPES
from torchup.errors import UsageError
from torchup.i18n.sentences import joined, sentence
from torchup.model import RecipeKind, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.answers import Capabilities
    from torchup.bench.request import BenchRequest
    from torchup.bench.workloads import Workload
    from torchup.model import Said


def plan(request: BenchRequest, workload: Workload, known: Capabilities) -> tuple[Task, ...]:
    """All runs: repeats outermost, so that recipes take turns; within a turn the cheap recipes first.

    Recipes that a device cannot run are left out; they are an error only when the user named them and none is left.

    Raises:
        UsageError: an unknown recipe or device, or nothing left to run.
    """
    devices = chosen_devices(request.devices, known)
    if workload.once and not request.devices:
        devices = devices[:1]
    recipes = chosen_recipes(request.recipes, workload)
    able = [(d, r) for d in devices for r in recipes if refusal(known, d, r) is None]
    if not able:
        reasons = [
            message("bench.recipe.reason", "{recipe} ({device}): {why}", recipe=r, device=d, why=sentence(why))
            for d, r, why in ((d, r, refusal(known, d, r)) for d in sorted(devices) for r in sorted(recipes))
        ]
        raise UsageError(
            message("bench.recipe.unable", "no chosen recipe can run here: {reasons}", reasons=joined(reasons)),
            hint=message("bench.recipe.unable.hint", "choose another --recipe, --device or --precision"),
        )
    weights = {recipe.name: recipe.weight for recipe in workload.ladder()}
    cheap_first = sorted(able, key=lambda pair: weights[pair[1]])
    tasks = tuple(
        Task(
            workload=workload.name,
            device=device,
            recipe=recipe,
            repeat=repeat,
            weight=weights[recipe],
            setting=setting,
        )
        for repeat in range(request.repeats)
        for device, recipe in cheap_first
        for setting in settings(request, workload)
        if takes_batch(recipe, setting.get("batch", request.batch))
    )
    if not tasks:
        raise _fixed_batch(tuple(dict.fromkeys(recipe for _, recipe in able)))
    return tasks


def _fixed_batch(recipes: Sequence[str]) -> UsageError:
    """That the recipes that the devices can run are written for another batch size."""
    return UsageError(
        message("bench.batch.fixed", "{recipes} can run only with a batch size of {batch}",
                recipes=", ".join(recipes), batch=RECIPES[recipes[0]].batch),
        hint=message("bench.batch.fixed.hint",
            "leave out --batch and `--sweep batch=...`, or choose another recipe"),
    )  # fmt: skip


def takes_batch(recipe: str, batch: int | None) -> bool:
    """Whether a recipe can train with a batch; its step may be written for one size."""
    known = RECIPES.get(recipe)
    return batch is None or known is None or known.batch in {None, batch}


def _no_setting(name: str, workload: Workload, known: Sequence[str]) -> UsageError:
    return UsageError(
        message("bench.sweep.unknown", "{workload} has no setting `{name}`", workload=workload.name, name=name),
        hint=message("bench.sweep.known", "choose one of: {names}", names=", ".join(known)),
    )


def settings(request: BenchRequest, workload: Workload) -> tuple[dict[str, int], ...]:
    """Every combination of the values that are swept. Raises `UsageError` for a setting that the workload lacks."""
    unknown = [name for name in request.sweep if name not in workload.settings]
    if unknown:
        raise _no_setting(unknown[0], workload, workload.settings)
    names = list(request.sweep)
    return tuple(dict(zip(names, values, strict=True)) for values in product(*(request.sweep[name] for name in names)))


def refusal(known: Capabilities, device: str, recipe: str) -> Said | None:
    """Why a recipe cannot be measured on a device; ``None`` where it can."""
    return known.recipes.get(device, {}).get(recipe) or known.refusals.get(device)


def share(tasks: Sequence[Task], left: float | None) -> float | None:
    """Seconds for the first of the remaining tasks: its weight's part of what is left."""
    return None if left is None else left * tasks[0].weight / sum(task.weight for task in tasks)


def chosen_recipes(asked: Sequence[str], workload: Workload) -> tuple[str, ...]:
    """The recipes asked for, in the workload's order. Raises `UsageError` for an unknown name."""
    names = workload.recipes
    if "all" in asked:  # the ladder; another training is measured only by its name
        return tuple(recipe.name for recipe in workload.ladder() if recipe.kind is not RecipeKind.SPEEDRUN)
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise UsageError(
            message(
                "bench.recipe.unknown", "{workload} has no recipe `{name}`", workload=workload.name, name=unknown[0]
            ),
            hint=message("bench.recipe.known", "choose one of: {names}", names=", ".join(names)),
        )
    return tuple(name for name in names if name in (asked or workload.default_recipes))


def chosen_devices(asked: Sequence[str], known: Capabilities) -> tuple[str, ...]:
    """The devices asked for; ``cuda`` means ``cuda:0``. Raises `UsageError` for one that torch does not see."""
    names = [facts.device for facts in known.devices]
    if not asked or "all" in asked:
        return tuple(names)
    spelled = [f"{name}:0" if name in {"cuda", "xpu"} else name for name in asked]
    unknown = [name for name in spelled if name not in names]
    if unknown:
        raise UsageError(
            message("bench.device.unknown", "torch sees no device `{name}` here", name=unknown[0]),
            hint=message("bench.device.known", "choose a device that torch sees: {names}", names=", ".join(names)),
        )
    return tuple(dict.fromkeys(spelled))
