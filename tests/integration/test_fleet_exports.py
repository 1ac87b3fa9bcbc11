"""The files for several machines before the tools they are for: linters, schemas, Ansible on this machine, a shell.

The tools are installed by the session `exports` of noxfile.py; a test whose tool is absent is skipped and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.index_server import IndexServer, make_wheel
from torchup.catalog import load_catalog
from torchup.model import Build, Machine, Os, Plan, Request, Source
from torchup.plan import resolve
from torchup.plan.export import FLEET
from torchup.plan.exports.fleet import Planned

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="drives POSIX shells")]
FOLDER = str(Path(sys.executable).parent)
PATH = os.pathsep.join((FOLDER, os.environ["PATH"]))
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SPECS = {
    "node1.json": ["os=linux", "gpu=RTX 4090", "driver=550.54"], "node2.json": ["os=linux", "gpu=RX 7900 XTX"],
    "arc.json": ["os=linux", "gpu=Arc A770"], "mac.json": ["os=macos", "gpu=Apple M1"], "cpu.json": ["os=linux"],
}  # fmt: skip


def tool(name):
    """The path of a tool, or a skipped test."""
    return shutil.which(name, path=PATH) or pytest.skip(f"no {name} here: `nox -s exports` brings it")


def run(*argv, **options):
    """Run a tool; its output, or a failed test with what it said."""
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=240, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def fleet():
    """Five kinds of machines with their plans."""
    from torchup.detect.pretend import assume  # noqa: PLC0415  # only here

    catalog = load_catalog()
    machines = {name: assume(Machine(os=Os.LINUX, arch="x86_64"), items) for name, items in SPECS.items()}
    return [Planned(name=name, machine=m, plan=resolve(m, Request(), catalog)) for name, m in machines.items()]


@pytest.fixture(scope="module")
def here():
    """This machine with a plan for a torch that an index on it really has."""
    with IndexServer() as server:
        server.publish("whl/cpu", make_wheel("torch", "2.15.0+cpu", requires=["filelock"]), links="absolute")
        server.publish("simple", make_wheel("filelock", "3.9"))
        plan = Plan(
            build=Build(torch="2.15.0", variant="cpu", source="pytorch-index:cpu"),
            python=PYTHON,
            packages=("torch==2.15.0+cpu",),
            sources=(
                Source(name="pytorch-index:cpu", url=server.url("whl/cpu"), variant="cpu"),
                Source(name="index-url", url=server.url("simple"), general=True),
            ),
        )
        yield Planned(name="cpu.json", machine=Machine(os=Os.LINUX, arch="x86_64"), plan=plan)


def test_ansible_lint_is_content(fleet, tmp_path):
    """The playbook passes the strictest profile."""
    lint = tool("ansible-lint")
    (tmp_path / "site.yml").write_text(FLEET["ansible"](fleet, []), "utf-8")
    environment = {**os.environ, "PATH": PATH, "HOME": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "ansible")}
    said = run(lint, "--offline", "--strict", "--profile", "production", "site.yml", cwd=tmp_path, env=environment)
    assert "0 failure(s), 0 warning(s)" in said


def test_the_playbook_brings_this_machine_to_its_plan(here, tmp_path):
    """Ansible makes the environment, proves it, and changes nothing the second time."""
    play = tool("ansible-playbook")
    (tmp_path / "site.yml").write_text(FLEET["ansible"]([here], []), "utf-8")
    target = tmp_path / "torch"
    line = [
        play, "-i", f"{here.host} ansible_connection=local ansible_python_interpreter={sys.executable},", "site.yml",
        "-e", f"torch_home={target}", "-e", f"torch_python={sys.executable}",
    ]  # fmt: skip
    inventory = tmp_path / "hosts"
    inventory.write_text(f"{here.host} ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    line[2] = str(inventory)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment = {
        **clean, "PATH": PATH, "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "LC_ALL": "C.UTF-8",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    first = run(*line, cwd=tmp_path, env=environment)
    assert "changed=1" in first
    assert run(target / "bin" / "python", "-c", "import torch; print(torch.__version__)").strip() == "2.15.0+cpu"
    assert "changed=0" in run(*line, cwd=tmp_path, env=environment)


def test_shellcheck_is_content_with_the_batch_script(fleet, tmp_path):
    """No warning of any kind."""
    script = tmp_path / "torch.sh"
    script.write_text(FLEET["slurm"](fleet, []), "utf-8")
    run(tool("shellcheck"), script)


def test_the_batch_script_makes_its_environment_once(here, tmp_path):
    """Run as Slurm would, with a stand-in for srun: the first job installs, the second uses what is there."""
    script = tmp_path / "torch.sh"
    script.write_text(FLEET["slurm"]([here], []), "utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "srun").chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment = {
        **clean, "PATH": f"{programs}:{PATH}", "HOME": str(tmp_path), "SLURMD_NODENAME": "cpu",
        "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON": sys.executable,
    }  # fmt: skip
    (tmp_path / "train.py").write_text("import sys, torch; print('trained', torch.__version__, sys.argv[1:])")
    line = ("bash", script, tmp_path / "train.py", "--epochs", "3")
    assert "trained 2.15.0+cpu ['--epochs', '3']" in run(*line, env=environment)
    (environments,) = (tmp_path / "torch-environments").glob("*/.complete")
    before = environments.stat().st_mtime_ns
    run(*line, env=environment)
    assert environments.stat().st_mtime_ns == before


def test_the_workflow_fits_its_schema(fleet, tmp_path):
    """The schema that GitHub publishes, as check-jsonschema ships it."""
    path = tmp_path / "torch.yml"
    path.write_text(FLEET["github-actions"](fleet, []), "utf-8")
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path)


def test_the_pods_fit_the_schema_of_kubernetes(fleet, tmp_path):
    """Strict: no field that Kubernetes does not know."""
    path = tmp_path / "pods.yaml"
    path.write_text(FLEET["kubernetes"](fleet, []), "utf-8")
    said = run(tool("kubernetes-validate"), "--strict", path)
    assert said.count("passed for resource pod/") == sum(one.machine.os is Os.LINUX for one in fleet)
