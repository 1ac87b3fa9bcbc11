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
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import InstallerName, Request
from torchup.plan import resolve
from torchup.sources import survey

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
