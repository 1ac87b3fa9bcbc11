"""`torchup bench`: measure every device of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torchup.bench.assemble import QualityError
from torchup.bench.runner import run_benchmark
from torchup.bench.workloads import REGISTRY
from torchup.cli.answer import Answer
from torchup.cli.distributed import distributed_options, measure_distributed, wanted_layout
from torchup.cli.progress import progress_line
from torchup.cli.session import Session, common_options
from torchup.cli.target import find_target, target_options
from torchup.cli.verb import Verb
from torchup.detect import detect_machine
from torchup.i18n import text
from torchup.model import Notice, message
from torchup.report.bench_text import bench_text
from torchup.results import store
from torchup.results.baselines import load_baseline

if TYPE_CHECKING:
    from torchup.bench.layout import Layout
    from torchup.model import Result

PRECISIONS = ("fp32-default", "fp32-strict", "tf32", "bf16", "fp16")


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """``a,b`` as names; nothing is the empty tuple."""
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


@click.command(
    cls=Verb,
    name="bench",
    help=text("bench.help", "Measure the devices of an environment. Workloads: {names}", names=", ".join(REGISTRY)),
)
@click.argument("workload", default="mnist")
@target_options
@click.option(
    "--recipe",
    "recipes",
    callback=_names,
    metavar="A,B",
    help=text("bench.option.recipe", "Ways of running it, comma separated, or all"),
)
@click.option(
    "--device",
    "devices",
    callback=_names,
    metavar="A,B",
    help=text("bench.option.device", "Devices, comma separated (default: all that torch sees)"),
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=text("bench.option.epochs", "Epochs to train (default: the workload's)"),
)
@click.option(
    "--budget",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help=text("bench.option.budget", "Seconds for all timed parts together; runs are shortened to whole epochs"),
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    metavar="N",
    default=1,
    show_default=True,
    help=text("bench.option.repeats", "Runs of each, in fresh processes that take turns"),
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=PRECISIONS[0],
    show_default=True,
    help=text("bench.option.precision", "How float32 mathematics may be rounded"),
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help=text("bench.option.threads", "CPU threads of torch (default: torch's choice)"),
)
@click.option("--data", type=str, metavar="DIR", help=text("bench.option.data", "Folder with your own data files"))
@distributed_options
@common_options
def command(
    session: Session,
    *,
    workload: str,
    env: str | None,
    python: str | None,
    recipes: tuple[str, ...],
    devices: tuple[str, ...],
    epochs: int | None,
    budget: float | None,
    repeats: int,
    precision: str,
    threads: int | None,
    data: str | None,
    **processes: Any,
) -> Answer:
    """Parse, measure, save, render. A run that misses its quality bar is saved too, and ends in exit 6."""
    where = wanted_layout(session, **processes)
    data = session.host.real_path(data) if data else None  # children do not stand in the user's folder
    target = find_target(session, env, python)
    if where is not None:
        shared = {"epochs": epochs, "budget": budget, "threads": threads, "precision": precision, "data": data}
        return distributed_answer(
            session, target.python, where, workload=workload, devices=devices, repeats=repeats, **shared
        )
    try:
        with progress_line(session) as tell:
            results = run_benchmark(
                session.host,
                target.python,
                machine=detect_machine(session.host),
                workload=workload,
                recipes=recipes,
                devices=devices,
                epochs=epochs,
                budget=budget,
                repeats=repeats,
                precision=precision,
                threads=threads,
                data=data,
                on_progress=tell,
            )
    except QualityError as error:
        store.save_or_say(session.host, error.results, session.note)
        raise
    return answer(session, results)


def distributed_answer(session: Session, python: str, where: Layout, **question: Any) -> Answer:
    """Measure by several processes. Only node 0 has results; the others say that their part is done."""
    results = measure_distributed(session, python, where, **question)
    if results:
        return answer(session, results)
    return Answer(
        command="bench",
        data=(),
        text=lambda: text("bench.part-done", "this part is done; the results are with node 0, rank 0"),
    )


def answer(session: Session, results: tuple[Result, ...]) -> Answer:
    """Save the run and show it."""
    path = store.save_or_say(session.host, results, session.note)
    saved = Notice(code="bench.saved", text=message("bench.saved", "saved: {path}", path=path))
    return Answer(
        command="bench",
        data=results,
        text=lambda: bench_text(results, session.style, baseline=load_baseline("article")),
        notices=(saved,) if path else (),
    )
