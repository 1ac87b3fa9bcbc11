"""`torchup results`: list, show and compare what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.bench.compare import Labelled, compare_sets
from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.errors import ExitCode, UsageError
from torchup.i18n import text
from torchup.model import Notice, message
from torchup.report import results_text
from torchup.results import store
from torchup.results.baselines import load_baseline
from torchup.results.query import Selector

if TYPE_CHECKING:
    from torchup.bench.compare import Report
    from torchup.host import Host

ACROSS = ("recipe", "kind", "precision", "parameters")


@click.group(name="results", help=text("results.help", "List, show, compare, report, export and import measurements"))
def command() -> None:
    """Only subcommands; each does its own work."""


@command.command(name="list", help=text("results.list.help", "List the stored runs, oldest first"))
@common_options
def list_command(session: Session) -> Answer:
    """`torchup results list`."""
    listing = store.list_runs(session.host)
    return Answer(
        command="results list",
        data={"runs": listing.runs, "broken": listing.broken},
        text=lambda: results_text.list_text(listing, session.style),
        notices=listing.broken,
    )


@command.command(
    name="show", help=text("results.show.help", "Show one run: an id or its start, `latest`, `article`, a file")
)
@click.argument("run", default="latest")
@common_options
def show_command(session: Session, run: str) -> Answer:
    """`torchup results show RUN`."""
    found = store.load(session.host, run)
    baseline = load_baseline("article")
    return Answer(
        command="results show",
        data=found,
        text=lambda: results_text.show_text(found, session.style, baseline=baseline),
    )


class _Percent(click.ParamType[float]):
    """``5`` or ``5%``: a share of 0.05."""

    name = "percent"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text; a negative or absurd number is a usage error."""
        try:
            number = float(str(value).strip().removesuffix("%"))
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1000:  # noqa: PLR2004  # ten times slower is the largest threshold that means anything
            self.fail(
                text("results.threshold.bad", "`{value}` is not a percentage, such as 5 or 5%", value=value), param, ctx
            )
        return number / 100


@command.command(
    name="compare",
    help=text(
        "results.compare.help",
        "Compare CANDIDATE with BASE. Each is a run as in `show`, a recipe of it (latest:resident), and a device"
        " (latest:resident@cuda). With --threshold a regression ends in exit code 1.",
    ),
)
@click.argument("base")
@click.argument("candidate", default="latest")
@click.option(
    "--threshold",
    type=_Percent(),
    help=text("results.option.threshold", "Exit 1 when the candidate is slower by more than this percentage"),
)
@click.option(
    "--across",
    multiple=True,
    type=click.Choice(ACROSS),
    help=text("results.option.across", "Compare although this differs"),
)
@common_options
def compare_command(
    session: Session, base: str, candidate: str, threshold: float | None, across: tuple[str, ...]
) -> Answer:
    """`torchup results compare BASE CANDIDATE`."""
    left, right = Selector.parse(base), Selector.parse(candidate)
    allowed = set(across) | ({"recipe", "kind"} if left.recipe and right.recipe else set())
    report = compare_sets(
        _chosen(session.host, left),
        _chosen(session.host, right),
        threshold=threshold,
        across=frozenset(allowed),
    )
    if not report.comparisons:
        raise _nothing_comparable(report)
    return Answer(
        command="results compare",
        data=report,
        text=lambda: results_text.compare_text(report, session.style),
        exit_code=ExitCode.FINDINGS if report.regressed else ExitCode.OK,
        notices=_regression_notices(report, threshold),
    )


def _chosen(host: Host, selector: Selector) -> tuple[Labelled, ...]:
    run = store.load(host, selector.run)
    chosen = selector.choose(run.results)
    if not chosen:
        recipes = ", ".join(sorted({result.recipe for result in run.results}))
        raise UsageError(
            message("results.no-part", "run {run} has no result {recipe} {device}", run=run.id,
                    recipe=selector.recipe or "", device=selector.device or ""),
            hint=message("results.no-part.hint", "it has: {recipes}", recipes=recipes),
        )  # fmt: skip
    return tuple(Labelled(run=run.id, result=result) for result in chosen)


def _nothing_comparable(report: Report) -> UsageError:
    keys = sorted({difference.key for refusal in report.refused for difference in refusal.differences})
    if not keys:
        text_ = message("compare.nothing", "the two runs have no workload and recipe in common")
        return UsageError(text_, hint=message("compare.nothing.hint", "name the recipes: RUN:RECIPE"))
    return UsageError(
        message("compare.other-work", "the two sides did not do the same work: {keys} differ", keys=", ".join(keys)),
        hint=message("compare.other-work.hint", "`--across` compares all the same, where that makes sense"),
    )


def _regression_notices(report: Report, threshold: float | None) -> tuple[Notice, ...]:
    if not report.regressed:
        return ()
    slower = [c for c in report.comparisons if c.regressed]
    text_ = message(
        "compare.regressed",
        "{count} of {total} comparisons are slower by more than {threshold} %",
        count=len(slower),
        total=len(report.comparisons),
        threshold=f"{100 * (threshold or 0):g}",
    )
    return (Notice(code=text_.code, level="error", text=text_),)
