"""What the conda installer plans and refuses, without py-rattler."""

from __future__ import annotations

import importlib.metadata

import msgspec
import pytest

from torchup.envs import transaction
from torchup.errors import InstallError, NetworkError, NoBuildError, UsageError
from torchup.host import Completed, RealHost
from torchup.install import conda as installer
from torchup.model import Build, CondaOrder, InstallerName, Machine, Os, Plan, Source, Step, verbatim
from torchup.own_commands import add_to_torchup
from torchup.plan import conda

HOST = RealHost()
BUILD = Build(torch="2.13.0", variant="cpu", source="conda-forge")
PLAN = Plan(
    build=BUILD,
    python="3.12",
    installer=InstallerName.CONDA,
    packages=("torch==2.13.0",),
    conda=conda.order(Machine(os=Os.LINUX, arch="x86_64"), BUILD, "3.12"),
)


def test_without_py_rattler_the_user_gets_the_exact_command(monkeypatch):
    """The missing extra is a usage error that names the command of what installed torchup."""

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(UsageError) as caught:
        installer.require_rattler()
    assert add_to_torchup("py-rattler<0.29,>=0.28") in str(caught.value.hint)


def test_another_minor_version_of_py_rattler_is_refused(monkeypatch):
    """Its API breaks with every minor release: better a sentence than a traceback."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "0.29.1")
    with pytest.raises(UsageError, match=r"0\.29\.1"):
        installer.require_rattler()


def test_a_plan_for_another_installer_is_refused():
    """Without a conda order there is nothing to solve."""
    with pytest.raises(UsageError):
        installer.INSTALLER.steps(Plan(build=Build(torch="2.13.0", variant="cpu"), python="3.12"), "/x")


def test_steps_are_pure():
    """A plan's steps can be shown to anyone."""
    steps = installer.INSTALLER.steps(PLAN, "/envs/demo")
    assert [step.argv[4] for step in steps] == ["solve", "link"]
    assert steps == installer.INSTALLER.steps(PLAN, "/envs/demo")


@pytest.mark.parametrize(
    ("path", "final"),
    [
        ("/e/.demo.staging/1a2b/demo", "/e/demo"),
        ("/e/demo", "/e/demo"),
        ("/e/.other.staging/1a2b/demo", "/e/.other.staging/1a2b/demo"),
        (r"C:\e\.demo.staging\1a2b\demo", r"C:\e\demo"),
    ],
)
def test_the_final_path_is_told_from_the_staging_path(path, final):
    """What the engine renames next is what the files must name."""
    assert installer.final_path(path) == final


def test_new_staging_paths_lead_back_to_their_target():
    """The two rooms agree on where staging lies."""
    assert installer.final_path(transaction.new_staging("/somewhere/envs/demo")) == "/somewhere/envs/demo"


@pytest.mark.parametrize(
    ("stdout", "error"),
    [
        ('{"event": "solve"}\n{"error": "solve", "text": "no candidates"}', NoBuildError),
        ('{"error": "virtual", "text": "needs __cuda"}', NoBuildError),
        ('{"error": "network", "text": "connection refused"}', NetworkError),
        ('{"error": "link", "text": "no space left"}', InstallError),
        ("{broken\nTraceback", InstallError),
    ],
)
def test_every_failure_of_the_runner_has_its_error(stdout, error):
    """The kind that the runner names decides the exit code; its words are kept."""
    step = Step(argv=("python",), summary=verbatim("link"))
    found = installer.failure(step, Completed(argv=(), returncode=1, stdout=stdout, stderr="last words"))
    assert type(found) is error
    assert stdout.rpartition('"text": "')[2].rstrip('"}') in str(found) or "last words" in str(found)


def test_a_step_that_takes_too_long_is_a_network_error():
    """The engine stopped it at its limit."""
    step = Step(argv=("python",), summary=verbatim("link"))
    assert isinstance(installer.failure(step, Completed(argv=(), timed_out=True)), NetworkError)


def test_progress_lines_are_for_people():
    """Download, link and solution become short lines; other events stay inside."""
    told = []
    for line in (
        '{"event": "solve", "specs": []}',
        '{"event": "solved", "packages": [["pytorch", "2.13.0"], ["pip", "26.0"]]}',
        '{"event": "download", "package": "pytorch", "bytes": 1500000, "total": 3000000}',
        '{"event": "package", "package": "pytorch"}',
        "not json",
    ):
        installer._pass_on(line, told.append)
    assert told == ["pytorch 2.13.0, pip 26.0", "pytorch 1.5/3.0 MB", "pytorch"]


def test_without_a_place_for_pip_the_default_index_is_meant():
    """A conda channel is no index: it must not switch indexes off for what pip installs."""
    forge = Source(name="conda-forge", url=conda.CONDA_FORGE, kind="conda")
    plan = msgspec.structs.replace(PLAN, packages=(*PLAN.packages, "mine==1.0"), sources=(forge,))
    assert "--no-index" not in installer.INSTALLER.steps(plan, "/envs/demo")[2].argv


def test_what_only_pip_has_is_installed_with_pip_afterwards():
    """Packages that the engine keeps and conda does not know come in a third step, the order's own do not."""
    order = CondaOrder(subdir="linux-64", channels=(conda.CONDA_FORGE,), specs=("pytorch=2.13.0=cpu*", "numpy >=2"))
    plan = Plan(build=BUILD, python="3.12", packages=("torch==2.13.0", "numpy>=2", "mine==1.0"), conda=order)
    steps = installer.INSTALLER.steps(plan, "/envs/demo")
    assert steps[2].argv == ("uv", "pip", "install", "--no-config", "--python", "/envs/demo", "mine==1.0")
    assert len(steps) == 3
