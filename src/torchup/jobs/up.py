"""The main job: detect, plan, install, verify, measure, keep the results. A short list of steps over the rooms."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import structs

from torchup.bench.request import BenchRequest
from torchup.bench.runner import Listener as BenchListener
from torchup.bench.runner import run_benchmark
from torchup.catalog.load import built_in
from torchup.detect import detect_machine
from torchup.encoding import to_json
from torchup.envs import records
from torchup.envs.paths import python_of
from torchup.envs.registry import environment_path
from torchup.envs.verification import verify_environment
from torchup.errors import InterruptedByUserError, NetworkError, TorchupError, VerifyError
from torchup.fetch import CONNECTIONS
from torchup.i18n.sentences import sentence
from torchup.install import engine
from torchup.install.base import Event
from torchup.install.bundle import load_bundle
from torchup.install.direct_fetch import AddressError
from torchup.install.keep import requirement_name
from torchup.jobs.choice import Choice, choose, next_source
from torchup.jobs.hub import check_hub, has_hub, prepare_hub, with_node
from torchup.model import (
    UNKNOWN,
    Environment,
    Machine,
    Message,
    Notice,
    Plan,
    Request,
    Result,
    Secret,
    Value,
    Verification,
    message,
)
from torchup.results import store
from torchup.sources.mirrors import mirror_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torchup.bench.answers import Progress as BenchProgress
    from torchup.host import Host
    from torchup.model import Rung

DEFAULT_NAME = "default"
DEFAULT_BUDGET = 130.0  # seconds: with its tolerance of a third and start-up below three minutes


class Wanted(Value, frozen=True, kw_only=True):
    """What the user wants of the main job."""

    request: Request = Request()
    name: str = DEFAULT_NAME
    path: str | None = None
    measure: bool = True
    budget: float | None = DEFAULT_BUDGET
    epochs: int | None = None
    recipes: tuple[str, ...] = ("script", "resident")
    connections: int = CONNECTIONS  # to one server at a time
    bundle: str | None = None  # a folder made by `env bundle`: its plan and wheels, and no network


class Listener(Value, frozen=True, kw_only=True):
    """Whom to tell what happens. Each is called as things go, perhaps from another thread."""

    say: Callable[[Message], None]
    stage: Callable[[Message], None]  # what is done now: shown until the next
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
    problems: tuple[Notice, ...] = ()  # of the measurement, beside its results


def plan_for(host: Host, request: Request) -> tuple[Machine, Plan]:
    """Detect this machine and choose for it. Raises what `choose` raises."""
    choice = choose(host, request, lambda _: None)
    return choice.machine, choice.plan


def up(host: Host, wanted: Wanted, listener: Listener) -> Report:
    """Do the main job.

    Raises:
        NoBuildError, NetworkError: nothing fits, or no source answers.
        InstallError: rolled back, the old environment is as it was.
        VerifyError: the environment does not compute what it should.
        BenchError: a measurement failed or missed its accuracy bar.
    """
    listener.stage(message("up.detect", "examining this machine and preparing the plan"))
    choice = _chosen(host, wanted, listener)
    target = environment_path(host, wanted.name, wanted.path)
    alone = wanted.request.offline or wanted.bundle is not None
    check_hub(host, choice.plan, target, wanted.name, listener.stage, offline=alone)
    if not listener.planned(choice.machine, choice.plan):
        return Report(machine=choice.machine, plan=choice.plan)
    report = _installed_from_any(host, wanted, choice, listener)
    return _measured(host, wanted, report, listener) if wanted.measure else report


def _chosen(host: Host, wanted: Wanted, listener: Listener) -> Choice:
    """This machine and what goes on it: chosen now, or where there was a network. Raises `UsageError` for no bundle."""
    if wanted.bundle is not None:
        plan = load_bundle(host, wanted.bundle)
        return Choice(machine=detect_machine(host), request=wanted.request, plan=plan)
    request = _same_packages(host, wanted, _same_mirror(host, wanted, listener.say), listener.say)
    request = _same_profile(host, wanted, request, listener.say)
    return choose(host, with_node(host, request), listener.say)


def _installed_from_any(host: Host, wanted: Wanted, choice: Choice, listener: Listener) -> Report:
    """Install; when the source does not serve what it listed, the same build from the next that has it."""
    while True:
        report = Report(machine=choice.machine, plan=choice.plan)
        try:
            return _installed(host, wanted, report, listener)
        except AddressError:
            raise
        except NetworkError as error:
            following = next_source(choice)
            if following is None:
                raise
            listener.say(error.text)
            listener.say(
                message(
                    "up.next-source",
                    "{failed} did not serve the build; trying the same build from {source}",
                    failed=choice.plan.build.source,
                    source=following.plan.build.source,
                )
            )
            choice = following


def _same_mirror(host: Host, wanted: Wanted, say: Callable[[Message], None]) -> Request:
    """An update goes the way the installation went: who needed a mirror then needs it now."""
    record = records.read(host, environment_path(host, wanted.name, wanted.path))
    used = mirror_of(record.plan) if record is not None and record.plan is not None else None
    if wanted.request.mirror or used is None:
        return wanted.request
    again = message(
        "up.same-mirror", "using the mirror {name} again; use `--mirror official` for the official sources", name=used
    )
    say(again)
    return structs.replace(wanted.request, mirror=Secret(used))


def _same_packages(host: Host, wanted: Wanted, request: Request, say: Callable[[Message], None]) -> Request:
    """Packages that are bound to torch stay in an environment that is updated: torch is chosen for them again."""
    record = records.read(host, environment_path(host, wanted.name, wanted.path))
    named = {requirement_name(text) for text in request.packages}
    wheels = record.plan.wheels if record is not None and record.plan is not None else ()
    kept = tuple(wheel.package for wheel in wheels if wheel.package not in named)
    if not kept or request.purpose:
        return request
    say(
        message(
            "up.same-packages",
            "choosing a torch build that works with the packages of this environment: {packages}",
            packages=", ".join(kept),
        )
    )
    return structs.replace(request, packages=(*request.packages, *kept))


def _same_profile(host: Host, wanted: Wanted, request: Request, say: Callable[[Message], None]) -> Request:
    """JupyterLab and a hub stay in an environment that is updated without naming its profile again."""
    record = records.read(host, environment_path(host, wanted.name, wanted.path))
    if record is None or record.plan is None or request.profile != Request().profile:
        return request
    profiles, there = built_in().profiles, {requirement_name(line) for line in record.plan.packages}
    larger = sorted(profiles, key=lambda name: len(profiles[name]), reverse=True)
    companions = set(profiles[Request().profile])
    kept = next((name for name in larger if set(profiles[name]) - companions <= there), request.profile)
    if kept != request.profile:
        say(message("up.same-profile", "keeping the profile `{name}` of this environment", name=kept))
    return structs.replace(request, profile=kept)


def _installed(host: Host, wanted: Wanted, report: Report, listener: Listener) -> Report:
    """Install or re-use, with the ladder climbed in either case: an old proof does not prove that it works today."""
    build, stages, proofs = report.plan.build, list[Event](), list[Verification]()

    ready: list[Event] = []

    def tell(event: Event) -> None:
        stages.append(event)
        (ready.append if event.stage == "done" else listener.installing)(event)  # it is ready when all was tried

    def verify(python: str) -> Verification:
        # torch.compile takes most of the ladder's time and only ever warns: it is tried when all is in place.
        proofs.append(verify_environment(host, python, expected=build, compile_rung=False, on_rung=climbed))
        return proofs[-1]

    def climbed(rung: Rung) -> None:
        """The rung that ended last, beside the stage's name."""
        name = f"{rung.name} {rung.device}" if rung.device else rung.name
        tell(structs.replace(stages[-1], detail=name))

    environment = engine.install(
        host, report.plan, wanted.name, path=wanted.path, verify=verify, progress=tell, connections=wanted.connections
    )
    reused = any(event.stage == "reused" for event in stages)
    python = python_of(environment.path)
    _prepare_hub(host, environment, tell)
    if reused:
        tell(Event(stage="verify", text=message("up.verify-again", "checking that the environment still works")))
        _check(verify(python), wanted.name)
    else:
        trying = message("up.compile", "trying torch.compile (the environment works without it)")
        tell(Event(stage="compile", text=trying))
        with _all_is_ready(wanted.name, _what_is_left(wanted)):
            proofs.append(_with_compile(proofs[-1], verify_environment(host, python, only_compile=True)))
    for event in ready:
        listener.installing(event)
    return structs.replace(report, environment=environment, reused=reused, verification=proofs[-1])


def _what_is_left(wanted: Wanted) -> Message:
    """What an interruption of torch.compile's test left out."""
    if wanted.measure:
        return message(
            "up.interrupted.hint", "run `torchup bench --env {name}` to measure this machine", name=wanted.name
        )
    return message(
        "up.interrupted.verify.hint", "run `torchup verify --env {name}` to test torch.compile", name=wanted.name
    )


def _prepare_hub(host: Host, environment: Environment, tell: Callable[[Event], None]) -> None:
    """What a hub needs beside its environment; nothing where there is no hub."""
    if not has_hub(environment.packages):
        return
    stage = Event(stage="hub", text=message("hub.preparing", "prepare JupyterHub"))
    with _all_is_ready(
        environment.name, message("hub.again", "run `torchup hub {name}` to continue", name=environment.name)
    ):
        prepare_hub(
            host,
            environment,
            lambda text: tell(structs.replace(stage, text=text)),
            lambda line: tell(structs.replace(stage, detail=line)),
        )


@contextlib.contextmanager
def _all_is_ready(name: str, hint: Message) -> Iterator[None]:
    """Ctrl-C from here on leaves an environment that works; it says so."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedByUserError(
            message("up.interrupted", "interrupted, but the environment `{name}` is ready", name=name),
            hint=hint,
        ) from None


def _with_compile(proof: Verification, compiled: Verification) -> Verification:
    """The ladder's answer with the rung that was climbed afterwards."""
    last = tuple(rung for rung in compiled.rungs if rung.name == "compile")
    return structs.replace(proof, rungs=(*proof.rungs, *last))


def _check(verification: Verification, name: str) -> None:
    if verification.passed:
        return
    failed = next((rung for rung in verification.rungs if rung.status == "fail"), None)
    text = message(
        "up.broken",
        "the environment `{name}` no longer works ({rung}: {detail})",
        name=name,
        rung=failed.name if failed else UNKNOWN,
        detail=sentence(failed.detail if failed else None),
    )
    hint = message(
        "up.broken.hint",
        "run `torchup doctor --env {name}` to find the cause; add `--fix` to repair the environment",
        name=name,
    )
    raise VerifyError(text, hint=hint)


def _measured(host: Host, wanted: Wanted, report: Report, listener: Listener) -> Report:
    """Measure; every result is kept as it comes, and what went wrong beside it is a problem of the report."""
    if report.environment is None:
        return report
    keeper = store.Keeper(host, listener.say)
    watching = BenchListener(on_progress=listener.measuring, keep=lambda run, found: keeper.keep(found, to_json(run)))
    request = BenchRequest(recipes=wanted.recipes, epochs=wanted.epochs, budget=wanted.budget)
    python = python_of(report.environment.path)
    resume = message("bench.interrupted.hint", "run `torchup bench --resume` to continue the benchmark")
    with _all_is_ready(wanted.name, resume):
        try:
            outcome = run_benchmark(host, python, request, machine=report.machine, listener=watching)
        except TorchupError:
            keeper.give_up()
            raise
    path = keeper.finish(outcome.results)
    return structs.replace(report, results=outcome.results, results_file=path, problems=outcome.problems)
