"""Bundles: made with real uv and pip, installed where there is no network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from support.bundles import write_sums
from support.index import serve_index
from support.plans import folder_plan, importing, index_plan
from support.wheels import copy_real_pip, make_fake_torch, make_wheel
from torchup.encoding import to_builtins
from torchup.envs import registry
from torchup.errors import ExitCode, InstallError, NetworkError, UsageError
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.bundle import collect, load_bundle

HOST = RealHost()
CHILD = Path(__file__).parents[1] / "support" / "install_child.py"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Torch with a dependency that only Windows needs, and a pip that works."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    folder = tmp_path / "wheels"
    make_fake_torch(folder, requires=["filelock", "winthing; sys_platform == 'win32'"])
    make_wheel(folder, "filelock", "3.1")
    make_wheel(folder, "winthing", "1.0", tag="cp311-cp311-win_amd64")
    if copy_real_pip(folder) is None:
        pytest.skip("this Python carries no pip")
    return folder


@pytest.mark.slow
def test_a_bundle_installs_with_the_network_off(wheels, tmp_path, monkeypatch):
    """All that is needed is in the folder: the installation runs in a network namespace without any interface."""
    folder = tmp_path / "usb 盘" / "bundle"
    folder.parent.mkdir()
    monkeypatch.chdir(folder.parent)
    with serve_index(wheels) as index:
        bundle = collect(HOST, index_plan(index.url), "bundle")  # as people type it: in the current folder
    names = {name.split("-")[0] for name in bundle.files}
    assert names == {"torch", "filelock", "pip"}
    assert sorted(entry.name for entry in folder.iterdir()) == ["SHA256SUMS", "plan.json", "wheels"]
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True, timeout=60)
    plan = load_bundle(HOST, str(folder))
    assert [source.kind for source in plan.sources] == ["find-links"]
    job = {"action": "install", "name": "air", "plan": to_builtins(plan)}
    alone = [*_without_network(), sys.executable, str(CHILD), json.dumps(job)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[1]), "UV_CACHE_DIR": str(tmp_path / "empty-cache")}
    done = subprocess.run(alone, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    program = Path(os.environ["TORCHUP_HOME"]) / "data" / "envs" / "air" / "bin" / "torchrun"
    assert "2.13.0+cpu" in subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout


def _without_network():
    """A prefix that takes the network away, where the system allows it."""
    prefix = ["unshare", "--map-root-user", "--net"]
    try:
        works = subprocess.run([*prefix, "true"], capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        works = False
    return prefix if works else []


@pytest.mark.slow
def test_a_bundle_for_another_platform_holds_that_platforms_wheels(wheels, tmp_path):
    """Requirements that only Windows has are in Windows's bundle, whatever machine makes it."""
    plan = msgspec.structs.replace(folder_plan(wheels), python="3.11", python_path="/not/here/python3.11")
    bundle = collect(HOST, plan, str(tmp_path / "b"), platform="windows_x86_64")
    assert "winthing-1.0-cp311-cp311-win_amd64.whl" in bundle.files
    assert bundle.platform == "windows_x86_64"


def test_what_is_no_bundle_is_refused(tmp_path):
    """An empty folder, a damaged plan, a missing wheel: exit code 2 with what to do."""
    with pytest.raises(UsageError, match="is not a bundle"):
        load_bundle(HOST, str(tmp_path))
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(UsageError, match="has no SHA256SUMS"):
        load_bundle(HOST, str(tmp_path))
    write_sums(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_bundle(HOST, str(tmp_path))
    whole = {"schema": 1, "plan": to_builtins(folder_plan("/x")), "files": {"torch-1-py3-none-any.whl": "0" * 64}}
    (tmp_path / "plan.json").write_text(json.dumps(whole))
    write_sums(tmp_path)
    with pytest.raises(UsageError, match="missing torch-1"):
        load_bundle(HOST, str(tmp_path))


def test_a_folder_with_something_in_it_is_not_used(tmp_path):
    """Nothing of the user's is mixed with wheels."""
    (tmp_path / "x").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        collect(HOST, folder_plan("x"), str(tmp_path))


def test_a_failed_bundle_leaves_an_empty_folder(tmp_path, monkeypatch):
    """An index that is down: exit code 7, nothing in the folder, so that the same command can be repeated."""
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(NetworkError) as caught:
        collect(HOST, index_plan("http://127.0.0.1:9/simple"), str(tmp_path / "b"))
    assert caught.value.exit_code == ExitCode.NETWORK
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.slow
def test_a_bundle_of_a_plan_is_verified_like_any_other(wheels, tmp_path):
    """`load_bundle` gives an ordinary plan: the engine re-uses what satisfies it."""
    first = engine.install(HOST, folder_plan(wheels), "default", verify=importing())
    (tmp_path / "b" / "wheels").mkdir(parents=True)
    torch = next(wheels.glob("torch-*"))
    shutil.copy(torch, tmp_path / "b" / "wheels")
    files = {torch.name: hashlib.sha256(torch.read_bytes()).hexdigest()}
    document = {"schema": 1, "plan": to_builtins(folder_plan(wheels)), "files": files}
    (tmp_path / "b" / "plan.json").write_text(json.dumps(document))
    write_sums(tmp_path / "b")
    again = engine.install(HOST, load_bundle(HOST, str(tmp_path / "b")), "default", verify=importing())
    assert again == first


def test_what_a_killed_run_left_is_no_obstacle(tmp_path, monkeypatch):
    """A bundle that never came to its plan is begun again; one with anything else in it stays untouched."""
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    folder = tmp_path / "b"
    (folder / ".workshop").mkdir(parents=True)
    (folder / "wheels").mkdir()
    (folder / "wheels" / "half.whl").write_bytes(b"x")
    with pytest.raises(NetworkError):  # it goes on to the index, which is down
        collect(HOST, index_plan("http://127.0.0.1:9/simple"), str(folder))
    (folder / ".workshop").mkdir(parents=True)
    (folder / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        collect(HOST, index_plan("http://127.0.0.1:9/simple"), str(folder))
    assert (folder / "mine.txt").exists()


@pytest.mark.slow
def test_a_bundle_does_not_drop_what_the_user_added(wheels, tmp_path):
    """An upgrade from a bundle that lacks a package of the user's is refused: nothing disappears in silence."""
    make_wheel(wheels, "mine", "1.0")
    engine.install(HOST, folder_plan(wheels, "2.13.0", "mine"), "default", verify=importing())
    (torch,) = make_fake_torch(tmp_path / "newer", "2.14.0").parent.glob("torch-*")
    files = {torch.name: hashlib.sha256(torch.read_bytes()).hexdigest()}
    plan = msgspec.structs.replace(folder_plan(torch.parent, "2.14.0"), hashes=files)
    with pytest.raises(InstallError, match="is missing packages that you added to the environment: mine"):
        engine.install(HOST, plan, "default", verify=importing())
    assert "mine" in registry.find(HOST, "default").packages
