"""Jupyter for real: a notebook in the kernel, JupyterLab in a browser, the documented JupyterHub on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from support import chromium, jupyter
from torchup.cli import main
from torchup.envs import kernels, registry
from torchup.host import RealHost

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="servers and browser are Linux's")]
HOST = RealHost()
DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "jupyterhub.md"
LABEL = "PyTorch 2.13 cpu (lab)"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A real environment with torch and JupyterLab, adopted as `lab`; Jupyter's folders are the test's own."""
    for name in ("DATA", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    return registry.adopt(HOST, str(jupyter.environment()), "lab")


def test_a_notebook_in_the_kernel_sees_torch_and_its_pip_is_the_environments(environment, capsys):
    """Executed by nbclient from another Python: torch, device, `!pip` and `!python` are the environment's own."""
    nbclient = pytest.importorskip("nbclient", reason="pip install 'torchup[test-integration]'")
    import nbformat  # noqa: PLC0415  # comes with nbclient

    assert main(["kernel", "add", "lab"]) == 0
    name = kernels.kernel_name("lab", environment.path)
    cells = (
        "import torch; print(torch.__version__, (torch.ones(2, 2) @ torch.ones(2, 2)).device)",
        "!pip --version",
        "!python -c 'import sys; print(sys.prefix)'",
        "import os, sys; print(sys.prefix, os.environ['VIRTUAL_ENV'])",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, kernel_name=name, timeout=120).execute()
    outputs = ["".join(output.get("text", "") for output in cell.outputs).strip() for cell in notebook.cells]
    assert outputs[0] == "2.13.0+cpu cpu"
    assert f"from {environment.path}/lib/" in outputs[1]
    assert outputs[2] == environment.path
    assert outputs[3] == f"{environment.path} {environment.path}"
    assert LABEL in capsys.readouterr().out


def test_jupyterlab_in_a_browser_offers_the_kernel(environment, tmp_path):
    """The page that a user opens has a launcher card with the kernel's label."""
    browser = chromium.program()
    assert main(["kernel", "add", "lab"]) == 0
    port = jupyter.free_port()
    argv = [f"{environment.path}/bin/jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    argv += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=token", "--LabApp.news_url=None"]
    work = tmp_path / "work"
    work.mkdir()
    page = f"http://127.0.0.1:{port}/lab?token=token"
    with jupyter.running(argv, f"http://127.0.0.1:{port}/api", work / "lab.log", {"SHELL": "/bin/sh"}):
        document = rendered(browser, page)
    cards = re.findall(r'class="[^"]*jp-LauncherCard"[^>]*title="([^"]*)"', document)
    assert LABEL in cards, document[-2000:]
    assert "Python 3 (ipykernel)" in cards


def rendered(browser: str, page: str) -> str:
    """The page's elements after its scripts have run."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *chromium.QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=40000", "--dump-dom"]
        done = subprocess.run([*command, page], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


def documented_configuration() -> str:
    """The one block of the document that configures the hub."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if "get_config()" in block]
    return found


def test_the_documented_hub_starts_and_gives_a_user_the_kernel(environment, tmp_path):
    """The configuration of the how-to as it stands; only passwords, accounts and ports are the test's own."""
    proxy = jupyter.proxy()
    hub = tmp_path / "hub"
    linked = Linked(Path(environment.path), hub, proxy)
    assert main(["kernel", "add", "lab", "--prefix", str(hub)]) == 0
    configuration = hub / "jupyterhub_config.py"
    configuration.write_text(documented_configuration())
    port = jupyter.free_port()
    home = tmp_path / "homes"
    options = {
        "JupyterHub.bind_url": f"http://127.0.0.1:{port}",
        "JupyterHub.hub_bind_url": f"http://127.0.0.1:{jupyter.free_port()}",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{jupyter.free_port()}",
        "JupyterHub.authenticator_class": "dummy",
        "DummyAuthenticator.password": "long-enough-for-a-test",
        "JupyterHub.spawner_class": "simple",
        "SimpleLocalProcessSpawner.home_dir_template": f"{home}/{{username}}",
        "Spawner.args": "['--allow-root']",
    }
    argv = [linked.program, "-f", str(configuration), *(f"--{name}={value}" for name, value in options.items())]
    # The hub's own users have no Jupyter folders but those of its installation.
    environ = {name: "" for name in os.environ if name.startswith("JUPYTER_")}
    with jupyter.running(argv, f"http://127.0.0.1:{port}/hub/api", hub / "hub.log", environ):
        client = Client(f"http://127.0.0.1:{port}")
        client.log_in("alice", "long-enough-for-a-test")
        specs = client.kernelspecs("alice")
    name = kernels.kernel_name("lab", environment.path)
    assert specs[name]["spec"]["display_name"] == LABEL, (hub / "hub.log").read_text()[-2000:]


class Linked:
    """The environment under another prefix, so that the hub's files and kernels stay with the test."""

    def __init__(self, environment: Path, prefix: Path, proxy: str) -> None:
        shutil.copytree(environment / "bin", prefix / "bin", symlinks=True)
        for name in ("lib", "etc"):
            (prefix / name).symlink_to(environment / name)
        (prefix / "share" / "jupyter").mkdir(parents=True)
        (prefix / "share" / "jupyterhub").symlink_to(environment / "share" / "jupyterhub")
        for entry in (environment / "share" / "jupyter").iterdir():
            if entry.name != "kernels":
                (prefix / "share" / "jupyter" / entry.name).symlink_to(entry)
        shutil.copy(environment / "pyvenv.cfg", prefix)
        for script in ("jupyterhub", "jupyterhub-singleuser"):
            file = prefix / "bin" / script
            file.write_text(file.read_text().replace(str(environment), str(prefix)))
        (prefix / "bin" / "configurable-http-proxy").symlink_to(proxy)
        self.program = str(prefix / "bin" / "jupyterhub")


class Client:
    """A browser without pictures: cookies, forms, JSON."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        """A page, redirections followed."""
        with self.opener.open(self.url + path, timeout=60) as answer:
            return answer.read().decode()

    def log_in(self, user: str, password: str) -> None:
        """As the login form does."""
        form = self.get("/hub/login")
        token = re.search(r'name="_xsrf" value="([^"]*)"', form)[1]
        fields = {"username": user, "password": password, "_xsrf": token}
        self.opener.open(f"{self.url}/hub/login?next=/hub/home", urllib.parse.urlencode(fields).encode(), timeout=60)

    def kernelspecs(self, user: str) -> dict:
        """Start the user's server, open JupyterLab there (which logs in), and ask for its kernels as the page does."""
        self.get(f"/hub/spawn/{user}")
        for _ in range(100):
            if "jupyter-config-data" in self.get(f"/user/{user}/lab"):
                break
            time.sleep(0.3)
        token = next(c.value for c in self.cookies if c.name == "_xsrf" and c.path == f"/user/{user}/")
        request = urllib.request.Request(f"{self.url}/user/{user}/api/kernelspecs", headers={"X-XSRFToken": token})  # noqa: S310  # http on loopback
        with self.opener.open(request, timeout=60) as answer:
            return json.load(answer)["kernelspecs"]
