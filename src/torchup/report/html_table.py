"""The table of all results in the HTML report; it can be sorted and filtered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.timebase import done
from torchup.i18n import text
from torchup.model import Value
from torchup.report import numbers
from torchup.report.html_entry import Entry, Section
from torchup.report.results_text import interval_text, quality_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.timebase import Amount


class Cell(Value, frozen=True, kw_only=True):
    """One cell. ``kind``: the class of a number; ``value``: what it is sorted by, empty where it is not known."""

    shown: str
    kind: str = ""
    value: str = ""


class Row(Value, frozen=True, kw_only=True):
    """One result."""

    entry: Entry
    cells: tuple[Cell, ...]


def columns() -> list[tuple[str, bool]]:
    """The headings, and whether numbers stand below."""
    return [
        (text("results.column.workload", "Workload"), False),
        (text("results.column.recipe", "Recipe"), False),
        (text("results.column.device", "Device"), False),
        (text("results.column.precision", "Precision"), False),
        (text("results.column.median", "Median"), True),
        (text("results.column.epochs", "Epochs"), True),
        (text("results.column.trained", "Trained"), True),
        (text("results.column.bounds", "Interval"), True),
        (text("results.column.rate", "Rate"), True),
        (text("results.column.quality", "Quality"), True),
        (text("results.column.memory", "Peak memory"), True),
        (text("results.column.repeats", "Repeats"), True),
        ("torch", False),
    ]


def all_results(entries: Sequence[Entry]) -> Section:
    """Every result: a `Row` each."""
    title, intro = text("html.all", "All results"), text("html.all.intro", "Click a heading to sort.")
    return Section(name="results", title=title, intro=intro, parts=tuple(_row(entry) for entry in entries))


def _row(entry: Entry) -> Row:
    result = entry.result
    cells = (
        Cell(shown=result.workload),
        Cell(shown=entry.recipe),
        Cell(shown=entry.device),
        Cell(shown=result.precision),
        _number(numbers.seconds(entry.seconds), entry.seconds),
        _epochs(entry.timed.amount),
        _epochs(done(result)),
        _number(interval_text(entry.timed), entry.interval[1] - entry.interval[0] if entry.interval else None),
        _number(numbers.amount(result.samples_per_second, "/s"), result.samples_per_second),
        _number(quality_text(result) or numbers.NONE, next(iter(result.quality.values()), None), kind="number wraps"),
        _number(numbers.size(result.peak_memory_bytes), result.peak_memory_bytes),
        _number(str(len(result.repeats) or 1), len(result.repeats) or 1),
        Cell(shown=result.torch or numbers.NONE),
    )
    return Row(entry=entry, cells=cells)


def _epochs(amount: Amount | None) -> Cell:
    """A number of epochs to show and to sort by."""
    if amount is None or amount.unit != "epoch":
        return _number(numbers.NONE, None)
    return _number(numbers.count(amount.count), amount.count)


def _number(shown: str, value: float | None, *, kind: str = "number") -> Cell:
    return Cell(shown=shown, kind=kind, value="" if value is None else repr(value))
