"""JupyterHub's proxy: where it is looked for, what is asked before the question, what is installed; refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from msgspec import structs

from support.plan_machines import machine
from torchup.catalog.load import built_in
from torchup.envs import hub_proxy
from torchup.envs.hub import hub_folder
from torchup.errors import InstallError, NetworkError, UsageError
from torchup.host import RealHost
from torchup.jobs import hub
from torchup.model import InstallerName, Request
from torchup.plan import resolve
from torchup.plan.packages import wanted_packages

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts of a POSIX shell")
CATALOG = built_in()
KNOWN = CATALOG.hub
PLAN = resolve(machine("linux"), Request(cpu=True, profile="hub"), CATALOG)
NPM = """#!/bin/sh
echo "$@" >> {log}
[ -n "$NPM_FAILS" ] && echo "npm error code ECONNREFUSED
npm error syscall connect
npm error FetchError: request to the registry failed" >&2 && exit 1
case "$1" in install)
  while [ "$1" != --prefix ]; do shift; done
  mkdir -p "$2/node_modules/{proxy}/bin" && touch "$2/node_modules/{proxy}/bin/{proxy}";;
esac
"""


class Nowhere(RealHost):
    """A machine without a network, whose PATH has only what a test puts there."""

    def fetch(self, url, **_):
        """Nobody answers."""
        return hub_proxy_response(url)

    def stream(self, url, **_):
        """Nobody answers."""
        raise hub_proxy.StreamError(url)


def hub_proxy_response(url):
    """What a machine without a network says of an address."""
    from torchup.host.base import HttpResponse  # noqa: PLC0415  # here only

    return HttpResponse(url=url, error="Network is unreachable")


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Put a Node.js of some version and an npm that notes its words on PATH; gives the notes."""

    def put(version: str) -> Path:
        folder, log = tmp_path / "programs", tmp_path / "npm.log"
        folder.mkdir(exist_ok=True)
        scripts = {"node": f"#!/bin/sh\necho {version}\n", "npm": NPM.format(log=log, proxy=KNOWN.name)}
        for name, text in scripts.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/bin.none")
        for shell in ("sh", "mkdir", "touch"):
            (folder / shell).symlink_to(f"/bin/{shell}") if not (folder / shell).exists() else None
        return log

    monkeypatch.setenv("PATH", "/nowhere")
    return put


@pytest.mark.parametrize(
    ("version", "wanted"), [("v24.1.0", "^5"), ("v20.0.0", "^5"), ("v18.19.1", "^4"), ("v10.0.0", "^4")]
)
def test_the_release_of_the_proxy_goes_with_node(node, tmp_path, version, wanted):
    """The newest that this Node.js runs, beside the hub's files; afterwards it is found there."""
    log = node(version)
    command = hub_proxy.install_proxy(Nowhere(), KNOWN, str(tmp_path / "env"), "lab", print)
    assert f"{KNOWN.name}@{wanted}" in log.read_text()
    assert command[1].startswith(hub_folder(RealHost(), "lab"))
    assert hub_proxy.find_proxy(Nowhere(), KNOWN, str(tmp_path / "env"), "lab") == command


def test_a_node_without_npm_is_told_what_is_missing(node, tmp_path):
    """The version of Node.js is not blamed for npm; what installs both is the hint."""
    npm = node("v20.20.2").parent / "programs" / "npm"
    npm.unlink()
    with pytest.raises(InstallError) as caught:
        hub_proxy.install_proxy(Nowhere(), KNOWN, str(tmp_path / "env"), "lab", print)
    assert caught.value.code == "hub.no-npm"
    assert "torchup up --profile hub --env lab" in str(caught.value.hint)


@pytest.mark.parametrize("version", [None, "v8.17.0"])
def test_without_a_node_that_runs_it_the_request_brings_one(node, version):
    """Node.js comes from PyPI into the environment; conda's package of the proxy needs none; no hub, no Node.js."""
    if version:
        node(version)
    host, request = Nowhere(), Request(profile="hub")
    assert KNOWN.node in hub.with_node(host, request).packages
    assert hub.with_node(host, Request(profile="hub", installer=InstallerName.CONDA)).packages == ()
    assert hub.with_node(host, Request(profile="analysis")).packages == ()


def test_with_a_node_nothing_is_added(node):
    """What is here is used."""
    node("v20.20.2")
    assert hub.with_node(Nowhere(), Request(profile="hub")).packages == ()


@pytest.mark.parametrize("has_node", [True, False])
def test_an_npm_that_gives_nothing_is_told_before_the_question(node, monkeypatch, has_node):
    """Neither npm's registry nor conda-forge answers: the reason, and what works instead."""
    if has_node:
        node("v20.20.2")
        monkeypatch.setenv("NPM_FAILS", "1")
    with pytest.raises(NetworkError) as caught:
        hub.check_hub(Nowhere(), PLAN, "/env", "lab", print)
    assert ("FetchError" if has_node else "Network is unreachable") in str(caught.value.text)
    assert "conda-forge does not answer" in str(caught.value.text)
    assert "torchup up --profile analysis" in str(caught.value.hint)


def test_where_conda_forge_answers_it_is_the_way(node, monkeypatch):
    """The hint is the command that works from here."""
    monkeypatch.setattr(hub_proxy, "_answers", lambda *_: True)
    with pytest.raises(NetworkError) as caught:
        hub.check_hub(Nowhere(), PLAN, "/env", "lab", print)
    assert "`torchup up --env lab --profile hub --installer conda`" in str(caught.value.hint)


def test_offline_a_proxy_that_is_not_here_is_told(node):
    """Nobody is asked, and nothing is installed that cannot work."""
    with pytest.raises(UsageError, match=KNOWN.name):
        hub.check_hub(Nowhere(), PLAN, "/env", "lab", print, offline=True)
    core = resolve(machine("linux"), Request(cpu=True), CATALOG)
    hub.check_hub(Nowhere(), core, "/env", "lab", print, offline=True)


def test_a_failing_npm_is_quoted_without_its_codes(node, monkeypatch, tmp_path):
    """The sentence of npm, not its numbers; and the command that tries again."""
    node("v20.20.2")
    monkeypatch.setenv("NPM_FAILS", "1")
    with pytest.raises(InstallError) as caught:
        hub_proxy.install_proxy(Nowhere(), KNOWN, str(tmp_path), "lab", print)
    assert "FetchError: request to the registry failed" in str(caught.value.text)
    assert "`torchup hub lab`" in str(caught.value.hint)


def test_a_hub_on_windows_is_refused_with_what_works(tmp_path):
    """By profile, bundle or name: before any build is chosen."""
    for request in (Request(profile="hub"), Request(packages=("hub",)), Request(packages=("jupyterhub",))):
        with pytest.raises(UsageError, match="does not run on windows") as caught:
            resolve(machine("windows"), request, CATALOG)
        assert "torchup lab" in str(caught.value.hint)
    resolve(machine("windows"), Request(profile="analysis"), CATALOG)


def test_another_package_that_does_not_run_here_is_not_called_a_hub():
    """The hub's way out is the hub's alone; for any other row the hint is true of every package."""
    catalog = structs.replace(CATALOG, not_on={**CATALOG.not_on, "thing": "windows"})
    with pytest.raises(UsageError, match="thing does not run on windows") as caught:
        resolve(machine("windows"), Request(packages=("thing",)), catalog)
    assert str(caught.value.hint) == "leave out thing, or install it on another operating system"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_translations_come_with_what_they_translate(language):
    """JupyterLab and matplotlib in the user's language; conda leaves out what it lacks; torch alone has none."""
    added = ("jupyterlab-language-pack-zh-CN", "pylopdf-fonts-zh-cn") if language == "zh" else ()
    found = wanted_packages(Request(profile="analysis", language=language), CATALOG)
    assert found == (*CATALOG.profiles["analysis"], *added)
    conda = Request(profile="analysis", language=language, installer=InstallerName.CONDA)
    assert wanted_packages(conda, CATALOG) == (*CATALOG.profiles["analysis"], *added[:1])
    assert wanted_packages(Request(language=language), CATALOG) == CATALOG.profiles["core"]


def test_the_proxys_command_is_what_the_configuration_reads(node, tmp_path):
    """A list of words, as JupyterHub takes it."""
    node("v20.20.2")
    from torchup.model import Environment  # noqa: PLC0415  # here only

    hub.prepare_hub(Nowhere(), Environment(name="lab", path=str(tmp_path / "env")), print, print)
    words = json.loads(Path(hub_folder(RealHost(), "lab"), "proxy.json").read_text())
    assert words[1].endswith(f"/{KNOWN.name}")
