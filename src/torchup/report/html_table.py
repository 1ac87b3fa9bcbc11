"""The table of all results in the HTML report; it can be sorted and filtered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.timebase import done
from torchup.i18n import text
from torchup.report import numbers
from torchup.report.html_sections import section
from torchup.report.markup import Markup, element
from torchup.report.results_text import interval_text, quality_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.timebase import Amount
    from torchup.report.html_entry import Entry


def all_results(entries: Sequence[Entry]) -> Markup:
    """Every result in one table that can be sorted and filtered."""
    columns = (
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
    )
    heads = [
        element(
            "th", {"scope": "col", "class": "number" if number else None}, element("button", {"type": "button"}, name)
        )
        for name, number in columns
    ]
    rows = [_table_row(entry) for entry in entries]
    table = element(
        "table", {"id": "all"}, element("thead", None, element("tr", None, *heads)), element("tbody", None, *rows)
    )
    title = text("html.all", "All results")
    box = {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": title}
    intro = text("html.all.intro", "Click a heading to sort.")
    return section("results", title, element("div", box, table), intro=intro)


def _table_row(entry: Entry) -> Markup:
    result = entry.result
    quality = quality_text(result) or numbers.NONE
    cells = [
        element("td", None, result.workload),
        element("td", None, entry.recipe),
        element("td", None, entry.device),
        element("td", None, result.precision),
        _number(numbers.seconds(entry.seconds), entry.seconds),
        _number(*_epochs(entry.timed.amount)),
        _number(*_epochs(done(result))),
        _number(interval_text(entry.timed), entry.interval[1] - entry.interval[0] if entry.interval else None),
        _number(numbers.amount(result.samples_per_second, "/s"), result.samples_per_second),
        _number(quality, next(iter(result.quality.values()), None), kind="number wraps"),
        _number(numbers.size(result.peak_memory_bytes), result.peak_memory_bytes),
        _number(str(len(result.repeats) or 1), len(result.repeats) or 1),
        element("td", None, result.torch or numbers.NONE),
    ]
    return element("tr", {"class": "published" if entry.published else None, **entry.attributes}, *cells)


def _epochs(amount: Amount | None) -> tuple[str, float | None]:
    """A number of epochs to show and to sort by."""
    if amount is None or amount.unit != "epoch":
        return numbers.NONE, None
    return numbers.count(amount.count), amount.count


def _number(shown: str, value: float | None, *, kind: str = "number") -> Markup:
    return element("td", {"class": kind, "data-value": "" if value is None else repr(value)}, shown)
