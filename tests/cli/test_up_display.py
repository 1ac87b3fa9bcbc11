"""What `torchup up` shows of itself on a terminal: the question, the stages, and what is left when it is done."""

from __future__ import annotations

import click
import pytest
from msgspec import structs

from torchup.bench.answers import Progress, Stage
from torchup.bench.runner import Outcome
from torchup.catalog.load import built_in
from torchup.cli import main
from torchup.cli import up as cli_up
from torchup.detect.pretend import load_machine
from torchup.envs.records import Record
from torchup.errors import ExitCode, NetworkError
from torchup.install.base import Event
from torchup.install.direct_fetch import AddressError
from torchup.jobs import up
from torchup.jobs.choice import Choice
from torchup.model import Environment, Request, Rung, RungStatus, TorchInfo, Verification, message, verbatim
from torchup.plan import resolve

pytest.importorskip("fcntl", reason="Windows has no pseudo-terminals of this kind")
from support.terminal import terminal

MACHINE = load_machine('{"os": "linux", "arch": "x86_64", "glibc": "2.35", "python": "3.12.3"}')
PROOF = Verification(
    passed=True, torch=TorchInfo(version="2.15.0"), rungs=(Rung(name="matmul", status=RungStatus.PASS, seconds=0.1),)
)
TRAINING = Progress(workload="mnist", recipe="resident", device="cpu", run=1, runs=1, stage=Stage.TRAINING, epochs=1)


@pytest.fixture
def staged(monkeypatch, tmp_path):
    """`torchup up` with every stage played: each tells what the real one tells. Gives the order of things done."""
    done: list[str] = []
    plan = resolve(MACHINE, Request(cpu=True), built_in())

    def install(_host, _plan, name, *, path, verify, progress, **_):
        progress(Event(stage="step", text=verbatim("install torch"), position=1, total=1))
        progress(Event(stage="verify", text=message("install.verify", "verify the new environment")))
        verify("python")
        progress(Event(stage="done", text=message("install.done", "`{name}` is ready", name=name)))
        return Environment(name=name, path=str(tmp_path / "env"), python="3.12")

    def verify(*_, only_compile=False, **__):
        done.append("compile" if only_compile else "verify")
        return PROOF

    def measure(*_, listener, **__):
        done.append("measure")
        listener.on_progress(TRAINING)
        return Outcome()

    monkeypatch.setattr(up, "choose", lambda *_: Choice(machine=MACHINE, request=Request(), plan=plan))
    monkeypatch.setattr(up.engine, "install", install)
    monkeypatch.setattr(up, "verify_environment", verify)
    monkeypatch.setattr(up, "run_benchmark", measure)
    monkeypatch.setenv("TERM", "xterm-256color")
    return done


def typed(*arguments: str):
    """Type a line into a terminal of 100 columns."""
    with terminal(100) as screen:
        screen.code = main([*arguments])
    return screen


def test_no_bar_is_left_and_nothing_is_glued_to_one(staged):
    """In the end there are whole lines: the stages, then the answer; no bar, and no clock of one."""
    screen = typed("up", "--yes")
    left = screen.left
    assert "╌" in screen.raw  # there was one
    assert staged == ["verify", "compile", "measure"]
    assert not [line for line in left if "╌" in line or "0:00" in line]
    assert "1/1 install torch" in left
    assert "`default` is ready" in left


def test_it_is_ready_when_torch_compile_was_tried(staged):
    """The line that says so comes after the last stage, and no line of a stage stands there twice."""
    left = typed("up", "--yes", "--no-bench").left
    stages = [
        line for line in left if line in {"verify the new environment", "`default` is ready"} or "compile (" in line
    ]
    assert [line.split()[0] for line in stages] == ["verify", "trying", "`default`"]


@pytest.mark.parametrize(
    ("stage", "options", "next_"),
    [
        ("run_benchmark", (), "torchup bench"),
        ("verify_environment", (), "torchup bench"),
        ("verify_environment", ("--no-bench",), "torchup verify --env default"),
    ],
)
def test_who_interrupts_after_the_installation_is_told_that_it_is_ready(staged, monkeypatch, stage, options, next_):
    """Ctrl-C while torch.compile is tried or while it is measured: 130, the environment is ready, and what to type."""
    real = getattr(up, stage)

    def interrupted(*arguments, **named):
        if stage == "run_benchmark" or named.get("only_compile"):
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(up, stage, interrupted)
    screen = typed("up", "--yes", *options)
    assert screen.code == ExitCode.INTERRUPTED
    assert "the environment `default` is ready" in screen.seen
    assert next_ in screen.seen
    assert not options or "torchup bench" not in screen.seen


@pytest.mark.parametrize(("options", "said"), [((), True), (("--no-bench",), False)])
def test_the_question_says_what_a_yes_starts(staged, monkeypatch, options, said):
    """Before the question: the download, the check, the training with its minutes, and how to leave it out."""
    monkeypatch.setattr(cli_up.Session, "attended", True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    screen = typed("up", *options)
    assert "torchup downloads about" in screen.seen
    assert ("about 2 min" in screen.seen and "use `--no-bench` to skip it" in screen.seen) == said
    assert screen.seen.count("Best build") == 1  # a no does not show the plan again
    assert staged == []


@pytest.mark.parametrize("satisfied", [True, False])
def test_a_way_back_is_promised_only_if_something_is_replaced(staged, monkeypatch, satisfied):
    """An environment that is only checked again has no newer one to return from."""
    record = Record(environment=Environment(name="default", path="/x", python="3.12"))
    monkeypatch.setattr(cli_up, "is_satisfied", lambda *_: satisfied)
    monkeypatch.setattr(cli_up.records, "read", lambda *_: record)
    monkeypatch.setattr(cli_up.Session, "attended", True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    seen = typed("up", "--no-bench").seen
    assert ("torchup env rollback" in seen) is not satisfied
    assert ("already exists" in seen) is satisfied


@pytest.mark.parametrize(
    ("packages", "kept"),
    [
        (("torch==2.14.1", "jupyterlab", "ipykernel", "numpy", "pandas", "matplotlib"), "analysis"),
        (("torch==2.14.1", "jupyterlab", "ipykernel", "numpy", "pandas", "matplotlib", "jupyterhub"), "hub"),
        (("torch==2.14.1", "torchvision==0.29", "numpy"), "core"),
    ],
)
def test_an_update_keeps_the_profile(staged, monkeypatch, packages, kept):
    """Who made an environment with JupyterLab does not lose it by `torchup up` alone; companions may be missing."""
    plan = structs.replace(resolve(MACHINE, Request(cpu=True), built_in()), packages=packages)
    record = Record(environment=Environment(name="default", path="/env"), plan=plan)
    monkeypatch.setattr(up.records, "read", lambda *_: record)
    asked = []
    monkeypatch.setattr(up, "choose", lambda _, request, __: asked.append(request.profile) or Choice(
        machine=MACHINE, request=request, plan=plan))  # fmt: skip
    monkeypatch.setattr(up, "check_hub", lambda *_, **__: None)
    monkeypatch.setattr(up, "with_node", lambda _, request: request)
    screen = typed("up", "--dry-run")
    assert asked == [kept]
    assert (f"keeping the profile `{kept}`" in screen.seen) == (kept != "core")


@pytest.mark.parametrize(("error", "tried"), [(NetworkError, 1), (AddressError, 0)])
def test_only_a_source_of_torch_is_left_for_the_next(error, tried, staged, monkeypatch):
    """A file with an address of its own is the same from every source of torch."""
    asked = []

    def fail(*_, **__):
        raise error(verbatim("it did not come"))

    monkeypatch.setattr(up.engine, "install", fail)
    monkeypatch.setattr(up, "next_source", asked.append)
    assert main(["up", "--yes", "--no-bench"]) == ExitCode.NETWORK
    assert len(asked) == tried
