"""The guard: what it keeps, how activation scripts and pip's script are changed, and what is said of drift."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from support.sources import IsolatedHost, recorded
from support.wheels import make_wheel
from torchup.envs import kernels
from torchup.envs.activation import run_environment
from torchup.envs.guard import FILE_NAME, drift, guard_url, guard_variables, kept, refusing, replacement, wanting
from torchup.install.guard import guard_text, guarded_names, stopped, write_guard
from torchup.install.guard_scripts import SCRIPTS, guarded, guarded_pip
from torchup.model import Environment

PACKAGES = {
    "numpy": "2.4.6", "torch": "2.14.1+cu130", "torchvision": "0.29.1+cu130", "flash-attn": "2.8.4+cu13torch2.14",
    "xformers": "0.0.35", "lightning": "2.6",
}  # fmt: skip
SH = "deactivate () {\n    unset VIRTUAL_ENV\n}\ndeactivate nondestructive\nVIRTUAL_ENV=/x\nexport VIRTUAL_ENV\n"
CSH = """alias deactivate 'rehash; unsetenv VIRTUAL_ENV; test "\\!:*" != "nondestructive" && unalias deactivate'
deactivate nondestructive
setenv VIRTUAL_ENV /x
"""


def test_torch_its_companions_and_bound_wheels_are_kept():
    """What is for one torch or one CUDA major is kept, and nothing else."""
    assert list(guarded_names(PACKAGES)) == ["torch", "torchvision", "flash-attn", "xformers"]


def test_every_line_of_the_file_is_a_requirement():
    """Every line can be read by pip and uv; the user's own constraints follow; the head names the way to change it."""
    lines = guard_text("lab", PACKAGES, ("numpy<3", "torch<2.15")).splitlines()
    assert "`torchup up --env lab --with PACKAGE`" in lines[0]
    assert "`torchup up --env lab --with PACKAGE`" in str(stopped("2.13.0", "lab"))
    assert [Requirement(line).name for line in lines[1:]] == ["torch", "torchvision", "flash-attn", "xformers", "numpy"]


@pytest.mark.parametrize("path", ["/home/me/my envs/ü/a", r"C:\Users\J. Doe\envs\a"])
def test_the_address_has_no_space(path):
    """The variables are parted at spaces by pip and uv."""
    assert " " not in guard_url(path)
    assert guard_url(path).startswith("file:///")


def test_variables_are_joined_to_those_of_the_user():
    """A program in the environment obeys the user's constraints and the guard; without a guard nothing is set."""
    host = recorded({f"/e/{FILE_NAME}": "torch==2.13.0+cpu\n"}, {"PIP_CONSTRAINT": "/mine.txt"})
    assert guard_variables(host, "/e") == {
        "PIP_CONSTRAINT": f"/mine.txt file:///e/{FILE_NAME}",
        "UV_CONSTRAINT": f"file:///e/{FILE_NAME}",
    }
    assert guard_variables(host, "/other") == {}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_script_is_changed_once(name):
    """A second pass finds the mark; a script of another form is left as it is."""
    script = SCRIPTS[name]
    anchors = {
        "activate": SH, "activate.fish": "    set -e VIRTUAL_ENV\n", "activate.bat": "@set X=1\n", "activate.csh": CSH,
        "activate.nu": "    load-env $new_env\n", "activate.xsh": "__xonsh__.xontrib.virtualenv.activate()\n",
    }  # fmt: skip
    before = anchors.get(name, "    if ($env:VIRTUAL_ENV) {\n")
    once = guarded(script, before, "file:///e%20x/g.txt")
    assert once != before
    assert guarded(script, once, "file:///e%20x/g.txt") == once
    assert not script.anchor or guarded(script, "echo hello\n", "file:///g") == "echo hello\n"


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "dash"])
def test_activation_and_deactivation_in_a_real_shell(shell, tmp_path):
    """Activation adds the guard to what the user has set, deactivation puts it back."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "activate"
    script.write_text(guarded(SCRIPTS["activate"], SH, "file:///g.txt"))
    show = 'echo "${PIP_CONSTRAINT-no}|${UV_CONSTRAINT-no}"'
    lines, variables = (
        f'. "{script}"; {show}; deactivate; {show}',
        {"UV_CONSTRAINT": "/mine.txt", "PATH": "/bin:/usr/bin"},
    )
    done = subprocess.run([shutil.which(shell), "-c", lines], capture_output=True, text=True, check=True, env=variables)
    assert done.stdout.splitlines() == ["file:///g.txt|/mine.txt file:///g.txt", "no|/mine.txt"]


@pytest.mark.parametrize("shell", ["tcsh", "csh"])
def test_activation_and_deactivation_in_a_c_shell(shell, tmp_path):
    """The same of the script that venv writes for csh, whose deactivation is one alias."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "activate.csh"
    script.write_text(guarded(SCRIPTS["activate.csh"], CSH, "file:///g.txt"))
    show = 'printenv PIP_CONSTRAINT; echo "-"; printenv UV_CONSTRAINT; echo "-"'
    (tmp_path / "run.csh").write_text(f"source {script}\n{show}\ndeactivate\n{show}\n")
    variables = {"UV_CONSTRAINT": "/mine.txt", "PATH": "/bin:/usr/bin"}
    done = subprocess.run(
        [shutil.which(shell), "-f", tmp_path / "run.csh"], capture_output=True, text=True, check=True, env=variables
    )
    assert done.stdout.split() == ["file:///g.txt", "-", "/mine.txt", "file:///g.txt", "-", "-", "/mine.txt", "-"]


def test_pip_says_how_torch_is_changed_on_purpose(tmp_path):
    """After a failed installation, and only then, pip's own script ends with the sentence."""
    before = (
        b"import sys\ndef main():\n    return int(sys.argv[-1])\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    script = tmp_path / "pip"
    script.write_bytes(guarded_pip(before, "change it with torchup"))
    for arguments, code, said in ((["install", "1"], 1, True), (["install", "0"], 0, False), (["list", "1"], 1, False)):
        done = subprocess.run(["python3", script, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert ("change it with torchup" in done.stderr) is said
    assert guarded_pip(b"another form", "x") is None


def test_drift_is_what_the_guard_keeps_and_is_not_there():
    """Another version, and a package that has gone, are both told."""
    site = "/e/lib/python3.12/site-packages"
    host = recorded(
        {f"/e/{FILE_NAME}": "# kept\ntorch==2.13.0+cpu\nxformers==0.0.35\n"},
        directories={
            "/e": (FILE_NAME, "lib"), "/e/lib": ("python3.12",), "/e/lib/python3.12": ("site-packages",),
            site: ("torch-2.12.0.dist-info",), f"{site}/torch-2.12.0.dist-info": (),
        },
    )  # fmt: skip
    assert kept(host, "/e") == {"torch": "2.13.0+cpu", "xformers": "0.0.35"}
    assert [(change.name, change.after) for change in drift(host, "/e")] == [("torch", "2.12.0"), ("xformers", None)]


def guarded_as(name, folder):
    """An environment with this torch."""
    return Environment(name=name, path=str(folder), packages={"torch": "99.1+cpu"})


@pytest.fixture(scope="module")
def guarded_environment(tmp_path_factory):
    """A guarded environment with a torch, and a folder with a package that wants another one."""
    folder = tmp_path_factory.mktemp("guard")
    wheels, env = folder / "wheels", folder / "my env"
    wheels.mkdir()
    for version in ("99.1+cpu", "98.0"):
        make_wheel(wheels, "torch", version)
    make_wheel(wheels, "wants-old", "1.0", requires=["torch==98.0"])
    subprocess.run(["python3", "-m", "venv", env], check=True)
    offline = ["--no-index", "--find-links", str(wheels)]
    call = [str(env / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*call, *offline, "torch==99.1+cpu"], check=True)
    write_guard(IsolatedHost(folder), str(env), guarded_as("lab", env))
    return folder, env, offline


def in_shell(host, env, words):
    """What a person runs after activation."""
    del host
    return ["sh", "-c", f'. "{env}/bin/activate"; exec "$@"', "sh", *words], {}


def by_env_run(host, env, words):
    """What `torchup env run` starts."""
    return words, run_environment(host, str(env))


def in_notebook(host, env, words):
    """What a notebook starts: its kernel has the variables of its kernelspec."""
    folder = f"{env}-kernels"
    kernel = kernels.add(host, Environment(name="e", path=str(env)), str(env / "bin" / "python"), folder=folder)
    return words, json.loads((Path(kernel.folder) / "kernel.json").read_text())["env"]


@pytest.mark.slow
@pytest.mark.parametrize("way", [in_shell, by_env_run, in_notebook])
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_real_installer_is_stopped(tool, way, guarded_environment):
    """With the guard pip and uv refuse a package that wants another torch, say who wants it, and leave torch alone."""
    folder, env, offline = guarded_environment
    host, python = IsolatedHost(folder), str(env / "bin" / "python")
    from uv import find_uv_bin  # noqa: PLC0415  # only this case

    call = [python, "-m", "pip", "install"] if tool == "pip" else [find_uv_bin(), "pip", "install", "--python", python]
    words, variables = way(host, env, [*call, *offline, "wants-old"])
    variables = {name: value for name, value in variables.items() if value is not None and name != "PATH"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | variables)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "torch==98.0" in said
    assert "torch==99.1+cpu" in said
    assert drift(host, str(env)) == ()
    assert replacement(host, str(env)) is None


@pytest.mark.slow
def test_without_the_guard_the_culprit_is_named(tmp_path):
    """Who steps around the guard loses torch; who did it, by which tool, and which torch it was, can be told."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("99.1+cpu", "98.0"):
        make_wheel(wheels, "torch", version)
    make_wheel(wheels, "wants-old", "1.0", requires=["torch==98.0"])
    env, host = tmp_path / "env", IsolatedHost(tmp_path)
    subprocess.run(["python3", "-m", "venv", env], check=True)
    call = [str(env / "bin" / "python"), "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheels)]
    subprocess.run([*call, "torch==99.1+cpu"], check=True)
    write_guard(host, str(env), guarded_as("lab", env))
    (env / "pip.conf").unlink()
    subprocess.run([*call, "wants-old"], check=True)
    found = replacement(host, str(env))
    assert (found.before, found.after, found.installer) == ("99.1+cpu", "98.0", "pip")
    assert found.wanted_by == ("wants-old",)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", found.when)


def test_who_wanted_another_torch_is_named():
    """Of all that requires torch, those that refuse the kept one and accept the one that is there."""
    spans = {"xformers": "==2.6.0", "lightning": "<4,>=2.1", "old": "<2.5", "odd": "nonsense"}
    assert wanting(spans, before="2.13.0+cpu", after="2.6.0") == ("xformers",)
    assert wanting(spans, before="2.13.0+cpu", after=None) == ()
    assert refusing(spans, "2.13.0+cpu") == ("old", "xformers")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=4))
def test_any_metadata_is_read_without_an_error(spans):
    """What packages write of themselves is untrusted."""
    assert set(wanting(spans, before="2.13.0", after="2.6.0")) <= set(spans)
