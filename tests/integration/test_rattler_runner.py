"""The runner against a real local channel: solved, linked, run, and everything that may go wrong on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.conda_channel import PLACEHOLDER, build, index, small_forge
from support.conda_server import serve

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("rattler", reason="py-rattler is an optional extra: pip install 'torchup[conda]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the packages are for Linux")]

FORGE = "https://conda.anaconda.org/conda-forge"
SUBDIR = "linux-64" if os.uname().machine == "x86_64" else "linux-aarch64"


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    """A small conda-forge on disk."""
    folder = tmp_path_factory.mktemp("channel")
    build(folder, *small_forge(SUBDIR))
    index(folder)
    return folder


class Runner:
    """Runs the runner for one environment."""

    def __init__(self, folder: Path) -> None:
        self.prefix = folder / "envs" / ".demo.staging" / "1" / "demo"
        self.final = folder / "envs" / "demo"
        self.cache = folder / "cache"
        self.events: list[dict[str, object]] = []
        self.output = ""

    def __call__(self, action, *specs, channel=FORGE, mirror=None, virtual=(), environment=None, **options):
        """Run one action; returns the exit code."""
        argv = [sys.executable, "-P", "-m", "torchup.install.rattler_runner", action, "--prefix", self.prefix]
        argv += ["--final", self.final, "--cache", self.cache, "--subdir", SUBDIR, "--channel", channel]
        argv += ["--mirror", f"{FORGE}={mirror}"] if mirror else []
        argv += [part for text in virtual for part in ("--virtual", text)]
        argv += [part for spec in specs for part in ("--spec", spec)]
        argv += [part for name, value in options.items() for part in (f"--{name}", str(value))]
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **(environment or {})}
        )
        self.events = [json.loads(line) for line in done.stdout.splitlines()]
        self.output = done.stdout + done.stderr
        return done.returncode

    @property
    def chosen(self) -> dict[str, str]:
        """Name -> version that the solver took."""
        event = next(event for event in self.events if event.get("event") == "solved")
        return dict(event["packages"])

    @property
    def lock(self) -> str:
        """The lock file's text."""
        return (self.prefix / "torchup-conda.lock").read_text()


@pytest.fixture
def runner(tmp_path):
    """A runner with an empty cache."""
    return Runner(tmp_path)


def run(*argv: object) -> str:
    """Output of a program that must succeed."""
    return subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_linked_in_staging_runs_at_its_final_path(runner, channel):
    """Text, binary and entry-point prefixes name the final path, and programs run once the folder is renamed."""
    assert runner("solve", "native", "where", "pytorch=2.13.0=cpu*", channel=channel.as_uri()) == 0
    assert runner("link", "native", "where", "pytorch=2.13.0=cpu*", channel=channel.as_uri()) == 0
    staged = str(runner.prefix)
    texts = [path for path in runner.prefix.rglob("*") if path.is_file() and "conda-meta" not in path.parts]
    assert not [
        path for path in texts if staged.encode() in path.read_bytes() or PLACEHOLDER.encode() in path.read_bytes()
    ]
    # Verification starts Python in staging, before the final path exists.
    assert run(runner.prefix / "bin" / "python", "-c", "import torch, sys; print(sys.prefix)") == staged
    runner.prefix.rename(runner.final)
    assert run(runner.final / "bin" / "where") == str(runner.final)
    assert f"{runner.final}/share" in run(runner.final / "bin" / "native")
    assert run(runner.final / "bin" / "python", "-c", "import torch; print(torch.prefix)") == str(runner.final)


@pytest.mark.parametrize(
    ("virtual", "flavour"),
    [
        ((), "cpu_"),
        (("__cuda=12.4=0", "__cuda_arch=6.1=0"), "cuda129_"),
        (("__cuda=13.2=0", "__cuda_arch=6.1=0"), "cuda129_"),
        (("__cuda=13.2=0", "__cuda_arch=8.9=0"), "cuda130_"),
    ],
)
def test_virtual_packages_choose_the_build(runner, channel, virtual, flavour):
    """Driver and compute capability decide which build of the same torch the solver takes."""
    assert runner("solve", "pytorch=2.13.0", channel=channel.as_uri(), virtual=virtual) == 0
    assert f"pytorch-2.13.0-{flavour}" in runner.lock


def test_an_impossible_wish_is_explained(runner, channel):
    """A CUDA build without a driver ends in the solver's own tree of reasons."""
    assert runner("solve", "pytorch-gpu", channel=channel.as_uri()) == 3
    assert "__cuda" in runner.events[-1]["text"]
    assert runner.events[-1]["error"] == "solve"


def test_linking_checks_virtual_packages_again(runner, channel):
    """A solution made for one machine is refused on another: py-rattler's install would not look."""
    assert runner("solve", "pytorch-gpu", channel=channel.as_uri(), virtual=("__cuda=13.0=0", "__cuda_arch=8.9=0")) == 0
    assert runner("link", "pytorch-gpu", channel=channel.as_uri(), virtual=("__cuda=13.0=0", "__cuda_arch=6.1=0")) == 5
    assert "pytorch 2.13.0 needs __cuda_arch >=7.5" in runner.events[-1]["text"]
    assert not (runner.prefix / "conda-meta").exists()


def test_a_constraint_binds_only_where_the_virtual_package_exists(runner, channel):
    """cuda-version constrains the driver; on a machine without one it may still be installed."""
    assert runner("solve", "cuda-version=13.0", channel=channel.as_uri()) == 0
    assert runner("link", "cuda-version=13.0", channel=channel.as_uri()) == 0
    assert runner("check", channel=channel.as_uri(), virtual=("__cuda=12.9=0",)) == 5
    assert runner("check", channel=channel.as_uri(), virtual=("__cuda=13.1=0",)) == 0


def test_mirror_serves_the_bytes_and_the_records_keep_canonical_addresses(runner, channel):
    """Shards and packages come from the mirror, with its password; neither is written down or printed."""
    headers = json.dumps({"127.0.0.1": {"Authorization": "Basic bWU6c2VjcmV0"}})  # me:secret
    with serve(channel, password="me:secret") as served:  # noqa: S106  # a test's own
        for action in ("solve", "link"):
            code = runner(action, "native", mirror=served.url, environment={"TORCHUP_CONDA_HEADERS": headers})
            assert code == 0, runner.output
            assert "secret" not in runner.output
            assert "bWU6" not in runner.output
    assert any("repodata_shards" in path for path in served.paths())
    assert any(path.endswith(".tar.bz2") for path in served.paths())
    record = json.loads(next((runner.prefix / "conda-meta").glob("native-*.json")).read_text())
    assert record["url"].startswith(f"{FORGE}/{SUBDIR}/native")
    assert record["requested_specs"] == ["native"]
    assert "127.0.0.1" not in runner.lock


def test_a_mirror_that_refuses_is_a_network_error_without_the_password(runner, channel):
    """A 401 names the address, never the password in it."""
    with serve(channel, password="me:secret") as served:  # noqa: S106  # a test's own
        url = served.url.replace("://", "://me:wrong-secret@")
        assert runner("solve", "native", mirror=url) == 7
    assert "401" in runner.output
    assert "wrong-secret" not in runner.output


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
def test_a_private_certificate_authority_is_trusted_when_it_is_named(runner, channel, tmp_path):
    """A company's mirror: refused without its authority, served with SSL_CERT_FILE."""
    openssl = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj"
    extension = "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n"
    (tmp_path / "extension").write_text(extension)
    for command in (
        f"{openssl} /CN=authority -keyout ca.key -out ca.pem",
        "openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr",
        "openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extension -out leaf.pem",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, timeout=60)
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "leaf.pem").read_text() + (tmp_path / "leaf.key").read_text())
    with serve(channel, tls=both) as served:
        assert runner("solve", "native", mirror=served.url) == 7
        assert "certificate" in runner.output
        trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        assert runner("solve", "native", mirror=served.url, environment=trusted) == 0, runner.output


@pytest.mark.parametrize("fault", ["missing", "altered", "exchanged", "cut"])
def test_a_broken_package_is_told_and_a_second_run_succeeds(runner, channel, fault):
    """A package that is gone, altered or cut short fails the link; with a good channel the same command works."""
    with serve(channel) as served:
        assert runner("solve", "native", channel=FORGE, mirror=served.url) == 0
    with serve(channel, broken={"native-1.0": fault}) as served:
        assert runner("link", "native", channel=FORGE, mirror=served.url) in {4, 7}
        assert runner.events[-1]["error"] in {"link", "network"}, runner.output
    assert not (runner.prefix / "bin" / "native").exists()
    with serve(channel) as served:
        assert runner("link", "native", channel=FORGE, mirror=served.url) == 0, runner.output


@pytest.mark.parametrize("part", ["repodata_shards", "native-1.0"])
def test_a_channel_that_stalls_is_given_up(runner, channel, part):
    """No byte for the limit ends the run with a network error, in the index as in a package."""
    with serve(channel) as served:
        assert part == "repodata_shards" or runner("solve", "native", mirror=served.url) == 0
    with serve(channel, broken={part: "stalled"}) as served:
        action = "solve" if part == "repodata_shards" else "link"
        assert runner(action, "native", mirror=served.url, stall=1.5) == 7
    assert "nothing has come" in runner.events[-1]["text"]


def test_an_upgrade_keeps_what_the_user_asked_for(runner, channel, tmp_path):
    """Packages requested in the environment that is replaced are requested again; the new specs win."""
    for action in ("solve", "link"):
        assert runner(action, "native", "pytorch=2.13.0=cpu*", channel=channel.as_uri()) == 0
    runner.prefix.rename(runner.final)
    virtual = ("__cuda=12.9=0", "__cuda_arch=8.0=0")
    assert runner("solve", "pytorch=2.13.0=cuda129*", channel=channel.as_uri(), virtual=virtual, keep=runner.final) == 0
    assert {"native", "pytorch", "python"} <= set(runner.chosen)
    assert "pytorch-2.13.0-cuda129" in runner.lock


def test_a_plan_for_another_platform_is_refused(runner, channel):
    """Packages for another processor could be linked but never run."""
    other = "linux-aarch64" if SUBDIR == "linux-64" else "linux-64"
    assert runner("link", "native", channel=channel.as_uri(), subdir=other) == 5
    assert other in runner.events[-1]["text"]
