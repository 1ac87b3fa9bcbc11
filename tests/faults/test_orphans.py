"""torchup is killed: nothing that it started outlives it, whatever that was doing."""

from __future__ import annotations

import os
import subprocess
import sys
import venv

import psutil
import pytest

from support.clinging import alive, clinging, family

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="Windows ends jobs by itself")]
INSTALLING = """
import sys
from support.plans import folder_plan, importing
from torchup.host import RealHost
from torchup.install import engine, uv
uv.uv_binary = lambda: sys.argv[1]
engine.install(RealHost(), folder_plan("/nowhere"), "default", verify=importing())
"""


def installing(tmp_path, noted):
    """A torchup in the middle of an installation, whose uv hangs."""
    uv = tmp_path / "uv"
    uv.write_text(f"#!{sys.executable}\n{clinging(noted)}")
    uv.chmod(0o755)
    return [sys.executable, "-c", INSTALLING, str(uv)]


def measuring(tmp_path, noted):
    """A torchup in the middle of a benchmark, whose torch hangs."""
    venv.create(tmp_path / "env", symlinks=True)
    (torch,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (torch / "torch").mkdir()
    (torch / "torch/__init__.py").write_text(clinging(noted))
    return [sys.executable, "-m", "torchup", "bench", "--python", str(tmp_path / "env/bin/python")]


@pytest.mark.parametrize("start", [installing, measuring])
def test_nothing_outlives_a_killed_torchup(tmp_path, start, survived):
    """After kill -9 its tools and workers, their children and grandchildren end within 2 s, deaf ones too."""
    noted = tmp_path / "processes"
    variables = {"TORCHUP_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = start(tmp_path, noted)
    with subprocess.Popen(command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL) as torchup:
        members = family(noted)
        members += psutil.Process(torchup.pid).children(recursive=True)
        torchup.kill()
    left = alive(members)
    survived("SIGKILL while a tool or a worker hangs: it ends within 2 s with all that it started", not left)
    assert left == []
