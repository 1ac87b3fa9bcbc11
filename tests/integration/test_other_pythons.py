"""The worker on real interpreters, from the oldest that it is for: what no newer Python can prove."""

from __future__ import annotations

import pytest

from support.bench import WORKER
from support.pythons import python
from torchup.envs.inspection import inspect_environment
from torchup.envs.verification import verify_environment
from torchup.host import RealHost
from torchup.i18n.sentences import sentence

HOST = RealHost()
COMPILE = (
    "import pathlib, sys\nfor path in map(pathlib.Path, sys.argv[1:]):\n    compile(path.read_bytes(), path, 'exec')"
)


@pytest.fixture(params=["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def version(request):
    """Each Python that torchup can be asked about; what is not here is skipped."""
    return request.param


@pytest.fixture
def interpreter(version, tmp_path):
    """The Python of an empty environment."""
    made = HOST.run((python(version), "-m", "venv", "--without-pip", str(tmp_path / "venv")), timeout=60)
    assert made.returncode == 0, made.stderr
    return next(str(path) for path in tmp_path.glob("venv/*/python*") if path.stem == "python")


def test_the_worker_compiles_without_a_warning(version):
    """Each of its files is the grammar of that Python, nothing deprecated in it."""
    files = map(str, sorted(WORKER.rglob("*.py")))
    done = HOST.run((python(version), "-I", "-W", "error", "-c", COMPILE, *files), timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_environment_of_that_python_is_inspected(version, interpreter):
    """It names its version and that torch is not there; nothing in it fails."""
    found = inspect_environment(HOST, interpreter)
    assert found.failure is None
    assert found.python.version.startswith(f"{version}.")
    assert not found.torch.installed


def test_the_ladder_of_that_python_ends_at_the_import(interpreter):
    """Without torch the first rung says so in the worker's own words, not in those of a crash."""
    verification = verify_environment(HOST, interpreter)
    assert [rung.name for rung in verification.rungs] in (["import"], ["files", "import"])
    assert verification.rungs[-1].status == "fail"
    assert "No module named 'torch'" in str(sentence(verification.rungs[-1].detail))
