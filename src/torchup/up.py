"""The main job: detect, plan, install, verify, measure, keep the results. A short list of steps over the rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from torchup.bench.assemble import QualityError
from torchup.bench.runner import run_benchmark
from torchup.catalog.stored import stored_catalog
from torchup.detect import detect_machine
from torchup.envs.paths import python_of
from torchup.envs.verification import verify_environment
from torchup.errors import VerifyError
from torchup.install import engine
from torchup.install.bundle import load_bundle
from torchup.model import (
    Environment,
    Machine,
    Message,
    Plan,
    Request,
    Result,
    Value,
    Verification,
    message,
)
from torchup.plan import resolve
from torchup.results import store
from torchup.sources import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.bench.answers import Progress as BenchProgress
    from torchup.host import Host
    from torchup.install.base import Event

DEFAULT_NAME = "default"
DEFAULT_BUDGET = 180.0  # seconds; enough for ten epochs of both recipes on a two-core machine


class Wanted(Value, frozen=True, kw_only=True):
    """What the user wants of the main job."""

    request: Request = Request()
    name: str = DEFAULT_NAME
    path: str | None = None
    measure: bool = True
    budget: float | None = DEFAULT_BUDGET
    epochs: int | None = None
    recipes: tuple[str, ...] = ("script", "resident")
    bundle: str | None = None  # a folder made by `env bundle`: its plan and wheels, and no network


class Listener(Value, frozen=True, kw_only=True):
    """Whom to tell what happens. Each is called as things go, perhaps from another thread."""

    say: Callable[[Message], None]
    planned: Callable[[Machine, Plan], bool]  # shown the plan, answers whether to go on
    installing: Callable[[Event], None]
    measuring: Callable[[BenchProgress], None]


class Report(Value, frozen=True, kw_only=True):
    """What came of it."""

    machine: Machine
    plan: Plan
    environment: Environment | None = None  # None: the plan was declined, or only asked for
    reused: bool = False
    verification: Verification | None = None
    results: tuple[Result, ...] = ()
    results_file: str | None = None


def plan_for(host: Host, request: Request, say: Callable[[Message], None] = lambda _: None) -> tuple[Machine, Plan]:
    """Detect this machine and choose for it; ``say`` hears what is to be known of the user's configuration.

    Raises:
        NoBuildError, NetworkError: nothing fits, or nobody answers.
        UsageError: the mirror asked for does not exist.
    """
    machine = detect_machine(host)
    catalog = stored_catalog(host, say)
    found = survey(host, machine, request, catalog)
    for notice in found.notices:
        say(notice.text)
    return machine, resolve(machine, request, catalog, found)


def up(host: Host, wanted: Wanted, listener: Listener) -> Report:
    """Do the main job.

    Raises:
        NoBuildError, NetworkError: nothing fits, or nobody answers.
        InstallError: rolled back, the old environment is as it was.
        VerifyError: the environment does not compute what it should.
        BenchError: a measurement failed or missed its accuracy bar.
    """
    listener.say(message("up.detect", "looking at this machine"))
    machine, plan = _chosen(host, wanted, listener)
    report = Report(machine=machine, plan=plan)
    if not listener.planned(machine, plan):
        return report
    report = _installed(host, wanted, report, listener)
    return _measured(host, wanted, report, listener) if wanted.measure else report


def _chosen(host: Host, wanted: Wanted, listener: Listener) -> tuple[Machine, Plan]:
    """This machine and what goes on it: chosen now, or where there was a network. Raises `UsageError` for no bundle."""
    if wanted.bundle is not None:
        return detect_machine(host), load_bundle(host, wanted.bundle)
    return plan_for(host, wanted.request, listener.say)


def _installed(host: Host, wanted: Wanted, report: Report, listener: Listener) -> Report:
    """Install or re-use, with the ladder climbed in either case: an old proof does not prove that it works today."""
    build, stages, proofs = report.plan.build, set[str](), list[Verification]()

    def tell(event: Event) -> None:
        stages.add(event.stage)
        listener.installing(event)

    def verify(python: str) -> Verification:
        proofs.append(verify_environment(host, python, expected=build))
        return proofs[-1]

    environment = engine.install(host, report.plan, wanted.name, path=wanted.path, verify=verify, progress=tell)
    reused = "reused" in stages
    if reused:
        listener.say(message("up.verify-again", "checking that it still works"))
        # torch.compile is left out: it takes most of the ladder's time and only ever warns.
        proofs.append(verify_environment(host, python_of(environment.path), expected=build, compile_rung=False))
        _check(proofs[-1], wanted.name)
    return structs.replace(report, environment=environment, reused=reused, verification=proofs[-1])


def _check(verification: Verification, name: str) -> None:
    if verification.passed:
        return
    failed = next((rung for rung in verification.rungs if rung.status == "fail"), None)
    text = message(
        "up.broken",
        "the environment `{name}` no longer works ({rung}: {detail})",
        name=name,
        rung=failed.name if failed else "-",
        detail=(failed.detail if failed else None) or "-",
    )
    hint = message("up.broken.hint", "`torchup doctor --env {name}` explains; `--fix` repairs it", name=name)
    raise VerifyError(text, hint=hint)


def _measured(host: Host, wanted: Wanted, report: Report, listener: Listener) -> Report:
    """Measure; what was measured is kept even when it misses the bar."""
    if report.environment is None:
        return report
    try:
        results = run_benchmark(
            host,
            python_of(report.environment.path),
            workload="mnist",
            recipes=wanted.recipes,
            epochs=wanted.epochs,
            budget=wanted.budget,
            machine=report.machine,
            on_progress=listener.measuring,
        )
    except QualityError as error:
        store.save(host, error.results)
        raise
    return structs.replace(report, results=results, results_file=store.save(host, results))
