"""An index that wants a password: surveyed, planned and installed from by uv and by pip, and never told to anybody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.index_server import IndexServer, make_wheel
from support.plans import importing
from torchup.catalog import load_catalog
from torchup.cli import main
from torchup.detect import detect_machine
from torchup.host import RealHost, processes
from torchup.install import engine
from torchup.model import InstallerName, Request
from torchup.plan import resolve
from torchup.sources.surveyor import survey

pytestmark = pytest.mark.slow
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture
def private(monkeypatch, tmp_path):
    """A private index on this machine as pip's only configuration, with user and password in the address."""
    for name in ("PIP_FIND_LINKS", "PIP_CERT", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with IndexServer(login=("me", "p@ss/word")) as server:
        server.publish("simple", make_wheel("torch", "2.13.0+cpu", python=TAG, platform="manylinux_2_28_x86_64"))
        for name in ("numpy", "pillow", "pip", "filelock"):
            server.publish("simple", make_wheel(name, "99.0"))
        address = server.url("simple").replace("http://", "http://me:p%40ss%2Fword@")
        configuration = tmp_path / "pip.conf"
        configuration.write_text(f"[global]\nindex-url = {address}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
        yield server


@pytest.mark.parametrize("installer", [InstallerName.UV, InstallerName.PIP])
def test_both_engines_install_from_it(private, tmp_path, installer):
    """The plan holds the address without its password; the engine's child gets it by a file that is gone afterwards."""
    host = RealHost()
    machine = detect_machine(host)
    request = Request(cpu=True, installer=installer, python=f"{sys.version_info.major}.{sys.version_info.minor}")
    catalog = load_catalog()
    plan = resolve(machine, request, catalog, survey(host, machine, request, catalog))
    assert plan.build.source == "index-url"
    assert "p%40ss" not in repr(plan)
    assert "p@ss" not in repr(plan)
    told = []
    environment = engine.install(host, plan, "private", verify=importing(), progress=told.append)
    assert environment.packages["torch"] == "2.13.0+cpu"
    assert environment.origins["torch"] == "index-url"
    assert environment.origins["numpy"] == "index-url"
    assert "p@ss" not in repr(told)
    assert not list((tmp_path / "torchup-home" / "cache").glob("netrc-*"))
    done = subprocess.run([f"{environment.path}/bin/python", "-c", "import torch"], timeout=60, check=False)
    assert done.returncode == 0


def test_no_output_of_the_command_line_holds_the_password(private, capsys):
    """Neither the plan nor any export, in text or JSON."""
    for extra in (
        [],
        ["--json"],
        ["-v"],
        ["--export", "requirements"],
        ["--export", "script-sh"],
        ["--export", "json"],
    ):
        main(["plan", "--cpu", *extra])
        output = capsys.readouterr()
        assert "p%40ss" not in output.out + output.err
        assert "p@ss" not in output.out + output.err
        assert private.host in output.out


@pytest.mark.parametrize("installer", [InstallerName.UV, InstallerName.PIP])
def test_a_token_in_the_path_reaches_the_engine_by_a_variable(private, tmp_path, monkeypatch, installer):
    """The plan shows the address without the token and leads there all the same; no child has it on its line."""
    token = "Zq7wv71Kx80Bn4pLx"  # noqa: S105  # of this test alone
    for name, version, more in (("torch", "2.13.0+cpu", {"python": TAG, "platform": "manylinux_2_28_x86_64"}),):
        private.publish(f"{token}/simple", make_wheel(name, version, **more))
    for name in ("numpy", "pillow", "pip", "filelock"):
        private.publish(f"{token}/simple", make_wheel(name, "99.0"))
    address = private.url(f"{token}/simple").replace("http://", "http://me:p%40ss%2Fword@")
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {address}\n")
    started = []
    start = processes._start
    monkeypatch.setattr(
        processes, "_start", lambda argv, *rest, **more: (started.append(argv), start(argv, *rest, **more))[1]
    )
    host = RealHost()
    machine = detect_machine(host)
    request = Request(cpu=True, installer=installer, python=f"{sys.version_info.major}.{sys.version_info.minor}")
    catalog = load_catalog()
    plan = resolve(machine, request, catalog, survey(host, machine, request, catalog))
    assert token not in repr(plan)
    assert "<secret>/simple" in repr(plan)
    environment = engine.install(host, plan, "private", verify=importing())
    assert environment.packages["torch"] == "2.13.0+cpu"
    assert token not in repr(started)
