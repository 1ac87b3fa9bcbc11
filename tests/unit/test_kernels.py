"""Kernelspecs: names, content, where they lie, which are stale."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchup.envs import jupyter, kernels
from torchup.errors import UsageError
from torchup.host import PlatformFacts, RealHost, RecordedHost
from torchup.host.base import StandardFolders
from torchup.host.recorded import Recording
from torchup.model import Build, Environment, Plan, Source


def environment(path="/data/envs/default", **changes) -> Environment:
    """An environment with torch in it."""
    return Environment(**{"name": "default", "path": path, "torch": "2.13.0", "variant": "cpu"} | changes)


def recorded(system="Linux", environ=None, files=None) -> RecordedHost:
    """A machine of another system."""
    homes = {"Windows": r"C:\Users\me", "Darwin": "/Users/me", "Linux": "/home/me"}
    folders = StandardFolders(home=homes[system], data="/d", cache="/c", config="/g", log="/l")
    facts = PlatformFacts(system=system, machine="x86_64")
    return RecordedHost(Recording(platform=facts, folders=folders, environ=environ or {}, files=files or {}))


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=60))
def test_every_name_is_one_that_jupyter_takes_and_never_python3(name, path):
    """Jupyter allows letters, digits, dot, dash and underscore; other environments' names cannot be reached."""
    found = kernels.kernel_name(name, path)
    assert found.startswith("torchup-")
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")


def test_two_environments_of_one_name_have_two_kernels():
    """`.venv` in two projects are two kernels."""
    assert kernels.kernel_name("default", "/a") != kernels.kernel_name("default", "/b")


def test_the_kernelspec_starts_the_environments_python_with_its_programs_first():
    """Absolute argv, PATH filled in by Jupyter at start, VIRTUAL_ENV, a label that says what runs."""
    spec = kernels.kernelspec(environment(), "/data/envs/default/bin/python", conda=False)
    assert spec["argv"][:3] == ["/data/envs/default/bin/python", "-m", "ipykernel_launcher"]
    assert spec["env"] == {"PATH": "/data/envs/default/bin:${PATH}", "VIRTUAL_ENV": "/data/envs/default"}
    assert spec["display_name"] == "PyTorch 2.13 cpu (default)"


def test_conda_on_windows_has_conda_folders_on_path():
    """Conda's DLLs lie in Library; its marker is CONDA_PREFIX."""
    spec = kernels.kernelspec(environment(r"C:\envs\d"), r"C:\envs\d\python.exe", conda=True)
    assert spec["env"]["CONDA_PREFIX"] == r"C:\envs\d"
    assert spec["env"]["PATH"].split(";")[:1] == [r"C:\envs\d"]
    assert r"C:\envs\d\Library\bin" in spec["env"]["PATH"].split(";")
    assert spec["env"]["PATH"].endswith(";${PATH}")


@pytest.mark.parametrize(
    ("system", "environ", "folder"),
    [
        ("Linux", {}, "/home/me/.local/share/jupyter/kernels"),
        ("Linux", {"XDG_DATA_HOME": "/x"}, "/x/jupyter/kernels"),
        ("Linux", {"JUPYTER_DATA_DIR": "/j"}, "/j/kernels"),
        ("Darwin", {}, "/Users/me/Library/Jupyter/kernels"),
        ("Windows", {"APPDATA": r"C:\Users\me\AppData\Roaming"}, r"C:\Users\me\AppData\Roaming\jupyter\kernels"),
        ("Windows", {}, r"C:\Users\me\.jupyter\data\kernels"),
    ],
)
def test_this_users_kernels_lie_where_jupyter_looks(system, environ, folder):
    """The folders of Jupyter's manual, and its own variable above all."""
    assert kernels.user_folder(recorded(system, environ)) == folder
    assert folder in kernels.search_folders(recorded(system, environ))


def test_jupyter_path_is_searched_first():
    """JUPYTER_PATH has priority, as in Jupyter."""
    assert kernels.search_folders(recorded(environ={"JUPYTER_PATH": "/p:/q"}))[:2] == ("/p/kernels", "/q/kernels")


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"argv": "python"}', '{"argv": [1]}', '{"display_name": 7}'])
def test_a_broken_kernelspec_is_a_kernel_with_a_problem(text):
    """Nothing that lies in a kernel folder ends the listing."""
    assert kernels.parse("x", "/k/x", text).problem == "unreadable"


@settings(max_examples=40)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda c: st.dictionaries(st.text(), c), max_leaves=4))
def test_no_json_breaks_the_parser(data):
    """Any JSON gives a kernel."""
    assert kernels.parse("x", "/k/x", json.dumps(data)).name == "x"
    assert kernels.parse("x", "/k/x", json.dumps({"metadata": data})).name == "x"


def test_stale_kernels_say_why(tmp_path):
    """The environment is gone, its Python is gone, ipykernel was removed; another language is left alone."""
    host = RealHost()
    here = tmp_path / "env"
    python = here / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    folder = str(tmp_path / "kernels")
    kernel = kernels.add(host, environment(str(here)), str(python), folder=folder)
    assert kernel.problem == "ipykernel-missing"
    (here / "lib/python3.12/site-packages/ipykernel-7.0.dist-info").mkdir(parents=True)
    assert kernels.find(host, (folder,))[0].problem is None
    python.unlink()
    assert kernels.find(host, (folder,))[0].problem == "python-missing"
    host.remove(str(here))
    assert kernels.find(host, (folder,))[0].problem == "environment-missing"
    host.write_text(f"{folder}/ir/kernel.json", '{"argv": ["R", "--slave"], "display_name": "R"}')
    assert [k.problem for k in kernels.find(host, (folder,)) if k.name == "ir"] == [None]


def test_a_kernelspec_of_somebody_else_is_never_overwritten(tmp_path):
    """The name is ours alone; what has it without our mark is not ours."""
    host = RealHost()
    name = kernels.kernel_name("default", "/data/envs/default")
    host.write_text(str(tmp_path / name / "kernel.json"), '{"argv": ["/usr/bin/python3"]}')
    with pytest.raises(UsageError):
        kernels.add(host, environment(), "/data/envs/default/bin/python", folder=str(tmp_path))


def test_refresh_follows_the_environment_and_keeps_the_users_label(tmp_path, monkeypatch):
    """After an upgrade the label names the new torch; a label that the user chose stays."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "j"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "p"))
    host = RealHost()
    kernels.add(host, environment(), "/py", folder=kernels.user_folder(host))
    kernels.add(host, environment(), "/py", folder=str(tmp_path / "p" / "kernels"), label="My GPU")
    kernels.refresh(host, environment(torch="2.14.0", variant="cu126"), "/py")
    labels = {kernel.display_name for kernel in kernels.of_environment(host, "/data/envs/default")}
    assert labels == {"PyTorch 2.14 cu126 (default)", "My GPU"}


def test_ipykernel_comes_from_where_torch_came_from():
    """An environment made from a wheelhouse gets its kernel from there; one without a plan from the default index."""
    plan = Plan(
        build=Build(torch="2.13.0", variant="cpu"),
        python="3.12",
        sources=(Source(name="wheelhouse", url="/wheels", kind="find-links"),),
    )
    assert "--no-index" in jupyter.packages_step("/e", ("ipykernel",), plan).argv
    assert jupyter.packages_step("/e", ("ipykernel", "pip"), None).argv[-2:] == ("ipykernel", "pip")
    assert "--no-index" not in jupyter.packages_step("/e", ("ipykernel",), None).argv
