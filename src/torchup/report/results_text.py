"""Results for a terminal: list, one run with its ladder and breakdown, a comparison. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.bench.compare import Comparison, Labelled, Refusal, Report, Side, Verdict, compare_sets
from torchup.bench.stability import advice
from torchup.bench.timebase import Timed, common, cut, for_request, seconds_for
from torchup.i18n import printable, render, text
from torchup.i18n.sentences import sentence
from torchup.model import UNKNOWN, RecipeKind, message
from torchup.patterns import lazy_pattern
from torchup.report import numbers
from torchup.report.style import mark
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Breakdown, Message, PartTrained, Result
    from torchup.report.style import Style
    from torchup.results.run import Run
    from torchup.results.store import Listing

PARTS = ("input", "start", "transfer", "launch", "compute", "other")
_FILL = {
    "input": "▓#",
    "start": "▚%",
    "transfer": "▒+",
    "launch": "░:",
    "compute": "█=",
    "other": "·.",
}  # (Unicode, ASCII)


def part_name(part: str) -> Message:
    """The name of a part of the breakdown."""
    return {
        "input": message("bench.part.input", "input"),
        "start": message("bench.part.start", "worker start-up"),
        "transfer": message("bench.part.transfer", "transfer"),
        "launch": message("bench.part.launch", "launch"),
        "compute": message("bench.part.compute", "compute"),
        "other": message("bench.part.other", "other"),
    }[part]


def verdict_name(verdict: Verdict) -> Message:
    """The verdict as a word."""
    return {
        Verdict.FASTER: message("compare.verdict.faster", "faster"),
        Verdict.SLOWER: message("compare.verdict.slower", "slower"),
        Verdict.SAME: message("compare.verdict.same", "the same"),
        Verdict.UNCLEAR: message("compare.verdict.unclear", "unclear"),
    }[verdict]


# ---------------------------------------------------------------- list


def list_text(listing: Listing, style: Style) -> str:
    """One line a run."""
    if not listing.runs:
        return text("results.list.empty", "No runs are stored yet; run `torchup bench` to make one.")
    headers = (
        text("results.column.run", "Run"),
        text("results.column.workload", "Workload"),
        text("results.column.fastest", "Fastest"),
        text("results.column.device", "Device"),
        text("results.column.torch", "torch"),
    )
    return table(headers, [_list_row(run) for run in listing.runs], style, whole=(0,))


def _list_row(run: Run) -> tuple[str, ...]:
    if not run.results:
        return run.id, numbers.NONE, numbers.NONE, numbers.NONE, numbers.NONE
    first = run.results[0].workload  # times of two workloads have no order
    alike = [result for result in run.results if result.workload == first]
    amount = common(alike)
    best = min(alike, key=lambda result: seconds_for(result, amount).seconds)
    timed = seconds_for(best, amount)
    fastest = f"{best.recipe} {numbers.seconds(timed.seconds)}{_amount_note(timed)}"
    workloads = ", ".join(dict.fromkeys(result.workload for result in run.results))
    return run.id, workloads, fastest, best.device_name or best.device, best.torch or numbers.NONE


def _amount_note(timed: Timed) -> str:
    """``, 10 epochs``: what a time is a time of."""
    if timed.amount is None or timed.amount.unit != "epoch":
        return ""
    if timed.measured is None:
        return f" ({epochs(timed.amount.count)})"
    shown = text(
        "results.epochs.from",
        "epochs: {count}, extrapolated from {measured}",
        count=numbers.count(timed.amount.count),
        measured=numbers.count(timed.measured),
    )
    return f" ({shown})"


def epochs(count: float) -> str:
    """``10 epochs``, ``1 epoch``."""
    if count == 1:
        return text("results.epochs.one", "1 epoch")
    return text("results.epochs", "{count} epochs", count=numbers.count(count))


# ---------------------------------------------------------------- one run


def results_text(results: Sequence[Result], style: Style) -> str:
    """Tables and bars of results, for `bench`, `up` and `results show`."""
    parts = []
    for workload in dict.fromkeys(result.workload for result in results):
        chosen = [result for result in results if result.workload == workload]
        single = [result for result in chosen if not is_scaled(result)]
        if single:
            parts += [ladder(single, style), bars(single, style)]
        parts += [scaling(chosen, style), unsure(chosen, style)]
    return "\n\n".join(part for part in parts if part)


def heading(run: Run) -> str:
    """Which run it is, when it was made and by which torchup."""
    return text(
        "results.show.heading",
        "Run {id}, {when}, torchup {version}",
        id=run.id,
        when=run.created_at or UNKNOWN,
        version=run.torchup or UNKNOWN,
    )


def is_scaled(result: Result) -> bool:
    """Whether it is a point of a scaling curve rather than a rung of the ladder."""
    return "scaling" in result.parameters


def scaling(results: Sequence[Result], style: Style) -> str:
    """Weak and strong scaling: a row for each number of processes."""
    scaled = [result for result in results if is_scaled(result)]
    if not scaled:
        return ""
    headers = (
        text("scaling.column.kind", "Scaling"),
        text("scaling.column.processes", "Processes"),
        text("scaling.column.batch", "Global batch"),
        text("results.column.median", "Median"),
        text("results.column.rate", "Rate"),
        text("scaling.column.efficiency", "Efficiency"),
        text("scaling.column.difference", "Loss difference from 1 process"),
    )
    rows = [
        (
            str(result.parameters["scaling"]),
            str(result.world_size),
            str(result.parameters.get("batch", numbers.NONE)),
            numbers.seconds(for_request(result).seconds),
            numbers.amount(result.samples_per_second, "/s"),
            numbers.percent(result.parameters.get("efficiency"), 0),
            _difference(result),
        )
        for result in sorted(scaled, key=lambda r: (str(r.parameters["scaling"]), r.world_size))
    ]
    first = scaled[0]
    title = f"{first.workload}, {short_device(first)}, {first.parameters.get('backend', '')}"
    return f"{printable(title)}\n{table(headers, rows, style)}"


def _difference(result: Result) -> str:
    difference = result.parameters.get("loss_difference")
    return f"{difference:.1e}" if isinstance(difference, float) else numbers.NONE


def ladder(results: Sequence[Result], style: Style) -> str:
    """One row a result, the slowest first. What is the same in every row is said once, above; empty columns go.

    All times are those of the same number of epochs; where fewer were trained a column says how many.
    """
    amount = common(results)
    timed = sorted(
        ((seconds_for(result, amount), result) for result in results), key=lambda entry: entry[0].seconds, reverse=True
    )
    caption = [results[0].workload]
    if amount is not None and amount.unit == "epoch":
        caption.append(text("results.ladder.epochs", "number of epochs: {count}", count=numbers.count(amount.count)))
    kept: list[tuple[str, list[str]]] = []
    for header, cells, is_context in _ladder_columns(timed):
        if is_context and len(set(cells)) == 1:
            caption.append(cells[0])
        elif any(cell != numbers.NONE for cell in cells):
            kept.append((header, cells))
    rows = list(zip(*(cells for _, cells in kept), strict=True))
    return f"{printable(', '.join(caption))}\n{table([header for header, _ in kept], rows, style)}"


def _ladder_columns(timed: Sequence[tuple[Timed, Result]]) -> list[tuple[str, list[str], bool]]:
    """Header, cells, and whether the column is context (said once when all rows agree)."""
    slowest = timed[0][0].seconds
    ordered = [result for _, result in timed]
    return [
        (text("results.column.recipe", "Recipe"), [recipe_text(r) for r in ordered], False),
        (text("results.column.device", "Device"), [short_device(r) for r in ordered], True),
        (text("results.column.precision", "Precision"), [r.precision for r in ordered], True),
        (text("results.column.median", "Median"), [numbers.seconds(one.seconds) for one, _ in timed], False),
        (text("results.column.trained", "Trained"), [_trained_beside(one, r) for one, r in timed], False),
        (text("results.column.bounds", "Interval"), [interval_text(one) for one, _ in timed], False),
        (text("results.column.rate", "Rate"), [numbers.amount(r.samples_per_second, "/s") for r in ordered], False),
        (
            text("results.column.accuracy", "Accuracy"),
            [accuracy_text(r) or numbers.NONE for r in ordered],
            False,
        ),
        (text("results.column.memory", "Peak memory"), [_memory(r) for r in ordered], False),
        (text("results.column.reached", "Metric"), [_reached(r) for r in ordered], False),
        (text("results.column.speedup", "Speed-up"), [numbers.ratio(slowest / one.seconds) for one, _ in timed], False),
    ]


def trained(timed: Timed) -> str:
    """How many epochs an extrapolated time comes from; a dash where all were trained."""
    if timed.measured is None:
        return numbers.NONE
    return epochs(timed.measured)


def _trained_beside(timed: Timed, result: Result) -> str:
    """The same, unless the accuracy beside it says it."""
    return numbers.NONE if cut(result) is not None and accuracy_text(result) else trained(timed)


def interval_text(timed: Timed) -> str:
    """The interval with the level that so many repeats can keep."""
    return numbers.interval(timed.interval, len(timed.samples))


def _memory(result: Result) -> str:
    """Peak memory of a run whose data may be larger than it: one that says how it split its time."""
    return numbers.size(result.peak_memory_bytes) if "split" in result.parameters else numbers.NONE


def _reached(result: Result) -> str:
    """What a measurement without an accuracy is about: ``tflops 12.3``, ``latency_us 448``."""
    return numbers.NONE if "test_accuracy" in result.quality else quality_text(result) or numbers.NONE


def quality_text(result: Result) -> str:
    """The qualities a result reached: ``98.20 %, final loss 0.058``."""
    return ", ".join(
        accuracy_text(result) if name == "test_accuracy" else f"{name.replace('_', ' ')} {numbers.digits(value)}"
        for name, value in result.quality.items()
    )


def accuracy_text(result: Result) -> str:
    """The accuracy reached; of a training that was cut with how much of it was done. Empty where none was measured."""
    reached, part = result.quality.get("test_accuracy"), cut(result)
    if reached is None:
        return ""
    shown = numbers.percent(reached, 2)
    if part is None:
        return shown
    return text("results.accuracy.cut", "{accuracy} after {part}", accuracy=shown, part=part_text(part))


def part_text(part: PartTrained) -> str:
    """How much of a training was done: ``20 of 938 steps``."""
    if part.steps is not None and part.steps_asked is not None:
        return text("results.part.steps", "{steps} of {asked} steps", steps=part.steps, asked=part.steps_asked)
    return text(
        "results.part.epochs",
        "{epochs} of {asked} epochs",
        epochs=numbers.count(part.epochs),
        asked=numbers.count(part.epochs_asked),
    )


def recipe_text(side: Result | Side) -> str:
    """The recipe, with kind of scaling and number of processes where there are several: ``ddp strong x2``."""
    scaled = side.scaling if isinstance(side, Side) else side.parameters.get("scaling")
    swept = side.setting if isinstance(side, Side) else side.parameters.get("sweep")
    setting = " ".join(f"{name}={value}" for name, value in swept.items()) if isinstance(swept, dict) else ""
    processes = f"x{side.world_size}" if side.world_size > 1 else ""
    return " ".join(part for part in (side.recipe, setting, str(scaled or ""), processes) if part)


_NOISE = lazy_pattern(
    r"\((?:R|TM|C)\)|\b(?:NVIDIA|GeForce|Intel|AMD|Core(?= i\d|\(TM\))|CPU|GPU|Processor|Genuine|\d+-Core)\b|@.*$",
    re.IGNORECASE,
)


def short_device(side: Result | Side) -> str:
    """The device's name without its maker's usual words, and its type: ``RTX 3070 Ti Laptop (cuda)``."""
    name = side.device_name or ""
    name = " ".join(_NOISE.sub(" ", name).split()) or name
    return f"{name} ({side.device})" if name else side.device


def bars(results: Sequence[Result], style: Style) -> str:
    """Where the time went: a bar a result, parts named below."""
    known = [(printable(result.recipe), result.breakdown) for result in results if result.breakdown is not None]
    if not known:
        return ""
    longest = max(len(name) for name, _ in known)
    width = max(20, style.width - longest - 12)
    lines = [text("results.breakdown", "Where the time went")]
    lines += [f"{name:<{longest}} {_bar(parts, width, style)}" for name, parts in known]
    names = (f"{_fill(part, style)} {render(part_name(part))}" for part in PARTS)
    return "\n".join([*lines, f"{'':<{longest}} {'  '.join(names)}"])


def shares(breakdown: Breakdown) -> dict[str, float]:
    """Each known part's share of the sum of the known parts."""
    known = {part: value for part in PARTS if (value := getattr(breakdown, part)) is not None and value > 0}
    whole = sum(known.values())
    return {part: value / whole for part, value in known.items()} if whole else {}


def _bar(breakdown: Breakdown, width: int, style: Style) -> str:
    pieces, drawn, passed = [], 0, 0.0
    for part, share in shares(breakdown).items():
        passed += share
        end = round(passed * width)
        pieces.append(_fill(part, style) * (end - drawn))
        drawn = end
    return "".join(pieces)


def _fill(part: str, style: Style) -> str:
    return _FILL[part][0 if style.unicode else 1]


def unsure(results: Sequence[Result], style: Style) -> str:
    """What makes the results less sure, each said once with the recipes it concerns."""
    lines: dict[str, list[str]] = {}
    marks: dict[str, str] = {}
    for result in results:
        for notice in advice(result):
            line = render(notice.text)
            lines.setdefault(line, []).append(result.recipe)
            marks[line] = mark(style, notice.level)
        for note in result.notes:
            line = render(sentence(note))
            lines.setdefault(line, []).append(result.recipe)
            marks[line] = mark(style, "info")
    return "\n".join(
        f"{marks[line]} {printable(', '.join(dict.fromkeys(names)))}: {line}" for line, names in lines.items()
    )


def beside_text(results: Sequence[Result], baseline: Run, style: Style) -> str:
    """This machine's results beside published ones: how many times as fast as each of them."""
    published = [result for result in baseline.results if any(r.workload == result.workload for r in results)]
    rows = [
        _beside_row(result, published)
        for result in results
        if result.kind in {RecipeKind.REPLICA, RecipeKind.SAME_MATH} and not is_scaled(result)
    ]
    if not published or not rows:
        return ""
    headers = ["", *(f"{short_device(p)} {numbers.plain_seconds(p.seconds)} s" for p in published)]
    title = text(
        "results.beside",
        "Speed compared with the article's devices (their times are published, not measured by torchup)",
    )
    return f"{title}\n{table(headers, rows, style)}"


def _beside_row(result: Result, published: Sequence[Result]) -> list[str]:
    label = Labelled(run="", result=result)
    cells = [result.recipe]
    for other in published:
        report = compare_sets([Labelled(run="", result=other)], [label], across=frozenset({"recipe"}))
        cells.append(numbers.ratio(report.comparisons[0].ratio) if report.comparisons else numbers.NONE)
    return cells


# ---------------------------------------------------------------- comparison


def compare_text(report: Report, style: Style) -> str:
    """A line a comparison, then what differs and what to mind."""
    parts = []
    if report.comparisons:
        parts.append(_comparison_table(report.comparisons, style))
        parts.append(_comparison_details(report.comparisons, style))
    if report.refused:
        parts.append(_refused(report.refused, style))
    return "\n\n".join(part for part in parts if part)


def _comparison_table(comparisons: Sequence[Comparison], style: Style) -> str:
    headers = (
        text("results.column.workload", "Workload"),
        text("compare.column.base", "Base"),
        text("compare.column.candidate", "Candidate"),
        text("compare.column.ratio", "Ratio"),
        text("results.column.bounds", "Interval"),
        text("compare.column.verdict", "Verdict"),
    )
    rows = [
        (
            c.workload,
            _side(c.base),
            _side(c.candidate),
            numbers.ratio(c.ratio),
            f"{c.interval[0]:.3g} - {c.interval[1]:.3g}" if c.interval else numbers.NONE,
            _verdict(c, style),
        )
        for c in comparisons
    ]
    return table(headers, rows, style)


def _side(side: Side) -> str:
    return f"{recipe_text(side)} {numbers.seconds(side.median)}\n{short_device(side)}"


def _verdict(comparison: Comparison, style: Style) -> str:
    sign = {"faster": "pass", "slower": "error" if comparison.regressed else "warning", "same": "pass"}
    return f"{mark(style, sign.get(comparison.verdict, 'info'))} {render(verdict_name(comparison.verdict))}"


def _comparison_details(comparisons: Sequence[Comparison], style: Style) -> str:
    lines: dict[str, None] = {}
    for comparison in comparisons:
        for caveat in comparison.caveats:
            lines[f"{mark(style, 'warning')} {render(caveat.text)}"] = None
    differing = {d.key: d for comparison in comparisons for d in comparison.differences if d.key != "recipe"}
    for difference in list(differing.values())[:12]:
        line = text(
            "compare.differs",
            "{key} differs: {base} and {candidate}",
            key=difference.key,
            base=difference.base or UNKNOWN,
            candidate=difference.candidate or UNKNOWN,
        )
        lines[f"{mark(style, 'info')} {line}"] = None
    return "\n".join(lines)


def _refused(refused: Sequence[Refusal], style: Style) -> str:
    lines = [text("compare.refused", "Not compared because the work differs:")]
    for refusal in refused:
        keys = "; ".join(
            f"{d.key}: {d.base or numbers.NONE} / {d.candidate or numbers.NONE}" for d in refusal.differences
        )
        line = text(
            "compare.refused.line",
            "{workload} {base} and {candidate} ({keys})",
            workload=refusal.workload,
            base=recipe_text(refusal.base),
            candidate=recipe_text(refusal.candidate),
            keys=keys,
        )
        lines.append(f"{mark(style, 'skip')} {line}")
    return "\n".join(lines)
