"""Raw measurements of fresh processes -> `Result` values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.bench.answers import DeviceFacts
from torchup.bench.limits import Peak, limit, peak_of
from torchup.bench.stats import median, with_statistics
from torchup.errors import BenchError
from torchup.model import Message, Result, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.answers import Capabilities, RawResult
    from torchup.bench.runner import Request
    from torchup.bench.schedule import Task
    from torchup.bench.workloads import Workload
    from torchup.catalog.peaks import Peaks
    from torchup.model import Machine

_AGREEMENT_STEPS = 100


class QualityError(BenchError):
    """A run missed the workload's quality bar; ``results`` holds all that was measured."""

    def __init__(self, text: Message, *, hint: Message | None = None, results: tuple[Result, ...] = ()) -> None:
        super().__init__(text, hint=hint)
        self.results = results


def assemble(
    *,
    tasks: Sequence[Task],
    raw: Sequence[RawResult],
    request: Request,
    workload: Workload,
    known: Capabilities,
    machine: Machine | None,
    peaks: Peaks,
) -> tuple[Result, ...]:
    """One result for each device and recipe, its repeats together, in the order of devices and of the ladder."""
    groups: dict[tuple[str, str], list[RawResult]] = {}
    for task, measured in zip(tasks, raw, strict=True):
        groups.setdefault((task.device, task.recipe), []).append(measured)
    order = [(facts.device, recipe.name) for facts in known.devices for recipe in workload.recipes]
    reference = _reference_losses(groups)
    return tuple(
        _result(
            device=device,
            recipe=recipe,
            runs=groups[device, recipe],
            request=request,
            workload=workload,
            machine=machine,
            reference=reference,
            peak=_peak(device, known, request.precision, machine, peaks),
        )
        for device, recipe in order
        if (device, recipe) in groups
    )


def _result(
    *,
    device: str,
    recipe: str,
    runs: list[RawResult],
    request: Request,
    workload: Workload,
    machine: Machine | None,
    reference: tuple[float, ...],
    peak: Peak,
) -> Result:
    epochs = min((len(run.epoch_seconds) for run in runs), default=0)
    seconds = [_seconds(run, epochs) for run in runs]
    middle = median(seconds)
    first = runs[0]
    definition = workload.recipe(recipe)
    samples = first.samples * epochs // len(first.epoch_seconds) if first.samples and epochs else first.samples
    result = Result(
        workload=workload.name,
        recipe=recipe,
        device=device,
        device_name=device_name(device, first, machine),
        precision=request.precision,
        torch=first.torch,
        seconds=middle,
        samples_per_second=samples / middle if samples else None,
        quality={key: min(run.quality[key] for run in runs) for key in first.quality},
        repeats=tuple(seconds),
        machine=machine_identity(machine),
        environment={"python": first.python, "torch": first.torch, "cpu_capability": first.cpu_capability},
        parameters=_parameters(first, epochs, _agreement(first, reference)),
        notes=tuple(dict.fromkeys(note for run in runs for note in run.notes)),
        kind=definition.kind if definition else "micro",
        compile_seconds=first.compile_seconds,
        first_seconds=first.epoch_seconds[0] if first.epoch_seconds else None,
        peak_memory_bytes=max((run.peak_memory_bytes or 0 for run in runs), default=0) or None,
        curves=first.curves,
        limit=limit(
            peak, flops=_scaled(first.flops, first, epochs), moved=_scaled(first.bytes, first, epochs), seconds=middle
        ),
    )
    return with_statistics(result)


def _scaled(work: float | None, run: RawResult, epochs: int) -> float | None:
    """The work of as many epochs as all repeats have."""
    return work * epochs / len(run.epoch_seconds) if work is not None and epochs else work


def _peak(device: str, known: Capabilities, precision: str, machine: Machine | None, peaks: Peaks) -> Peak:
    facts = next(facts for facts in known.devices if facts.device == device)
    if device == "mps" and machine is not None:
        cores = next((gpu.cores for gpu in machine.gpus), None)
        return peak_of(DeviceFacts(device=device, name=machine.cpu.model), precision, peaks, apple_cores=cores)
    return peak_of(facts, precision, peaks)


def _seconds(run: RawResult, epochs: int) -> float:
    """A run's time for the epochs that all repeats have."""
    if not run.epoch_seconds or epochs == len(run.epoch_seconds):
        return run.seconds
    return (run.load_seconds or 0.0) + sum(run.epoch_seconds[:epochs])


def _parameters(first: RawResult, epochs: int, agreement: float | None) -> dict[str, Any]:
    parameters = dict(first.parameters)
    if first.epoch_seconds:
        parameters |= {"epochs": epochs, "epoch_seconds": list(first.epoch_seconds)}
    if agreement is not None:
        parameters |= {"loss_difference": agreement, "loss_difference_steps": _AGREEMENT_STEPS}
    return parameters


def _reference_losses(groups: dict[tuple[str, str], list[RawResult]]) -> tuple[float, ...]:
    """The losses that the others are held against: the script's, else the resident recipe's."""
    for wanted in ("script", "resident"):
        for (_, recipe), runs in groups.items():
            if recipe == wanted and runs[0].losses:
                return runs[0].losses
    return ()


def _agreement(run: RawResult, reference: tuple[float, ...]) -> float | None:
    """Largest difference of the first steps' losses; ``None`` where there is nothing to compare."""
    pairs = list(zip(run.losses[:_AGREEMENT_STEPS], reference, strict=False))
    return max((abs(a - b) for a, b in pairs), default=None)


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


def check_quality(results: tuple[Result, ...], workload: Workload) -> None:
    """Hold every full-length result against the workload's accuracy bar. Raises `QualityError`."""
    if workload.accuracy is None:
        return
    for result in results:
        epochs = int(result.parameters.get("epochs") or 0)
        reached = result.quality.get("test_accuracy")
        full = result.kind == "speedrun" or epochs >= (workload.accuracy_epochs or 0)
        if reached is None or not full or reached >= workload.accuracy:
            continue
        raise QualityError(
            message(
                "bench.quality",
                "{workload}/{recipe} on {device} reached {reached} after {epochs} epochs; the bar is {bar}",
                workload=result.workload,
                recipe=result.recipe,
                device=result.device,
                reached=f"{reached:.2%}",
                epochs=epochs,
                bar=f"{workload.accuracy:.1%}",
            ),
            hint=message("bench.quality.hint", "its time counts for nothing: it did not train the same network"),
            results=results,
        )
