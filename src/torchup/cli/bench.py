"""`torchup bench`: measure every device of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from torchup.bench.code_hash import worker_hash
from torchup.bench.journal import Journal
from torchup.bench.options import check_options, given, spelled, used, used_together, without_idle
from torchup.bench.request import DEFAULT_PRECISION, SETTINGS, BenchRequest
from torchup.bench.runner import Listener, Outcome, go_on, run_benchmark
from torchup.bench.workloads import PRECISIONS, REGISTRY
from torchup.cli.answer import Answer
from torchup.cli.bench_help import BenchVerb, takers
from torchup.cli.click_texts import Phrase
from torchup.cli.distributed import distributed_options, measure_distributed, wanted_layout
from torchup.cli.progress import progress_line
from torchup.cli.session import Session, common_options, typed_options
from torchup.cli.share_type import Share
from torchup.cli.target import find_target, target_options
from torchup.detect import detect_machine
from torchup.encoding import UNREADABLE, from_json, to_json
from torchup.errors import ExitCode, InterruptedByUserError, TorchupError, UsageError
from torchup.i18n import text
from torchup.model import Notice, message
from torchup.report.bench_text import bench_text
from torchup.results import store
from torchup.results.baselines import load_baseline
from torchup.results.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.bench.layout import Layout
    from torchup.model import Result


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """``a,b`` as names; nothing is the empty tuple."""
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


def _sweeps(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """``batch=64,256`` as a setting and its values."""
    found: dict[str, tuple[int, ...]] = {}
    for value in values:
        name, equals, numbers = value.partition("=")
        parts = [part.strip() for part in numbers.split(",") if part.strip()]
        if name not in SETTINGS or not equals or not parts or not all(part.isdecimal() and int(part) for part in parts):
            bad = message(
                "bench.sweep.bad",
                "`{value}` is not NAME=NUMBER,NUMBER with whole numbers above 0; the possible names are {names}",
                value=value,
                names=", ".join(SETTINGS),
            )
            raise click.BadParameter(Phrase(bad))
        found[name] = tuple(dict.fromkeys(int(part) for part in parts))
    return found


@click.command(
    cls=BenchVerb,
    name="bench",
    help=text("bench.help", "Benchmark this machine's devices with the torch of an environment"),
)
@click.argument("workload", default="mnist")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[-- PROGRAM...]")
@target_options
@click.option(
    "--recipe",
    "recipes",
    callback=_names,
    metavar="A,B",
    help=text(
        "bench.option.recipe",
        "Recipes to run, comma-separated, or 'all' for all but speedrun (default: depends on the workload)",
    ),
)
@click.option(
    "--device",
    "devices",
    callback=_names,
    metavar="A,B",
    help=text(
        "bench.option.device",
        "Devices to measure, comma-separated (default: all that torch sees; for the workload `run`, only the first)",
    ),
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=text(
        "bench.option.epochs",
        "Number of epochs to train ({names}; default: depends on the workload)",
        names=takers("epochs"),
    ),
)
@click.option(
    "--budget",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help=text("bench.option.budget", "Time budget for the benchmark in seconds (default: no limit)"),
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    metavar="N",
    default=1,
    show_default=True,
    help=text(
        "bench.option.repeats",
        "Number of repeats of each recipe; the recipes alternate, each repeat in a fresh process",
    ),
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=DEFAULT_PRECISION,
    show_default=True,
    help=text("bench.option.precision", "Precision of float32 arithmetic; bf16 and fp16 use autocast"),
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help=text(
        "bench.option.threads",
        "Number of CPU threads for torch (default: torch's choice; on a CPU, some recipes use the fastest number)",
    ),
)
@click.option(
    "--batch",
    type=click.IntRange(1, 1 << 20),
    metavar="N",
    help=text(
        "bench.option.batch",
        "Batch size ({names}; default: depends on the workload)",
        names=takers("batch"),
    ),
)
@click.option(
    "--size",
    type=click.IntRange(1, 16384),
    metavar="N",
    help=text(
        "bench.option.size",
        "Size: pixels (images), rows (matmul), MiB (bandwidth), tokens (gpt); default: depends on the workload",
    ),
)
@click.option(
    "--model",
    metavar="NAME",
    help=text(
        "bench.option.model",
        "Network to train, e.g. resnet50 (workloads: {names}; default: resnet18)",
        names=takers("model"),
    ),
)
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    metavar="N",
    help=text(
        "bench.option.workers",
        "Number of DataLoader workers (workloads: {names}; default: torchup tries several)",
        names=takers("workers"),
    ),
)
@click.option(
    "--images",
    type=click.IntRange(16, 10_000_000),
    metavar="N",
    help=text(
        "bench.option.images",
        "Number of generated images if --data is not given ({names}; default: 2000)",
        names=takers("images"),
    ),
)
@click.option(
    "--sweep",
    multiple=True,
    metavar="NAME=A,B",
    callback=_sweeps,
    help=text(
        "bench.option.sweep",
        "Setting and values to measure: batch, size, threads or workers, e.g. batch=64,128 (repeatable; default: none)",
    ),
)
@click.option(
    "--until",
    type=Share(),
    metavar="SHARE",
    help=text(
        "bench.option.until",
        "Target half-width of the confidence interval, e.g. 1% of the median (at most 100 repeats a recipe; "
        "default: none)",
    ),
)
@click.option(
    "--profile",
    is_flag=True,
    default=None,
    help=text("bench.option.profile", "Run your own program (workload `run`) under the PyTorch profiler"),
)
@click.option(
    "--resume",
    is_flag=True,
    help=text("bench.option.resume", "Continue the most recent interrupted run, with the options of that run"),
)
@click.option(
    "--data",
    type=str,
    metavar="PATH",
    help=text(
        "bench.option.data",
        "Your own data: a folder of data files or, for gpt, a text file (workloads: {names}; default: the "
        "workload's own data, if it has any)",
        names=takers("data"),
    ),
)
@distributed_options
@common_options
def command(
    session: Session,
    *,
    workload: str,
    env: str | None,
    python: str | None,
    resume: bool,
    nproc: int | None,
    nnodes: int | None,
    node_rank: int | None,
    rendezvous: str | None,
    **options: Any,
) -> Answer:
    """Parse, measure, show. Every result is stored as it comes; a problem beside the results ends in exit 6."""
    if resume:
        return _resumed(session)
    if options.get("data"):
        options["data"] = session.host.real_path(options["data"])  # children do not stand in the user's folder
    request = BenchRequest(workload=workload, **options)
    if bool(request.program) != (workload == "run"):
        raise _program_usage(request.program)
    where = wanted_layout(session, nproc=nproc, nnodes=nnodes, node_rank=node_rank, rendezvous=rendezvous)
    if (known := REGISTRY.get(workload)) is not None:  # before torch is started; a plugin is known only after that
        typed = {name for name in given(request) if spelled([name]) in typed_options()}
        request = without_idle(request, used(known) if where is None else used_together(known), typed)
        if where is None:
            check_options(request, known)
    target = find_target(session, env, python)
    if where is not None:
        return _distributed_answer(session, target.python, where, request)
    machine = detect_machine(session.host)
    return _watched(
        session,
        store.Keeper(session.host, session.note),
        lambda listener: run_benchmark(session.host, target.python, request, machine=machine, listener=listener),
    )


def _program_usage(program: tuple[str, ...]) -> UsageError:
    hint = message("bench.program.hint", "type, for example, `torchup bench run -- python train.py`")
    if program:
        text_ = message("bench.program.unwanted", "unexpected argument `{args}`", args=" ".join(program))
        return UsageError(text_, hint=hint)
    return UsageError(message("bench.program.missing", "`torchup bench run` needs a program"), hint=hint)


def _watched(session: Session, keeper: store.Keeper, measure: Callable[[Listener], Outcome]) -> Answer:
    """Measure with progress shown and every result kept."""
    try:
        with progress_line(session) as tell:
            outcome = measure(Listener(on_progress=tell, keep=lambda run, found: keeper.keep(found, to_json(run))))
    except KeyboardInterrupt:
        raise interrupted(keeper) from None
    except TorchupError:
        keeper.give_up()
        raise
    return answer(outcome, session, keeper.finish(outcome.results))


def _resumed(session: Session) -> Answer:
    """`torchup bench --resume`: the newest interrupted run, from where it stood."""
    name, journal = _interrupted_run(session)
    typed = typed_options(but={"resume"})
    ignored = (_ignored(name, typed),) if typed else ()
    for one in ignored:
        session.note(one.text)  # before the work: the user may want another run
    machine = detect_machine(session.host)
    run = store.load(session.host, name) if journal.measured else None
    keeper = store.Keeper(session.host, session.note, run, name=name)
    done = _watched(session, keeper, lambda listener: go_on(session.host, journal, machine=machine, listener=listener))
    return replace(done, notices=(*ignored, *done.notices)) if session.as_json else done


def _interrupted_run(session: Session) -> tuple[str, Journal]:
    """Name and journal of the newest interrupted run.

    Raises:
        UsageError: there is none, or this torchup cannot continue it.
    """
    found = store.unfinished(session.host)
    if found is None:
        raise UsageError(
            message("bench.resume.none", "there is no interrupted run to continue"),
            hint=message("bench.resume.none.hint", "run `torchup results list` to see the finished runs"),
        )
    name, content = found
    try:
        journal = from_json(content, Journal)
    except UNREADABLE as error:
        text_ = message("bench.resume.broken", "the journal of run {run} cannot be read", run=name)
        hint = message(
            "bench.resume.broken.hint",
            "run `torchup bench` to measure again; any results of run {run} are saved",
            run=name,
        )
        raise UsageError(text_, hint=hint) from error
    if journal.code_hash != worker_hash(session.host):
        text_ = message("bench.resume.other", "run {run} was started by a different version of torchup", run=name)
        hint = message(
            "bench.resume.other.hint", "run `torchup bench` to measure again; any results of the earlier run are saved"
        )
        raise UsageError(text_, hint=hint)
    return name, journal


def _ignored(run: str, options: Sequence[str]) -> Notice:
    text_ = message(
        "bench.resume.ignored",
        "--resume continues run {run} with the options of that run; ignored: {options}",
        run=run,
        options=", ".join(options),
    )
    return Notice(code="bench.resume.ignored", level="warning", text=text_)


def interrupted(keeper: store.Keeper) -> InterruptedByUserError:
    """What Ctrl-C leaves of a benchmark."""
    run, hint = keeper.id, None
    if keeper.resumable:
        hint = message("bench.interrupted.hint", "run `torchup bench --resume` to continue the benchmark")
    if run is None:
        return InterruptedByUserError(message("bench.interrupted", "interrupted before the first result"), hint=hint)
    return InterruptedByUserError(
        message("bench.interrupted.kept", "interrupted; the results so far are saved as run {run}", run=run),
        hint=hint,
    )


def _distributed_answer(session: Session, python: str, where: Layout, request: BenchRequest) -> Answer:
    """Measure by several processes. Only node 0 has results; the others say that their part is done."""
    keeper = store.Keeper(session.host, session.note)
    try:
        results = measure_distributed(session, python, where, request, keeper.keep)
    except KeyboardInterrupt:
        raise interrupted(keeper) from None
    if results:
        return answer(Outcome(results=results), session, keeper.finish(results))
    return Answer(
        command="bench",
        data=(),
        text=lambda: text("bench.part-done", "this part of the measurement is done; the results are on node 0, rank 0"),
    )


def answer(outcome: Outcome, session: Session, path: str | None) -> Answer:
    """The results, and what went wrong beside them."""
    saved = Notice(code="bench.saved", text=message("bench.saved", "saved: {path}", path=path))
    return Answer(
        command="bench",
        data=outcome.results,
        text=lambda: bench_text(outcome.results, session.style, baseline=load_baseline("article")),
        notices=(*((saved,) if path else ()), *outcome.problems),
        exit_code=ExitCode.BENCH if outcome.problems else ExitCode.OK,
        html=lambda: _html(outcome.results, path),
    )


def _html(results: Sequence[Result], path: str | None) -> str:
    from torchup.report.html import page  # noqa: PLC0415  # only a notebook needs it
    from torchup.report.html_blocks import framed  # noqa: PLC0415  # same

    run = Run(id=path.replace("\\", "/").rpartition("/")[2] if path else "-", results=tuple(results))
    return framed(page([run], baseline=load_baseline("article")))
