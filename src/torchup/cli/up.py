"""`torchup up`: the main job."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click
from msgspec import structs

from torchup.cli.answer import Answer
from torchup.cli.display import DISPLAY
from torchup.cli.download_options import download_options
from torchup.cli.install_progress import install_progress
from torchup.cli.progress import progress_line
from torchup.cli.request_options import request_options
from torchup.cli.session import Session, changing_options, common_options, say
from torchup.cli.target import environment_names
from torchup.cli.verb import Verb
from torchup.envs import activation, records
from torchup.envs.project import environment_name
from torchup.envs.registry import environment_path
from torchup.errors import ExitCode, UsageError
from torchup.i18n import render, text
from torchup.install import steps
from torchup.install.engine import is_satisfied
from torchup.jobs import up
from torchup.model import Notice, message
from torchup.report.plan_text import build_line, plan_data, plan_text, size_text
from torchup.report.up_text import up_text
from torchup.results.baselines import load_baseline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.model import Environment, Machine, Message, Plan, Request


@click.command(
    cls=Verb,
    name="up",
    help=text("up.help", "Detect, plan, install, verify, measure and report: a working PyTorch with one command"),
)
@click.option(
    "--env",
    "name",
    metavar="NAME",
    shell_complete=environment_names,
    help=text(
        "up.option.env", "Name of the environment (default: TORCHUP_ENV or `env` in torchup.toml, else `default`)"
    ),
)
@click.option(
    "--path",
    metavar="DIR",
    help=text("up.option.path", "Folder for the environment (default: in torchup's data folder)"),
)
@click.option(
    "--from",
    "bundle",
    metavar="DIR",
    help=text(
        "up.option.from",
        "Folder made by `torchup fetch` or `torchup env bundle`, to install without a network (default: none)",
    ),
)
@request_options
@download_options
@click.option("--no-bench", is_flag=True, help=text("up.option.no-bench", "Stop after the verification"))
@click.option(
    "--budget",
    type=click.FloatRange(min=5),
    metavar="SECONDS",
    default=up.DEFAULT_BUDGET,
    show_default=True,
    help=text("up.option.budget", "Time budget for the benchmark in seconds"),
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=text("up.option.epochs", "Number of epochs to train (default: 10)"),
)
@changing_options
@common_options
def command(
    session: Session,
    *,
    name: str | None,
    path: str | None,
    bundle: str | None,
    request: Request,
    connections: int,
    no_bench: bool,
    budget: float,
    epochs: int | None,
) -> Answer:
    """Parse, do the main job, render."""
    chosen = environment_name(session.host, name)
    wanted = up.Wanted(
        request=request, name=chosen, path=path, bundle=bundle, measure=not no_bench, budget=budget, epochs=epochs,
        connections=connections,
    )  # fmt: skip
    with _listener(session, wanted) as listener:
        report = up.up(session.host, wanted, listener)
    return _answer(session, wanted, report)


@contextlib.contextmanager
def _listener(session: Session, wanted: up.Wanted) -> Iterator[up.Listener]:
    """Everything that is to be seen while it works: one line for the stage, which is gone when something is written."""
    with install_progress(session) as installing, progress_line(session) as measuring:
        yield up.Listener(
            say=session.note,
            stage=lambda value: DISPLAY.show(render(value)) if session.interactive else session.note(value),
            planned=lambda machine, plan: _agree(session, wanted, machine, plan),
            installing=installing,
            measuring=measuring,
        )


def _agree(session: Session, wanted: up.Wanted, machine: Machine, plan: Plan) -> bool:
    """Show the plan and continue if the user agrees. A session without a user is an error, not a silent no."""
    if session.dry_run:
        return False
    if not session.as_json and not session.events:
        say(_plan_text(session, wanted, machine, plan) + "\n", strong=build_line(plan))
    if session.yes:
        _trusted(wanted.request, plan)
        return True
    if session.as_json or not session.attended:
        text_ = message("up.not-agreed", "`torchup up` needs confirmation, but cannot ask for it in this session")
        raise UsageError(
            text_, hint=message("up.not-agreed.hint", "use --yes to agree, or --dry-run to see only the plan")
        )
    for line in what_happens(session, wanted, plan):
        session.note(line)
    if session.confirm(message("up.ask", "set up the environment `{name}` like this?", name=wanted.name)):
        return True
    session.note(message("env.not-agreed", "nothing was changed"))
    return False


def _trusted(request: Request, plan: Plan) -> None:
    """Without a question, binaries of third parties need a word beforehand.

    Raises:
        UsageError: whose they are, and how to accept them.
    """
    for wheel in plan.wheels:
        if wheel.publisher and wheel.publisher not in request.trust:
            raise UsageError(
                message(
                    "up.third-party",
                    "{package} is built by a third party ({publisher}): --yes does not accept third-party builds",
                    package=wheel.package,
                    publisher=wheel.publisher,
                ),
                hint=message("up.third-party.hint", "add --trust {publisher}", publisher=wheel.publisher),
            )


def what_happens(session: Session, wanted: up.Wanted, plan: Plan) -> Iterator[Message]:
    """What a yes starts, how long it takes and how to leave the training out."""
    target = environment_path(session.host, wanted.name, wanted.path)
    there = is_satisfied(session.host, plan, target)
    if there:
        yield message("up.ask.there", "The environment already exists; torchup checks it again.")
    elif wanted.bundle is None and plan.build.size_bytes:
        size = size_text(plan.build.size_bytes)
        yield message(
            "up.ask.download", "torchup downloads about {size}, installs it and checks that it works.", size=size
        )
    else:
        yield message("up.ask.install", "torchup installs this build and checks that it works.")
    if not there and records.read(session.host, target) is not None:  # only then is it replaced
        yield message(
            "up.ask.kept",
            "torchup keeps the current environment: `torchup env rollback {name}` restores it.",
            name=wanted.name,
        )
    if wanted.measure:
        yield message(
            "up.ask.measure",
            "Then torchup trains on MNIST to measure this machine. This takes about {minutes} min, or longer on "
            "a busy machine; use `--no-bench` to skip it.",
            minutes=max(1, round((wanted.budget or up.DEFAULT_BUDGET) / 60)),
        )


def _plan_text(session: Session, wanted: up.Wanted, machine: Machine, plan: Plan) -> str:
    target = environment_path(session.host, wanted.name, wanted.path)
    return plan_text(plan, machine, session.style, destination=target, verbose=session.verbose)


def _answer(session: Session, wanted: up.Wanted, report: up.Report) -> Answer:
    target = environment_path(session.host, wanted.name, wanted.path)
    plan = structs.replace(report.plan, steps=steps(report.plan, target))
    data = {
        "machine": report.machine,
        "plan": plan_data(plan, report.machine),
        "environment": report.environment,
        "reused": report.reused,
        "verification": report.verification,
        "results": report.results,
    }
    if report.environment is None:
        return Answer(
            command="up",
            data=data,
            text=lambda: _plan_text(session, wanted, report.machine, plan) if session.dry_run else "",  # else: seen
            strong=lambda: build_line(plan),
        )
    saved = message("up.saved", "results saved: {path}", path=report.results_file)
    notices = (*((Notice(code="up.saved", text=saved),) if report.results_file else ()), *report.problems)
    exit_code = ExitCode.BENCH if report.problems else ExitCode.OK
    return Answer(command="up", data=data, text=lambda: _text(session, report), notices=notices, exit_code=exit_code)


def _text(session: Session, report: up.Report) -> str:
    environment = report.environment
    if environment is None:
        raise ValueError("there is no environment to show")
    return up_text(
        plan=report.plan,
        environment=environment,
        verification=report.verification,
        results=report.results,
        baseline=load_baseline("article") if report.results else None,
        next_steps=_next_steps(session, environment, measured=bool(report.results)),
        style=session.style,
        reused=report.reused,
    )


def _next_steps(session: Session, environment: Environment, *, measured: bool) -> tuple[tuple[str, str], ...]:
    shells = activation.hints(session.host, environment.path)
    windows = session.host.platform().system == "Windows"
    activate = shells.get(activation.shell_of(session.host.environ(), windows=windows))
    steps = [(text("up.next.activate", "use the environment in this shell"), activate)] if activate else []
    steps.append(
        (
            text("up.next.run", "run a program in the environment"),
            f"torchup env run {environment.name} -- python train.py",
        )
    )
    if "ipykernel" in environment.packages:
        steps.append(
            (
                text("up.next.kernel", "use the environment in your own Jupyter"),
                f"torchup kernel add {environment.name}",
            )
        )
    if measured:
        steps.append((text("up.next.results", "show the results again"), "torchup results show"))
        page = "torchup results report --html report.html"
        steps.append((text("up.next.report", "write the results to an HTML page"), page))
    if "jupyterlab" in environment.packages:
        steps.append((text("up.next.lab", "work in JupyterLab in the browser"), f"torchup lab {environment.name}"))
    if "jupyterhub" in environment.packages:
        steps.append(
            (text("up.next.hub", "start the JupyterHub of this environment"), f"torchup hub {environment.name}")
        )
    return tuple(steps)
