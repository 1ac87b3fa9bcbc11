"""`torchup lab` and `torchup hub` as a person and a program meet them; the servers are stand-ins that answer once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.jupyter import free_port
from torchup.cli import lab, main
from torchup.cli.serve import named
from torchup.envs import hub, registry
from torchup.host import RealHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts of a POSIX shell")
HOST = RealHost()
# Stands in for the environment's Python: ipykernel's own words, and a server that answers at its port with the given
# statuses, one a request, and ends.
PYTHON = f"""#!{sys.executable}
import json, os, socket, sys
if "-c" in sys.argv:
    print(json.dumps({{"argv": ["python", "-m", "ipykernel_launcher"], "language": "python"}}))
    sys.exit()
if os.environ.get("BROKEN"):
    sys.exit("No module named tornado")
port = int(next(word for word in sys.argv if word.startswith("--ServerApp.port=")).partition("=")[2])
with socket.create_server(("127.0.0.1", port)) as server:
    for status in os.environ.get("STATUSES", "200").split():
        client = server.accept()[0]
        client.recv(10_000)
        client.sendall(f"HTTP/1.1 {{status}} x\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n".encode())
        client.close()
print("TOKEN", os.environ["JUPYTER_TOKEN"], file=sys.stderr)
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An adopted environment called lab, with torch and JupyterLab in it; a Jupyter and ports of the test's own."""
    monkeypatch.setattr(lab, "PORT", free_port())  # another test's server must not get this one's requests
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    path = tmp_path / "env"
    (path / "bin").mkdir(parents=True)
    python = path / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    for package in ("torch-2.13.0+cpu", "jupyterlab-4.6.6", "ipykernel-7.1", "pip-26.0"):
        folder = path / "lib" / "python3.12" / "site-packages" / f"{package}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("")
    return registry.adopt(HOST, str(path), "lab")


def without(environment, package: str) -> None:
    """Take a package out of the environment."""
    HOST.remove(f"{environment.path}/lib/python3.12/site-packages/{package}.dist-info")


def test_lab_prints_an_address_that_logs_in(environment, capfd):
    """The address with its token goes to stdout, what else there is to know to stderr; the kernel is registered."""
    assert main(["lab", "lab"]) == 0
    out, err = capfd.readouterr()
    token = err.rpartition("TOKEN ")[2].split()[0]
    assert out.strip() == f"http://127.0.0.1:{out.split(':')[2].partition('/')[0]}/lab?token={token}"
    assert "JupyterLab is ready" in err
    assert "Press Ctrl-C to stop the server." in err
    assert "JupyterLab stopped" in err
    assert "PyTorch 2.13 cpu (lab)" in err
    assert main(["lab", "lab"]) == 0
    assert "PyTorch 2.13" not in capfd.readouterr().err  # registered already


def test_json_is_one_document_that_comes_when_the_server_answers(environment, capfd):
    """Programs get address, port and command; nothing else is on stdout, and no document follows at the end."""
    assert main(["lab", "lab", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)["data"]
    assert data["ready"] is True
    assert data["url"].startswith(f"http://127.0.0.1:{data['port']}/lab?token=")


@pytest.mark.parametrize("answers", ["404 404 302", "503 200", "500 404 403"])
def test_a_server_is_ready_when_its_page_is_there(environment, capfd, monkeypatch, answers):
    """JupyterHub's proxy takes connections before the hub does: its "not found" and its errors are waited for."""
    monkeypatch.setenv("STATUSES", answers)
    assert main(["lab", "lab"]) == 0
    assert "JupyterLab is ready" in capfd.readouterr().err


@pytest.mark.parametrize("answers", ["404", "503 404"])
def test_a_server_that_never_has_its_page_was_not_ready(environment, capfd, monkeypatch, answers):
    """It took connections, and ended without the page."""
    monkeypatch.setenv("STATUSES", answers)
    assert main(["lab", "lab"]) == 1
    err = capfd.readouterr().err
    assert "JupyterLab is ready" not in err
    assert "before it responded" in err


def test_a_server_that_ends_before_it_answers_is_told(environment, capfd, monkeypatch):
    """Its own words stand on the terminal, its exit code is the answer's."""
    monkeypatch.setenv("BROKEN", "1")
    assert main(["lab", "lab"]) == 1
    err = capfd.readouterr().err
    assert "No module named tornado" in err
    assert "JupyterLab exited with code 1 before it responded" in err


def test_what_jupyterlab_needs_and_the_environment_lacks_is_asked_for(environment, capfd, monkeypatch):
    """Nobody there to agree: what is missing and the command that installs it; --dry-run names both."""
    without(environment, "jupyterlab-4.6.6")
    assert main(["lab", "lab"]) == 2
    assert "`torchup lab lab --yes`" in capfd.readouterr().err
    assert main(["lab", "lab", "--dry-run", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)["data"]
    assert (data["install"], data["url"]) == (["jupyterlab"], None)
    added = []
    monkeypatch.setattr(lab.jupyter, "add_packages", lambda *arguments: added.append(arguments[2]))
    assert main(["lab", "lab", "--yes"]) == 0
    assert added == [("jupyterlab",)]


def test_chinese_brings_the_translation(environment, capfd):
    """Who reads Chinese gets JupyterLab in Chinese."""
    assert main(["lab", "lab", "--dry-run", "--json", "--lang", "zh"]) == 0
    assert json.loads(capfd.readouterr().out)["data"]["install"] == ["jupyterlab-language-pack-zh-cn"]


def test_a_port_that_is_taken_is_passed_over(environment, capfd):
    """Two labs at once have two ports."""
    import socket  # noqa: PLC0415  # here only

    with socket.create_server(("127.0.0.1", lab.free_port(lab.PORT))) as other:
        assert main(["lab", "lab", "--dry-run", "--json"]) == 0
        assert json.loads(capfd.readouterr().out)["data"]["port"] != other.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), (None, ())),
        (("lab",), ("lab", ())),
        (("lab", "--ip=0.0.0.0"), ("lab", ("--ip=0.0.0.0",))),
        (("--ip=0.0.0.0", "x"), (None, ("--ip=0.0.0.0", "x"))),
    ],
)
def test_the_name_stands_before_the_servers_own_options(words, wanted):
    """``[NAME] [-- OPTION ...]``, whose ``--`` click has taken away."""
    assert named(words) == wanted


def test_over_ssh_the_tunnel_is_said(environment, capfd, monkeypatch):
    """Who is elsewhere needs one more command, and no browser is opened here."""
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["lab", "lab"]) == 0
    assert "ssh -L " in capfd.readouterr().err
    assert main(["lab", "lab", "--dry-run"]) == 0
    assert "--no-browser" in capfd.readouterr().out


def test_a_hub_needs_jupyterhub(environment, capfd):
    """An environment without it: the command that adds it."""
    assert main(["hub", "lab"]) == 2
    assert "`torchup up --profile hub --env lab`" in capfd.readouterr().err


def test_the_hubs_configuration_is_written_once(environment, tmp_path):
    """It is Python, what the user changes in it stays, and `self paths` knows of it."""
    proxy = ("/usr/bin/node", "/x/proxy")
    assert hub.write_hub(HOST, "lab", proxy)
    file = Path(hub.configuration_file(HOST, "lab"))
    compile(file.read_text(), "jupyterhub_config.py", "exec")
    file.write_text("c = get_config()\n")
    assert not hub.write_hub(HOST, "lab", ("/other/proxy",))
    assert file.read_text() == "c = get_config()\n"
    assert json.loads((file.parent / "proxy.json").read_text()) == ["/other/proxy"]
    assert any(one.path == str(file.parents[1]) for one in lab_owned())


def lab_owned():
    """What torchup says is its own."""
    from torchup.envs.owned import owned  # noqa: PLC0415  # for one test

    return owned(HOST)
