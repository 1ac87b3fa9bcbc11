"""`torchup results`: list, show, compare, report, export and import what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

import torchup
from torchup.bench.code_hash import worker_hash
from torchup.bench.compare import Labelled, compare_sets
from torchup.bench.stats import percentage
from torchup.catalog.peaks import load_peaks
from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, common_options
from torchup.cli.share_type import Share
from torchup.errors import ExitCode, UsageError
from torchup.i18n import text
from torchup.model import Notice, message
from torchup.privacy import Purpose, redact_value
from torchup.report import results_text
from torchup.report.bench_text import bench_text
from torchup.report.results_export import to_csv, to_markdown
from torchup.results import check, store
from torchup.results.baselines import load_baseline
from torchup.results.query import Selector
from torchup.results.run import Run
from torchup.results.schema import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.bench.compare import Report
    from torchup.host import Host
    from torchup.model import Message, Result

ACROSS = ("recipe", "kind", "precision", "parameters", "world_size")


@click.group(
    cls=VerbGroup,
    name="results",
    help=text("results.help", "List, show, compare, report, export and import runs"),
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


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
    name="show",
    help=text(
        "results.show.help",
        "Show one run: an id or its first characters, `latest`, `article` (published times), or a file (default: "
        "`latest`)",
    ),
)
@click.argument("run", default="latest")
@common_options
def show_command(session: Session, run: str) -> Answer:
    """`torchup results show RUN`."""
    found = store.load(session.host, run)
    baseline = None if found.origin == "baseline" else load_baseline("article")
    return Answer(
        command="results show",
        data=found,
        text=lambda: f"{results_text.heading(found)}\n\n{bench_text(found.results, session.style, baseline=baseline)}",
    )


@command.command(
    name="compare",
    help=text(
        "results.compare.help",
        "Compare CANDIDATE with BASE. Each is a run (as for `torchup results show`), one of its recipes "
        "(latest:resident), or a device (latest:resident@cuda). With --threshold, the command exits with code 1 "
        "if a result is slower by more than the accepted slowdown.",
    ),
)
@click.argument("base")
@click.argument("candidate", default="latest")
@click.option(
    "--threshold",
    type=Share(),
    help=text(
        "results.option.threshold",
        "Accepted slowdown, e.g. 0.05 or 5%; torchup exits with code 1 if the candidate exceeds it (default: none)",
    ),
)
@click.option(
    "--across",
    multiple=True,
    type=click.Choice(ACROSS),
    help=text("results.option.across", "Condition that may differ between the two sides (repeatable; default: none)"),
)
@common_options
def compare_command(
    session: Session, base: str, candidate: str, threshold: float | None, across: tuple[str, ...]
) -> Answer:
    """`torchup results compare BASE CANDIDATE`."""
    left, right = Selector.parse(base), Selector.parse(candidate)
    if left == right:
        raise UsageError(
            message("results.same", "`{run}` would be compared with itself", run=base),
            hint=message("results.same.hint", "name two runs: `torchup results compare latest~1 latest`"),
        )
    allowed = set(across) | ({"recipe", "kind"} if left.recipe and right.recipe else set())
    sides = _chosen(session.host, left), _chosen(session.host, right)
    report = compare_sets(*sides, threshold=threshold, across=frozenset(allowed))
    if not report.comparisons:
        raise _nothing_comparable(report, *sides)
    return Answer(
        command="results compare",
        data=report,
        text=lambda: results_text.compare_text(report, session.style),
        exit_code=ExitCode.FINDINGS if report.regressed else ExitCode.OK,
        notices=_regression_notices(report, threshold),
    )


@command.command(name="report", help=text("results.report.help", "Write one self-contained HTML page about runs"))
@click.argument("runs", nargs=-1)
@click.option(
    "--html",
    "output",
    required=True,
    type=click.Path(dir_okay=False),
    help=text("results.option.html", "HTML file to write"),
)
@click.option(
    "--no-baseline",
    is_flag=True,
    help=text("results.option.no-baseline", "Leave out the published times that `torchup results show article` shows"),
)
@common_options
def report_command(session: Session, runs: tuple[str, ...], output: str, no_baseline: bool) -> Answer:  # noqa: FBT001  # click's signature
    """`torchup results report --html FILE [RUN...]`."""
    from torchup.report.html import page  # noqa: PLC0415  # only this verb needs it

    chosen = [store.load(session.host, run) for run in runs or ("latest",)]
    content = page(chosen, baseline=None if no_baseline else load_baseline("article"))
    _write(session.host, output, content)
    return Answer(
        command="results report",
        data={"file": output, "runs": [run.id for run in chosen], "bytes": len(content.encode())},
        text=lambda: text("results.report.done", "wrote {file}; open it in any browser", file=output),
    )


@command.command(
    name="export",
    help=text(
        "results.export.help",
        "Print a run, or write it to a file to share; the output contains no user names, host names or paths",
    ),
)
@click.argument("run", default="latest")
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "csv", "md")),
    default="json",
    show_default=True,
    help=text("results.option.format", "Format to write"),
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help=text("results.option.output", "File to write (default: print the run)"),
)
@common_options
def export_command(session: Session, run: str, form: str, output: str | None) -> Answer:
    """`torchup results export RUN`."""
    found = redact_value(store.load(session.host, run), Run, Purpose.PUBLISH, names=store.private_names(session.host))
    content = {"json": to_text, "csv": to_csv, "md": to_markdown}[form](found)
    if output is not None:
        _write(session.host, output, content)
    return Answer(
        command="results export",
        data={"run": found.id, "format": form, "file": output, "content": content if output is None else None},
        text=lambda: (
            content.rstrip("\n")
            if output is None
            else text("results.export.done", "wrote run {run} to {file}", run=found.id, file=output)
        ),
        document=output is None,
    )


@command.command(
    name="import",
    help=text("results.import.help", "Check a result file from someone else and save it; nothing in it is executed"),
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--force",
    is_flag=True,
    help=text("results.option.force", "Save the file even if it fails validation"),
)
@common_options
def import_command(session: Session, file: str, force: bool) -> Answer:  # noqa: FBT001  # click's signature
    """`torchup results import FILE`."""
    found = store.read(session.host, file)
    notices = check.problems(
        found, version=torchup.__version__, code_hash=worker_hash(session.host), peaks=load_peaks()
    )
    errors = [notice for notice in notices if notice.level == "error"]
    if errors and not force:
        raise UsageError(
            _refused(file, errors),
            hint=message("results.import.refused.hint", "use `--force` to save the file anyway"),
        )
    kept, is_new = store.keep(session.host, found)
    return Answer(
        command="results import",
        data={"run": kept.id, "new": is_new, "results": len(kept.results)},
        text=lambda: (
            text("results.import.done", "saved as run {run}; results: {count}", run=kept.id, count=len(kept.results))
            if is_new
            else text("results.import.known", "run {run} is already stored", run=kept.id)
        ),
        notices=notices,
    )


def _refused(file: str, errors: Sequence[Notice]) -> Message:
    if len(errors) == 1:
        return message("results.import.refused", "{file} failed validation: {reason}", file=file, reason=errors[0].text)
    return message(
        "results.import.refused-more",
        "{file} failed validation: {reason} (further problems: {count})",
        file=file,
        reason=errors[0].text,
        count=len(errors) - 1,
    )


def _write(host: Host, path: str, content: str) -> None:
    try:
        host.write_text(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            message("results.cannot-write", "{file} cannot be written: {reason}", file=path, reason=reason),
            hint=message(
                "results.cannot-write.hint", "choose a file in a folder that you can write to and that has free space"
            ),
        ) from error


def _chosen(host: Host, selector: Selector) -> tuple[Labelled, ...]:
    run = store.load(host, selector.run)
    chosen = selector.choose(run.results)
    if not chosen:
        raise UsageError(
            message("results.no-part", "nothing in run {run} matches {part}", run=run.id,
                    part=" ".join(filter(None, (selector.recipe, selector.device)))),
            hint=_parts(selector, run.results),
        )  # fmt: skip
    return tuple(Labelled(run=run.id, result=result) for result in chosen)


def _parts(selector: Selector, results: Sequence[Result]) -> Message:
    """What can be named: the devices of a recipe that is there, else the run's recipes."""
    devices = sorted({result.device for result in replace(selector, device=None).choose(results)})
    if selector.device is not None and devices:
        return message(
            "results.no-device.hint", "choose one of the devices measured: {devices}", devices=", ".join(devices)
        )
    recipes = ", ".join(sorted({result.recipe for result in results}))
    return message(
        "results.no-part.hint",
        "choose one of the run's recipes: {recipes}",
        recipes=recipes,
    )


def _nothing_comparable(report: Report, base: Sequence[Labelled], candidate: Sequence[Labelled]) -> UsageError:
    keys = sorted({difference.key for refusal in report.refused for difference in refusal.differences})
    if not keys:
        return _nothing_in_common(*({one.result.workload for one in side} for side in (base, candidate)))
    return UsageError(
        message(
            "compare.other-work", "the two sides did not do the same work; differences: {keys}", keys=", ".join(keys)
        ),
        hint=message(
            "compare.other-work.hint",
            "use `--across NAME` for each of these differences to compare the two sides anyway (`--across "
            "parameters` covers all parameters)",
        ),
    )


def _nothing_in_common(base: set[str], candidate: set[str]) -> UsageError:
    """The workloads of the two sides differ, or all recipes of those that both have."""
    if base & candidate:
        return UsageError(
            message("compare.no-recipe", "the two sides have no recipe in common"),
            hint=message(
                "compare.no-recipe.hint",
                "name a recipe for each side: `torchup results compare RUN:RECIPE RUN:RECIPE`",
            ),
        )
    return UsageError(
        message(
            "compare.no-workload", "the two sides have no workload in common: {base} and {candidate}",
            base=", ".join(sorted(base)), candidate=", ".join(sorted(candidate)),
        ),
        hint=message(
            "compare.no-workload.hint", "choose runs of the same workload; run `torchup results list` to see them"
        ),
    )  # fmt: skip


def _regression_notices(report: Report, threshold: float | None) -> tuple[Notice, ...]:
    if not report.regressed:
        return ()
    slower = [c for c in report.comparisons if c.regressed]
    text_ = message(
        "compare.regressed",
        "results slower by more than {threshold}: {count} of {total}",
        count=len(slower),
        total=len(report.comparisons),
        threshold=percentage(threshold or 0, None),
    )
    return (Notice(code=text_.code, level="error", text=text_),)
