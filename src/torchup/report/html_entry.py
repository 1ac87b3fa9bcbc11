"""What the sections of the HTML report share: one result with its run, its labels and its filter words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.bench.compare import common_unit
from torchup.i18n import render
from torchup.model import Result, Value, message
from torchup.report.results_text import is_scaled, recipe_text, short_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.model import Message
    from torchup.results.schema import Run

USUAL_PRECISION = "fp32-default"


class Entry(Value, frozen=True, kw_only=True):
    """One result in the page."""

    run: str
    result: Result
    published: bool
    show_run: bool = False  # several runs are on the page
    divisor: int = 1  # times are shown divided by it: epochs, where a budget cut some runs short

    @property
    def seconds(self) -> float:
        """The time to show: the median."""
        return (self.result.median if self.result.median is not None else self.result.seconds) / self.divisor

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its interval."""
        bounds = self.result.ci95
        return (bounds[0] / self.divisor, bounds[1] / self.divisor) if bounds else None

    @property
    def recipe(self) -> str:
        """The recipe, with kind of scaling and number of processes where there are several."""
        return recipe_text(self.result)

    @property
    def device(self) -> str:
        """A short name of the device."""
        return short_device(self.result)

    @property
    def scaled(self) -> bool:
        """Whether it belongs to a scaling curve rather than to the ladder."""
        return self.result.world_size > 1 or is_scaled(self.result)

    @property
    def context(self) -> str:
        """What stands below the name: device, precision where it is not the usual one, run."""
        parts = [self.device]
        if self.result.precision != USUAL_PRECISION:
            parts.append(self.result.precision)
        if self.published:
            parts.append(render(message("html.published", "published, not measured")))
        elif self.show_run:
            parts.append(self.run)
        return " · ".join(parts)

    @property
    def attributes(self) -> dict[str, object]:
        """What the filter looks at."""
        result = self.result
        words = (result.workload, self.recipe, self.device, result.precision, result.torch or "", self.run, result.kind)
        return {
            "data-workload": result.workload,
            "data-device": self.device,
            "data-published": "yes" if self.published else "no",
            "data-words": " ".join(words),
        }

    def classes(self, *names: str) -> str:
        """Class attribute; published entries look different."""
        return " ".join([*names, "published"] if self.published else names)


def entries_of(runs: Sequence[Run]) -> tuple[Entry, ...]:
    """Every result of every run."""
    own = [run for run in runs if run.origin != "baseline"]
    return tuple(
        Entry(run=run.id, result=result, published=not result.measured, show_run=len(own) > 1)
        for run in runs
        for result in run.results
    )


def by_workload(entries: Iterable[Entry], kinds: frozenset[str]) -> dict[str, list[Entry]]:
    """Entries of some kinds, grouped by workload; a workload with published times alone is left out."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.result.kind in kinds and not entry.scaled:
            groups.setdefault(entry.result.workload, []).append(entry)
    return groups


def comparable(group: Sequence[Entry]) -> tuple[str, list[Entry]]:
    """The entries with times of the same amount of work, and what it is: ``run`` or ``epoch``."""
    unit, divisors = common_unit([entry.result for entry in group])
    return unit, [msgspec.structs.replace(entry, divisor=by) for entry, by in zip(group, divisors, strict=True)]


def kind_name(kind: str) -> Message:
    """What a kind of recipe means."""
    known = {
        "replica": message("bench.kind.replica", "the published program as written"),
        "same-math": message("bench.kind.same-math", "the same mathematics, run another way"),
        "speedrun": message("bench.kind.speedrun", "another training, held to the same accuracy"),
        "micro": message("bench.kind.micro", "one operation alone"),
    }
    return known.get(kind, message("bench.kind.other", "{kind}", kind=kind))
