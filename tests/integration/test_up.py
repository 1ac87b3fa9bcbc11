"""The main job as a user runs it: real uv, real torch, a real (short) training. Needs a CPU build of torch in reach."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from torchup.errors import NetworkError, NoBuildError
from torchup.host import RealHost
from torchup.jobs.up import plan_for
from torchup.model import Request

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "torchup")


def torchup(*arguments: str, home, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run torchup with its data below ``home``."""
    environment = {**os.environ, "TORCHUP_HOME": str(home), **variables}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=900, check=False
    )


@pytest.fixture(scope="module")
def reachable():
    """Skip where no build of torch can be had: a machine behind a wall has nothing to install."""
    try:
        plan_for(RealHost(), Request(cpu=True))
    except (NoBuildError, NetworkError) as error:
        pytest.skip(f"no CPU build of torch can be had here: {error.text}")


@pytest.fixture(scope="module")
def finished(reachable, tmp_path_factory):
    """One finished `torchup up` with a one-epoch measurement, below a path with spaces and Chinese characters."""
    home = tmp_path_factory.mktemp("主目录 of a user")
    return home, torchup("up", "--cpu", "--yes", "--json", "--epochs", "1", home=home)


def test_up_ends_with_a_working_measured_environment(finished):
    """`torchup up` exits 0 with the plan, a verification that passed, and results of both recipes with accuracy."""
    _, completed = finished
    assert completed.returncode == 0, completed.stderr
    data = json.loads(completed.stdout)["data"]
    assert data["plan"]["build"]["variant"] == "cpu"
    assert [step["argv"][0] for step in data["plan"]["steps"]][:2] == ["uv", "uv"]
    passed = {rung["name"] for rung in data["verification"]["rungs"] if rung["status"] == "pass"}
    assert {"import", "version", "matmul", "conv", "optimiser", "dataloader"} <= passed
    results = {result["recipe"]: result for result in data["results"]}
    assert set(results) == {"script", "resident"}
    for result in results.values():  # a slow machine's budget may end within the epoch; then the result says so
        whole, reached = result["cut"] is None, result["quality"]["test_accuracy"]
        assert (0.5 if whole else 0.0) < reached <= 1
        assert whole or 0 < result["cut"]["steps"] < result["cut"]["steps_asked"] == 938
        assert whole != result["extrapolated"]
    assert all(result["seconds"] > 0 for result in results.values())


def test_results_are_kept(finished):
    """The run can be listed afterwards."""
    home, _ = finished
    listed = torchup("results", "list", "--json", home=home)
    assert listed.returncode == 0
    assert "mnist" in listed.stdout


def test_a_second_up_changes_nothing(finished):
    """The next `torchup up` re-uses the environment, says so, and checks that it still works."""
    home, _ = finished
    completed = torchup("up", "--cpu", "--yes", "--json", "-v", "--no-bench", home=home)
    assert completed.returncode == 0, completed.stderr
    data = json.loads(completed.stdout)["data"]
    assert data["reused"] is True
    assert data["verification"]["passed"] is True
    assert "nothing to do" in completed.stderr


def test_the_environment_is_used_by_name(finished):
    """`env run` runs a program in it, exit code and output passed through."""
    home, _ = finished
    code = "import sys, torch; print(torch.ones(2).sum().item()); sys.exit(9)"
    completed = torchup("env", "run", "default", "--", "python", "-c", code, home=home)
    assert (completed.returncode, completed.stdout.strip()) == (9, "2.0")


def test_a_killed_installation_is_cleared_by_the_next(reachable, tmp_path):
    """SIGKILL in the middle of the installation leaves nothing behind that stops the next run."""
    environment = {**os.environ, "TORCHUP_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, "up", "--cpu", "--yes", "--no-bench"], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("2/"):
            time.sleep(0.3)
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert not (tmp_path / "data" / "envs" / "default").exists()
    again = torchup("up", "--cpu", "--yes", "--no-bench", "--json", home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert sorted(p.name for p in (tmp_path / "data" / "envs").iterdir() if not p.name.startswith(".")) == ["default"]


def test_without_any_network_it_says_so(tmp_path):
    """Nobody answers, nothing is configured: exit 7 with a hint, and nothing was made."""
    nowhere = "http://127.0.0.1:1/simple"
    completed = torchup(
        "up", "--cpu", "--yes", "--json",
        home=tmp_path,
        PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="", PIP_INDEX_URL=nowhere,
        UV_NO_CONFIG="1", HTTPS_PROXY="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="",
        https_proxy="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1", no_proxy="",
    )  # fmt: skip
    assert completed.returncode == 7, completed.stderr
    assert json.loads(completed.stdout)["exit_code"] == 7
    assert "hint:" in completed.stderr
    assert not (tmp_path / "data" / "envs" / "default").exists()


def test_a_data_folder_that_cannot_be_written_is_named(reachable):
    """A data folder where nothing can be written: exit 4, the folder is named, no traceback."""
    completed = torchup("up", "--cpu", "--yes", "--no-bench", home="/proc/nothing-can-be-here")
    assert completed.returncode == 4, completed.stderr
    assert "/proc/nothing-can-be-here" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    """An environment name cannot climb out of the data folder."""
    completed = torchup("up", "--cpu", "--yes", "--env", "../../evil", home=tmp_path)
    assert completed.returncode == 2
    assert not (tmp_path.parent / "evil").exists()


def test_a_bundle_installs_without_any_network(finished, tmp_path):
    """Wheels collected on one machine make the environment on another that has no network at all."""
    home, _ = finished
    bundled = torchup("env", "bundle", "default", "-o", str(tmp_path / "bundle"), home=home)
    assert bundled.returncode == 0, bundled.stderr
    cut_off = ["unshare", "-n"] if shutil.which("unshare") and os.geteuid() == 0 else []
    completed = subprocess.run(
        [*cut_off, *COMMAND, "up", "--from", str(tmp_path / "bundle"), "--yes", "--no-bench", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "TORCHUP_HOME": str(tmp_path / "there"), "HTTPS_PROXY": "http://127.0.0.1:1"},
        timeout=900,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    data = json.loads(completed.stdout)["data"]
    assert (data["environment"]["source"], data["verification"]["passed"]) == ("bundle", True)
