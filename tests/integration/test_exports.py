"""The exports are accepted by the tools they are for: real uv, real pip, real shells, a local index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import uv

from support.index_server import IndexServer, make_wheel
from support.sources import IsolatedHost
from torchup.errors import NetworkError
from torchup.install.lock import lock
from torchup.model import Build, Machine, Os, Plan, Source
from torchup.plan.export import export

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="drives POSIX shells")]

LINUX = Machine(os=Os.LINUX, arch="x86_64")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UV = uv.find_uv_bin()


@pytest.fixture(scope="module")
def server():
    """PyTorch's index of one variant with torch, and a main index with the rest and another torch."""
    with IndexServer() as running:
        running.publish("whl/cpu", make_wheel("torch", "2.13.0+cpu", requires=["filelock"]), links="absolute")
        running.publish("whl/cpu", make_wheel("filelock", "1.0"))  # an old copy, as PyTorch's index has them
        running.publish("simple", make_wheel("torch", "2.15.0", requires=["filelock"]))
        running.publish("simple", make_wheel("filelock", "3.9"))
        running.publish("simple", make_wheel("numpy", "1.26.4"))
        running.publish("simple", make_wheel("numpy", "2.4.0"))
        yield running


@pytest.fixture
def plan(server):
    """A plan for the CPU build."""
    sources = (
        Source(name="pytorch-index:cpu", url=server.url("whl/cpu"), variant="cpu"),
        Source(name="index-url", url=server.url("simple"), general=True),
    )
    return Plan(
        build=Build(torch="2.13.0", variant="cpu", source="pytorch-index:cpu"),
        python=PYTHON,
        packages=("torch==2.13.0+cpu", "numpy"),
        constraints=("numpy<2",),
        sources=sources,
    )


@pytest.fixture
def clean(tmp_path):
    """An environment without the developer's configuration and with caches of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    return kept | {
        "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(tmp_path / "uv"), "HOME": str(tmp_path),
        "PIP_CACHE_DIR": str(tmp_path / "pip"), "UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A Python with pip."""
    folder = tmp_path_factory.mktemp("pip") / "venv"
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def run(*argv, **options):
    """Run a tool; its output, or a failed test with what it said."""
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def write(folder, name, plan, kind):
    """Export a plan into a file."""
    path = Path(folder) / name
    path.write_text(export(plan, LINUX, kind), "utf-8")
    return path


def test_uv_and_pip_accept_the_requirements(plan, tmp_path, clean, environment):
    """Both resolve the file to the variant's torch and the newest of the rest."""
    file = write(tmp_path, "requirements.txt", plan, "requirements")
    strategy = ("--index-strategy", "unsafe-best-match")
    compiled = run(UV, "pip", "compile", file, *strategy, "--python", environment, env=clean)
    assert "torch==2.13.0+cpu" in compiled
    assert "filelock==3.9" in compiled
    dry = run(UV, "pip", "install", "--dry-run", "-r", file, *strategy, "--python", environment, env=clean)
    assert "torch==2.13.0+cpu" in dry
    pips = run(environment, "-m", "pip", "install", "--dry-run", "-r", file, env=clean)
    assert "Would install filelock-3.9 numpy-2.4.0 torch-2.13.0+cpu" in pips


def test_the_requirements_of_a_folder_with_spaces(plan, tmp_path, clean, environment):
    """An air-gapped plan's file works for both with a path that has spaces and Chinese characters."""
    folder = tmp_path / "my wheels 轮子"
    folder.mkdir()
    for wheel in (make_wheel("torch", "2.13.0+cpu", requires=["filelock"]), make_wheel("filelock", "3.9")):
        (folder / wheel.filename).write_bytes(wheel.content)
    source = Source(name="find-links", url=str(folder), kind="find-links", general=True)
    offline = Plan(
        build=Build(torch="2.13.0", variant="cpu", source="find-links"), python=PYTHON,
        packages=("torch==2.13.0+cpu",), sources=(source,),
    )  # fmt: skip
    file = write(tmp_path, "requirements.txt", offline, "requirements")
    assert "torch-2.13.0+cpu" in run(environment, "-m", "pip", "install", "--dry-run", "-r", file, env=clean)
    assert "torch==2.13.0+cpu" in run(UV, "pip", "compile", file, "--python", environment, env=clean)
    project = write(tmp_path, "pyproject.toml", offline, "pyproject")
    run(UV, "lock", "--python", environment, cwd=project.parent, env={**clean, "UV_NO_CONFIG": "0"})
    assert 'version = "2.13.0+cpu"' in (tmp_path / "uv.lock").read_text("utf-8")


def test_uv_locks_the_pyproject(plan, tmp_path, clean, environment):
    """`uv lock` takes torch from its index, everything else from the best place, within the constraints."""
    write(tmp_path, "pyproject.toml", plan, "pyproject")
    run(UV, "lock", "--python", environment, cwd=tmp_path, env={**clean, "UV_NO_CONFIG": "0"})
    locked = {one["name"]: one for one in tomllib.loads((tmp_path / "uv.lock").read_text("utf-8"))["package"]}
    assert locked["torch"]["version"] == "2.13.0+cpu"
    assert locked["torch"]["source"]["registry"].endswith("/whl/cpu")
    assert locked["filelock"]["version"] == "3.9"
    assert locked["numpy"]["version"] == "1.26.4"


def test_the_lock_file_is_valid_and_complete(plan, tmp_path, clean, environment, monkeypatch):
    """pylock.toml has every package with its hash, passes packaging's validation, and installs."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    text = lock(IsolatedHost(tmp_path), plan, LINUX, here=True)
    reader = pytest.importorskip("packaging.pylock", reason="a packaging that reads pylock.toml")
    document = reader.Pylock.from_dict(tomllib.loads(text))
    document.validate()
    found = {package.name: package for package in document.packages}
    assert {name: str(package.version) for name, package in found.items()} == {
        "torch": "2.13.0+cpu", "filelock": "3.9", "numpy": "1.26.4",
    }  # fmt: skip
    assert all(wheel.hashes for package in found.values() for wheel in package.wheels)
    (tmp_path / "pylock.toml").write_text(text, "utf-8")
    dry = run(UV, "pip", "install", "--dry-run", "-r", tmp_path / "pylock.toml", "--python", environment, env=clean)
    assert "torch==2.13.0+cpu" in dry


def test_a_lock_for_another_machine(plan, tmp_path, monkeypatch):
    """A plan for Windows is locked here for Windows."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    text = lock(IsolatedHost(tmp_path), plan, Machine(os=Os.WINDOWS, arch="x86_64"), here=False)
    assert "torch" in text


def test_a_lock_that_cannot_be_made_is_a_network_error(plan, tmp_path, monkeypatch):
    """Sources without the planned torch end in exit 7 with uv's own words."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    wrong = Plan(build=plan.build, python=PYTHON, packages=("torch==9.9+cpu",), sources=plan.sources)
    with pytest.raises(NetworkError, match=r"torch==9\.9"):
        lock(IsolatedHost(tmp_path), wrong, LINUX, here=True)


def test_the_shell_script_makes_the_environment(plan, tmp_path, clean):
    """`sh` and `bash` parse it; run with uv on PATH and without, it makes an environment with the planned torch."""
    script = write(tmp_path, "torch.sh", plan, "script-sh")
    for shell in filter(shutil.which, ("sh", "bash", "dash", "zsh")):
        run(shell, "-n", script)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / f"python{PYTHON}").symlink_to(getattr(sys, "_base_executable", sys.executable))
    system = "/usr/bin:/bin"
    without = run("sh", script, tmp_path / "by pip", env={**clean, "PATH": f"{tools}:{system}"})
    assert without.splitlines()[-1] == "2.13.0+cpu" or "2.13.0+cpu\n" in without
    (tools / "uv").symlink_to(UV)
    with_uv = run("sh", script, tmp_path / "by uv", env={**clean, "PATH": f"{tools}:{system}"})
    assert "2.13.0+cpu\n" in with_uv


def test_powershell_parses_its_script(plan, tmp_path):
    """PowerShell's own parser finds no error, where there is a PowerShell; else tree-sitter's, where that is."""
    script = write(tmp_path, "torch.ps1", plan, "script-ps1")
    if shell := shutil.which("pwsh"):
        parser = "[Management.Automation.Language.Parser]"
        command = f"$e = $null; [void]{parser}::ParseFile('{script}', [ref]$null, [ref]$e); exit $e.Count"
        run(shell, "-NoProfile", "-Command", command)
        return
    grammar = pytest.importorskip("tree_sitter_powershell", reason="neither PowerShell nor its grammar is here")
    tree_sitter = pytest.importorskip("tree_sitter")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(script.read_bytes()).root_node.has_error


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_no_error_in_the_dockerfile(plan, tmp_path):
    """The Dockerfile parses and has no error-level finding."""
    run("hadolint", "--failure-threshold", "error", write(tmp_path, "Dockerfile", plan, "dockerfile"))
