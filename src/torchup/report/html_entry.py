"""What the sections of the HTML report share: one result with its run, its labels and its filter words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.timebase import Amount, Timed, asked, common, seconds_for
from torchup.i18n import render, text
from torchup.model import Origin, RecipeKind, Result, Value, message
from torchup.report.results_text import is_scaled, recipe_text, short_device, trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.model import Message
    from torchup.results.run import Run

USUAL_PRECISION = "fp32-default"


class Entry(Value, frozen=True, kw_only=True):
    """One result in the page."""

    run: str
    result: Result
    published: bool
    show_run: bool = False  # several runs are on the page
    amount: Amount | None = None  # what its times are times of: the same for every result of the workload on the page

    @property
    def timed(self) -> Timed:
        """The time to show."""
        return seconds_for(self.result, self.amount)

    @property
    def seconds(self) -> float:
        """The median, for `amount`."""
        return self.timed.seconds

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its interval."""
        return self.timed.interval

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
    def detail(self) -> str:
        """The context, and what an extrapolated time comes from."""
        if not self.timed.extrapolated:
            return self.context
        origin = text("html.extrapolated", "extrapolated from {trained}", trained=trained(self.timed))
        return " · ".join(filter(None, (self.context, origin)))

    @property
    def words(self) -> str:
        """What the search of the page looks through."""
        result = self.result
        words = (result.workload, self.recipe, self.device, result.precision, result.torch or "", self.run, result.kind)
        return " ".join(words)


class Section(Value, frozen=True, kw_only=True):
    """A section of a page: its heading, and what its template shows below. It is left out if it has nothing to show."""

    name: str
    title: str
    parts: tuple[object, ...]
    intro: str = ""
    note: str = ""  # below the parts, or instead of them


def entries_of(runs: Sequence[Run]) -> tuple[Entry, ...]:
    """Every result of every run."""
    own = [run for run in runs if run.origin != Origin.BASELINE]
    amounts = _amounts(result for run in runs for result in run.results)
    return tuple(
        Entry(
            run=run.id,
            result=result,
            published=not result.measured,
            show_run=len(own) > 1,
            amount=amounts[_family(result)] or asked(result),
        )
        for run in runs
        for result in run.results
    )


def _family(result: Result) -> tuple[str, bool]:
    return result.workload, is_scaled(result)


def _amounts(results: Iterable[Result]) -> dict[tuple[str, bool], Amount | None]:
    """The amount that each workload's times are shown for, everywhere on the page."""
    families: dict[tuple[str, bool], list[Result]] = {}
    for result in results:
        families.setdefault(_family(result), []).append(result)
    return {family: common(members) for family, members in families.items()}


def by_workload(entries: Iterable[Entry], kinds: frozenset[RecipeKind]) -> dict[str, list[Entry]]:
    """Entries of some kinds, grouped by workload; a workload with published times alone is left out."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.result.kind in kinds and not entry.scaled:
            groups.setdefault(entry.result.workload, []).append(entry)
    return groups


def kind_name(kind: RecipeKind) -> Message:
    """What a kind of recipe means."""
    return {
        RecipeKind.REPLICA: message("bench.kind.replica", "the published program as written"),
        RecipeKind.SAME_MATH: message("bench.kind.same-math", "the same mathematics, implemented another way"),
        RecipeKind.SPEEDRUN: message("bench.kind.speedrun", "a training setup that differs from the published one"),
        RecipeKind.MICRO: message("bench.kind.micro", "a workload with only one recipe"),
    }[kind]
