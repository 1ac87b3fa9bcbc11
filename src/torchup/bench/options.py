"""Which options a workload uses. What it does not use is refused: nothing that was asked for is ignored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.bench.request import BenchRequest
from torchup.bench.workloads import RECIPES
from torchup.errors import UsageError
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from torchup.bench.workloads import Workload
    from torchup.model import Message

# Fields of a request. A precision without arithmetic is the worker's to refuse.
ALWAYS = frozenset({"budget", "devices", "precision", "repeats", "threads"})
ALONE = frozenset({"recipes", "sweep", "until"})  # how fresh processes follow each other
ARGUMENTS = frozenset({"workload", "program"})
INNER = frozenset({"largest_bytes", "patience", "scaling", "steps"})  # of several processes; no options
_SPELLED = {"recipes": "--recipe", "devices": "--device"}


def spelled(fields: Iterable[str]) -> str:
    """The options of fields: ``--batch, --recipe``."""
    return ", ".join(sorted(_SPELLED.get(name, f"--{name}") for name in fields))


def used(workload: Workload) -> frozenset[str]:
    """What a workload uses where one process at a time measures it."""
    return ALWAYS | ALONE | {*workload.settings, *workload.options}


def used_together(workload: Workload) -> frozenset[str]:
    """What it uses where several processes measure it together."""
    return ALWAYS | frozenset(workload.distributed)


def given(request: BenchRequest) -> frozenset[str]:
    """The fields that differ from their default."""
    usual = BenchRequest()
    fields = frozenset(BenchRequest.__struct_fields__) - ARGUMENTS - INNER
    return frozenset(name for name in fields if getattr(request, name) != getattr(usual, name))


def check_options(request: BenchRequest, workload: Workload) -> None:
    """Raise `UsageError` for options that a workload does not use, and for one that another option overrides."""
    if unused := given(request) - used(workload):
        raise UsageError(
            message("bench.option.unused", "the workload {workload} does not use {options}",
                    workload=workload.name, options=spelled(unused)),
            hint=_leave_out(unused, used(workload)),
        )  # fmt: skip
    if twice := given(request) & frozenset(request.sweep):
        raise _overridden(twice, "--sweep")
    if request.data is not None and request.images is not None:
        raise _overridden(("images",), "--data")
    _check_epochs(request)


def check_together(request: BenchRequest, workload: Workload) -> None:
    """The same for a workload that several processes measure together."""
    if unused := given(request) - used_together(workload):
        raise UsageError(
            message("distributed.option.unused",
                    "with several processes, the workload {workload} does not use {options}",
                    workload=workload.name, options=spelled(unused)),
            hint=_leave_out(unused, used_together(workload)),
        )  # fmt: skip


def _leave_out(unused: Iterable[str], known: Iterable[str]) -> Message:
    return message(
        "bench.option.unused.hint", "leave out {options}; possible here: {known}",
        options=spelled(unused), known=spelled(known),
    )  # fmt: skip


def _overridden(fields: Iterable[str], by: str) -> UsageError:
    return UsageError(
        message("bench.option.twice", "{options} cannot be combined with {other}, which overrides it",
                options=spelled(fields), other=by),
        hint=message("bench.option.twice.hint",
            "leave out either the overridden options or the option that overrides them"),
    )  # fmt: skip


def _check_epochs(request: BenchRequest) -> None:
    if (fixed := _own_epochs(request)) is None:
        return
    raise UsageError(
        message(
            "bench.epochs.fixed",
            "{recipes} can run only with {epochs} epochs",
            recipes=", ".join(request.recipes),
            epochs=fixed,
        ),
        hint=message("bench.epochs.fixed.hint", "leave out --epochs, or choose another recipe"),
    )


def _own_epochs(request: BenchRequest) -> int | None:
    """The epochs that the chosen recipes train whatever was asked; beside others such a recipe keeps its own number."""
    fixed = {RECIPES[name].epochs for name in request.recipes if name in RECIPES}
    if request.epochs is None or not fixed or fixed & {None, request.epochs}:
        return None
    return max(filter(None, fixed))


def without_idle(request: BenchRequest, use: frozenset[str], typed: Collection[str]) -> BenchRequest:
    """The request without what nothing uses here and was not typed: a setting is there for every workload.

    Args:
        request: what the command line and the settings say.
        use: what the workload uses, `used` or `used_together`.
        typed: the fields that stand on the command line.
    """
    idle = (given(request) - use) | (given(request) & frozenset(request.sweep))
    idle |= {"epochs"} if _own_epochs(request) is not None else set()
    usual = BenchRequest()
    return replace(request, **{name: getattr(usual, name) for name in idle - frozenset(typed)})
