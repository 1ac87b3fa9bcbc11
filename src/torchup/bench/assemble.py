"""Raw measurements of fresh processes -> `Result` values. Pure."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.bench.answers import DeviceFacts
from torchup.bench.limits import Peak, impossible, limit, peak_of
from torchup.bench.stats import median, percentage, with_statistics
from torchup.bench.timebase import cut, for_request
from torchup.bench.workloads import RECIPES
from torchup.model import Breakdown, Message, RecipeKind, Result, Said, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.answers import Capabilities, RawResult
    from torchup.bench.request import BenchRequest, Task
    from torchup.bench.workloads import Workload
    from torchup.catalog.peaks import Peaks
    from torchup.model import Machine

_AGREEMENT_STEPS = 100
Group = tuple[str, str, tuple[tuple[str, int], ...]]  # device, recipe, setting of a sweep


def assemble(
    *,
    tasks: Sequence[Task],
    raw: Sequence[RawResult],
    request: BenchRequest,
    workload: Workload,
    known: Capabilities,
    machine: Machine | None,
    peaks: Peaks,
) -> tuple[Result, ...]:
    """One result for each device and recipe, its repeats together, in the order of devices and of the ladder."""
    groups: dict[Group, list[RawResult]] = {}
    for task, measured in zip(tasks, raw, strict=True):
        groups.setdefault((task.device, task.recipe, tuple(task.setting.items())), []).append(measured)
    places = {(one.device, recipe): n for n, (one, recipe) in enumerate(product(known.devices, workload.recipes))}
    order = sorted(groups, key=lambda group: (places.get(group[:2], len(places)), group[2]))
    references = {key: _reference_losses(groups, key) for key in {_batch(runs[0]) for runs in groups.values()}}
    facts = {one.device: one for one in known.devices}
    return tuple(
        _result(
            device=device,
            recipe=recipe,
            setting=dict(setting),
            runs=groups[device, recipe, setting],
            request=request,
            workload=workload,
            machine=machine,
            reference=references[_batch(groups[device, recipe, setting][0])],
            peak=_peak(facts[device], request.precision, machine, peaks, convolutions=workload.convolutions),
        )
        for device, recipe, setting in order
    )


def _result(
    *,
    device: str,
    recipe: str,
    setting: dict[str, int],
    runs: list[RawResult],
    request: BenchRequest,
    workload: Workload,
    machine: Machine | None,
    reference: tuple[float | None, ...],
    peak: Peak,
) -> Result:
    epochs = min((_epochs(run) for run in runs), default=0.0)
    seconds = [_seconds(run, epochs) for run in runs]
    middle = median(seconds)
    first = runs[0]
    samples = _scaled(first.samples, first, epochs)
    result = Result(
        workload=workload.name,
        recipe=recipe,
        device=device,
        device_name=device_name(device, first, machine),
        precision=request.precision,
        torch=first.torch,
        seconds=middle,
        epochs=epochs or None,
        samples_per_second=samples / middle if samples else None,
        quality=_quality(runs),
        repeats=tuple(seconds),
        machine=machine_identity(machine),
        environment={"python": first.python, "torch": first.torch, "cpu_capability": first.cpu_capability},
        parameters=_parameters(runs, epochs, _agreement(first, reference)) | ({"sweep": setting} if setting else {}),
        notes=_notes(runs) + ((peak.note,) if peak.note is not None and first.flops is not None else ()),
        kind=_kind(recipe, workload, _batch(first)),
        compile_seconds=first.compile_seconds,
        first_seconds=first.epoch_seconds[0] if _epochs(first) >= 1 and first.epoch_seconds else None,
        peak_memory_bytes=max((run.peak_memory_bytes or 0 for run in runs), default=0) or None,
        raw=_samples(runs),
        curves={name: _points(points) for name, points in first.curves.items()},
        limit=limit(
            peak, flops=_scaled(first.flops, first, epochs), moved=_scaled(first.bytes, first, epochs), seconds=middle
        ),
    )
    return with_request(with_statistics(_with_split(result)))


def _quality(runs: Sequence[RawResult]) -> dict[str, float]:
    """The median of each figure over the repeats; the least of an accuracy, which every repeat has to reach.

    Where a budget cut the repeats at different steps, those that trained least speak: the result counts their epochs.
    """
    fewest = min(_epochs(run) for run in runs)
    runs = [run for run in runs if _epochs(run) == fewest]
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.quality.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: (min if name == "test_accuracy" else median)(values) for name, values in found.items()}


def _samples(runs: Sequence[RawResult]) -> dict[str, tuple[float, ...]]:
    """Every sample of every repeat, in the order they were taken."""
    found: dict[str, tuple[float, ...]] = {}
    for run in runs:
        for name, taken in run.raw.items():
            found[name] = found.get(name, ()) + taken
    return found


def _points(points: Sequence[tuple[float | None, float | None]]) -> tuple[tuple[float, float], ...]:
    """A curve without the points that are not numbers."""
    return tuple((x, y) for x, y in points if x is not None and y is not None)


def _with_split(result: Result) -> Result:
    """The parts of a run that measured them itself, step by step."""
    found = result.parameters.get("split")
    if not isinstance(found, dict):
        return result
    known = {name: float(value) for name, value in found.items() if name in Breakdown.__struct_fields__}
    other = max(0.0, result.seconds - sum(known.values()))
    return msgspec.structs.replace(result, breakdown=Breakdown(**known, other=other))


def with_request(result: Result) -> Result:
    """The result with its time for the epochs that it was asked for, and how much of them was trained."""
    timed = for_request(result)
    if timed.amount is None or timed.amount.unit != "epoch":
        return result
    return msgspec.structs.replace(
        result, seconds_for_request=timed.seconds, extrapolated=timed.extrapolated, cut=cut(result)
    )


def _notes(runs: Sequence[RawResult]) -> tuple[Said, ...]:
    """What the repeats say of how they ran, each once."""
    found: list[Said] = []
    for run in runs:
        found += [note for note in run.notes if note not in found]
    return tuple(found)


def _epochs(run: RawResult) -> float:
    """How many epochs a run trained, the part of one that a budget cut included; 0 where it counts none."""
    epochs = run.parameters.get("epochs")
    return float(epochs) if run.epoch_seconds and isinstance(epochs, int | float) else float(len(run.epoch_seconds))


def _scaled(work: float | None, run: RawResult, epochs: float) -> float | None:
    """The work of as many epochs as all repeats have."""
    return work * epochs / _epochs(run) if work is not None and epochs else work


def _peak(facts: DeviceFacts, precision: str, machine: Machine | None, peaks: Peaks, *, convolutions: float) -> Peak:
    if facts.device == "mps" and machine is not None:
        cores = next((gpu.cores for gpu in machine.gpus), None)
        return peak_of(
            DeviceFacts(device=facts.device, name=machine.cpu.model), precision, peaks, apple_cores=cores,
            convolutions=convolutions,
        )  # fmt: skip
    return peak_of(facts, precision, peaks, convolutions=convolutions)


def _seconds(run: RawResult, epochs: float) -> float:
    """A run's time for the epochs that all repeats have: its first ones, or by proportion where one was cut."""
    did = _epochs(run)
    if not did or epochs == did:
        return run.seconds
    if epochs == int(epochs) and epochs < len(run.epoch_seconds):
        return (run.load_seconds or 0.0) * epochs / did + sum(run.epoch_seconds[: int(epochs)])
    return run.seconds * epochs / did


def _parameters(runs: Sequence[RawResult], epochs: float, agreement: float | None) -> dict[str, Any]:
    first, shortest = runs[0], min(runs, key=_epochs)
    parameters = dict(first.parameters)
    if "steps" in shortest.parameters:
        parameters["steps"] = shortest.parameters["steps"]
    if first.epoch_seconds:
        parameters |= {
            "epochs": int(epochs) if epochs == int(epochs) else epochs,
            "epoch_seconds": list(first.epoch_seconds),
        }
    if agreement is not None:
        parameters |= {"loss_difference": agreement, "loss_difference_steps": _AGREEMENT_STEPS}
    return parameters


def _batch(run: RawResult) -> int | None:
    batch = run.parameters.get("batch")
    return batch if isinstance(batch, int) else None


def _kind(recipe: str, workload: Workload, batch: int | None) -> RecipeKind:
    """What a result means: with a batch of its own it is another training, whatever runs it."""
    own = workload.batch is not None and batch is not None and batch != workload.batch
    return RecipeKind.SPEEDRUN if own else RECIPES[recipe].kind


def _reference_losses(groups: dict[Group, list[RawResult]], batch: int | None) -> tuple[float | None, ...]:
    """The losses that others with that batch are held against: the script's, else the resident recipe's."""
    for wanted in ("script", "resident"):
        for (_, recipe, _), runs in groups.items():
            if recipe == wanted and runs[0].losses and _batch(runs[0]) == batch:
                return runs[0].losses
    return ()


def _agreement(run: RawResult, reference: tuple[float | None, ...]) -> float | None:
    """Largest difference of the first steps' losses; ``None`` where there is nothing to compare."""
    pairs = zip(run.losses[:_AGREEMENT_STEPS], reference, strict=False)
    return max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=None)


def device_name(device: str, run: RawResult, machine: Machine | None) -> str | None:
    """The product behind a device: torch's word, else what was detected."""
    if run.device_facts is not None and run.device_facts.name:
        return run.device_facts.name
    if machine is None:
        return None
    if device == "mps":
        return next((gpu.name for gpu in machine.gpus), machine.cpu.model)
    return machine.cpu.model


def machine_identity(machine: Machine | None) -> dict[str, Any]:
    """What defines the machine for a comparison: no user, host or path."""
    if machine is None:
        return {}
    return {
        "os": str(machine.os),
        "os_version": machine.os_version,
        "arch": machine.arch,
        "cpu": {"model": machine.cpu.model, "cores": machine.cpu.cores, "threads": machine.cpu.threads},
        "memory_bytes": machine.memory_bytes,
        "gpus": [{"name": gpu.name, "memory_bytes": gpu.memory_bytes} for gpu in machine.gpus],
        "drivers": [{"vendor": str(driver.vendor), "version": driver.version} for driver in machine.drivers],
        "wsl": machine.wsl,
        "container": machine.container,
        "virtual_machine": machine.virtual_machine,
    }


def checked(results: tuple[Result, ...]) -> tuple[tuple[Result, ...], tuple[Said, ...]]:
    """The results that can be true, and why the others are left out."""
    verdicts = [(result, impossible(result)) for result in results]
    return tuple(result for result, why in verdicts if why is None), tuple(
        why for _, why in verdicts if why is not None
    )


def quality_problems(results: tuple[Result, ...], workload: Workload) -> tuple[Message, ...]:
    """Every full-length result below the workload's accuracy bar, as a sentence each.

    What a budget cut is not judged, whatever it is: its accuracy is that of a few steps.
    """
    if workload.accuracy is None:
        return ()
    found = []
    for result in results:
        epochs = float(result.parameters.get("epochs") or 0)
        reached = result.quality.get("test_accuracy")
        full = result.kind == RecipeKind.SPEEDRUN or epochs >= (workload.accuracy_epochs or 0)
        own_batch = workload.batch is not None and result.parameters.get("batch", workload.batch) != workload.batch
        if reached is None or not full or own_batch or cut(result) is not None or reached >= workload.accuracy:
            continue
        text = message(
            "bench.quality",
            "{workload}/{recipe} on {device} reached an accuracy of {reached} after {epochs} epochs; {bar} is "
            "required, so the time of this result does not count",
            workload=result.workload,
            recipe=result.recipe,
            device=result.device,
            reached=percentage(reached, 2),
            epochs=f"{epochs:g}",
            bar=percentage(workload.accuracy),
        )
        found.append(text)
    return tuple(found)
