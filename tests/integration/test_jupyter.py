"""Jupyter for real: a notebook in the kernel, `torchup lab` and `torchup hub` in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support import chromium, jupyter
from support.browser import browser
from torchup.cli import main
from torchup.envs import kernels, registry
from torchup.host import RealHost

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="servers and browser are Linux's")]
HOST = RealHost()
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


TORCHUP = str(Path(sys.executable).parent / "torchup")
CELL = "import torch; print('torch', torch.__version__, (torch.ones(2, 2) @ torch.ones(2, 2)).sum().item())"
PASSWORD = "long-enough-for-a-test"  # noqa: S105  # of an account that only the test's own namespace has


@contextlib.contextmanager
def served(*arguments: str, before: tuple[str, ...] = (), environ: dict[str, str] | None = None):
    """A verb that serves, until the block ends: the JSON document that it prints when it answers."""
    with tempfile.TemporaryFile("w+") as said:
        command = [*before, TORCHUP, *arguments, "--json"]
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, **(environ or {})}
        )
        try:
            document = ""
            while not document.endswith("\n}\n"):
                line = server.stdout.readline()
                said.seek(0)
                assert line, said.read()[-3000:]
                document += line
            yield json.loads(document)["data"]
        finally:
            server.terminate()
            server.wait(30)
            server.stdout.close()


def test_torchup_lab_opens_jupyterlab_where_a_cell_imports_torch(environment, tmp_path, monkeypatch):
    """The printed address logs in; the environment's kernel is offered; a cell computes."""
    chromium.program()
    monkeypatch.chdir(tmp_path)
    with served("lab", "lab", "--no-browser") as data, browser() as page:
        page.go(data["url"])
        page.wait("!!document.querySelector('.jp-LauncherCard')")
        cards = page.ask("[...document.querySelectorAll('.jp-LauncherCard')].map((card) => card.title)")
        page.run_cell(CELL, "torch 2.13.0+cpu 8.0")
        page.screenshot(tmp_path / "lab.png")
    assert LABEL in cards
    assert data["environment"] == "lab"
    assert (tmp_path / "lab.png").stat().st_size > 10_000
    assert main(["kernel", "list"]) == 0


def test_torchup_hub_lets_an_account_of_this_machine_log_in(environment, tmp_path, monkeypatch):
    """Its own configuration, its proxy from npm, a real browser: a wrong password, the right one, a server, a cell."""
    chromium.program()
    monkeypatch.setenv("PATH", f"{Path(jupyter.proxy()).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    with served("hub", "lab", before=with_account(tmp_path, "alice", PASSWORD)) as data, browser() as page:
        page.go(data["url"])
        for password in ("wrong", PASSWORD):
            page.wait("!!document.querySelector('#password_input')")
            fields = {"username_input": "alice", "password_input": password}
            for field, value in fields.items():
                page.ask(f"document.querySelector('#{field}').value = {json.dumps(value)}")
            page.click("#login_submit")
            if password == "wrong":  # noqa: S105  # it is what it says
                page.wait("document.body.innerText.includes('Invalid username or password')")
        page.run_cell(CELL, "torch 2.13.0+cpu 8.0")
        page.screenshot(tmp_path / "hub.png")
    assert (tmp_path / "hub.png").stat().st_size > 10_000


def with_account(folder: Path, name: str, password: str) -> tuple[str, ...]:
    """What starts a program in a mount namespace whose files of accounts have one more; skips where that may not be."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("only root can give a test an account of its own")
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
    ).stdout.strip()
    home = folder / "home"
    home.mkdir()
    accounts = {"passwd": f"{name}:x:0:0::{home}:/bin/sh", "shadow": f"{name}:{hashed}:20000:0:99999:7:::"}
    for file, line in accounts.items():
        (folder / file).write_text(Path("/etc", file).read_text() + line + "\n")
    binds = " && ".join(f"mount --bind {shlex.quote(str(folder / file))} /etc/{file}" for file in accounts)
    return ("unshare", "--mount", "sh", "-c", f'{binds} && exec "$@"', "sh")
