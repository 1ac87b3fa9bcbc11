"""Every export says the same thing: this torch, these packages, from these places."""

from __future__ import annotations

import json
import re
import shlex
import tomllib

import pytest
import yaml
from msgspec import structs

from support.plan_machines import machine, nvidia
from torchup.catalog import load_catalog
from torchup.detect.pretend import assume
from torchup.errors import UsageError
from torchup.model import Build, CondaOrder, InstallerName, Machine, Os, Plan, Request, Source
from torchup.plan import resolve
from torchup.plan.export import FORMATS, export
from torchup.plan.exports import WRITTEN

LINUX = Machine(os=Os.LINUX, arch="x86_64")
WINDOWS = Machine(os=Os.WINDOWS, arch="x86_64")
PYTORCH = Source(name="pytorch-index:cu126", url="https://download.pytorch.org/whl/cu126", variant="cu126")
PYPI = Source(name="pypi", url="https://pypi.org/simple", general=True)
FOLDER = Source(name="find-links", url="/srv/my wheels 轮子", kind="find-links", general=True)
PLAN = Plan(
    build=Build(torch="2.14.1", variant="cu126", source=PYTORCH.name),
    python="3.12",
    packages=("torch==2.14.1+cu126", "torchvision==0.29.1+cu126", "numpy<2"),
    constraints=("pandas<3",),
    sources=(PYTORCH, PYPI),
    uses_gpu=True,
)
OFFLINE = Plan(
    build=Build(torch="2.13.0", variant="cpu", source="find-links"),
    python="3.11",
    packages=("torch==2.13.0+cpu",),
    sources=(FOLDER,),
)
CONDA = Plan(
    build=Build(torch="2.13.0", variant="cu129", source="conda-forge"),
    python="3.12",
    installer=InstallerName.CONDA,
    uses_gpu=True,
    conda=CondaOrder(
        subdir="linux-64",
        channels=("https://conda.anaconda.org/conda-forge",),
        specs=("python=3.12", "pip", "pytorch=2.13.0=cuda129*", "cuda-version=12.9", "numpy>=2,<3"),
        virtual_packages=("__cuda=12.9=0", "__glibc=2.35=0"),
    ),
)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("plan", [PLAN, OFFLINE], ids=["online", "folder"])
def test_every_format_names_the_build_and_is_the_same_twice(kind, plan):
    """The exact torch is in every file; the same plan gives the same text, which ends with one line end."""
    text = export(plan, LINUX, kind)
    assert plan.build.torch in text
    assert plan.build.variant in text
    assert text == export(plan, LINUX, kind)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_requirements_hold_options_and_packages():
    """One option a line, the variant's index beside the main one, which is whatever the reader's tools have."""
    lines = [line for line in export(PLAN, LINUX, "requirements").splitlines() if not line.startswith("#")]
    assert lines == [
        "--extra-index-url https://download.pytorch.org/whl/cu126",
        "torch==2.14.1+cu126", "torchvision==0.29.1+cu126", "numpy<2",
    ]  # fmt: skip


def test_a_folder_with_spaces_stays_one_word_for_pip():
    """Pip splits the lines of a requirements file like a shell."""
    text = export(OFFLINE, LINUX, "requirements")
    option = next(line for line in text.splitlines() if line.startswith("--find-links"))
    assert len(shlex.split(option)) == 2
    assert "--no-index" in text


def test_pyproject_ties_torch_to_its_index():
    """Torch and torchvision come from the variant's index, everything else from anywhere; the platform is named."""
    document = tomllib.loads(export(PLAN, LINUX, "pyproject"))
    uv = document["tool"]["uv"]
    assert document["project"]["requires-python"] == "==3.12.*"
    assert document["project"]["dependencies"] == list(PLAN.packages)
    assert uv["sources"] == {"torch": {"index": "torch"}, "torchvision": {"index": "torch"}}
    assert {index["name"]: index["url"] for index in uv["index"]} == {"torch": PYTORCH.url}
    assert uv["constraint-dependencies"] == ["pandas<3"]
    assert uv["environments"] == ["sys_platform == 'linux' and platform_machine == 'x86_64'"]


def test_pyproject_of_a_folder_uses_no_index():
    """An air-gapped plan stays one."""
    uv = tomllib.loads(export(OFFLINE, LINUX, "pyproject"))["tool"]["uv"]
    assert uv["no-index"] is True
    assert uv["find-links"] == [FOLDER.url]
    assert "index" not in uv


PRIVATE = Source(name="index-url", url="https://pypi.corp.example/simple", general=True, origin="/etc/pip.conf")


KINDS = tuple(kind for kind in WRITTEN if kind != "json")  # the plan itself, with every source that was asked


@pytest.mark.parametrize("kind", KINDS)
def test_the_public_index_is_never_written_over_a_private_one(kind):
    """A private index that the plan knows is named; where it knows only the public one, the reader's stays in force."""
    assert "pypi.org" not in export(PLAN, LINUX if kind != "script-ps1" else WINDOWS, kind)
    private = structs.replace(PLAN, sources=(PYTORCH, PRIVATE))
    text = export(private, LINUX if kind != "script-ps1" else WINDOWS, kind)
    assert PRIVATE.url in text
    assert "pypi.org" not in text


def test_environment_yml_keeps_pips_packages_under_pip():
    """Python and pip come from conda-forge, torch from pip with the plan's options."""
    document = yaml.safe_load(export(PLAN, LINUX, "environment.yml"))
    assert document["channels"] == ["conda-forge", "nodefaults"]
    python, pip, nested = document["dependencies"]
    assert (python, pip) == ("python=3.12", "pip")
    assert nested["pip"][-3:] == list(PLAN.packages)
    assert nested["pip"][0] == "--extra-index-url https://download.pytorch.org/whl/cu126"


def test_environment_yml_of_a_conda_plan_holds_its_specs():
    """What conda's solver is asked for, word for word."""
    document = yaml.safe_load(export(CONDA, LINUX, "environment.yml"))
    assert document["dependencies"] == list(CONDA.conda.specs)


def test_pixi_of_a_pip_plan():
    """Packages with their bounds, places with their roles, the platform by conda's name."""
    document = tomllib.loads(export(PLAN, WINDOWS, "pixi"))
    assert document["workspace"]["platforms"] == ["win-64"]
    assert document["pypi-options"]["extra-index-urls"] == [PYTORCH.url]
    assert document["pypi-dependencies"]["torch"] == "==2.14.1+cu126"
    folder = tomllib.loads(export(OFFLINE, LINUX, "pixi"))
    assert folder["pypi-options"]["find-links"] == [{"path": FOLDER.url}]


def test_pixi_of_a_conda_plan_declares_cuda():
    """Without system-requirements pixi solves for a machine without a GPU and takes the CPU build."""
    document = tomllib.loads(export(CONDA, LINUX, "pixi"))
    assert document["system-requirements"]["cuda"] == "12.9"
    assert document["dependencies"] == {
        "python": "3.12.*", "pip": "*", "pytorch": {"version": "2.13.0.*", "build": "cuda129*"},
        "cuda-version": "12.9.*", "numpy": ">=2,<3",
    }  # fmt: skip


def test_a_dockerfile_names_the_platform_and_asks_for_the_gpu():
    """The wheels fit one processor, and NVIDIA's container runtime is told what to bring in."""
    lines = export(PLAN, LINUX, "dockerfile").splitlines()
    assert "FROM --platform=linux/amd64 python:3.12-slim" in lines
    assert any("NVIDIA_DRIVER_CAPABILITIES" in line for line in lines)
    assert "COPY wheels '/srv/my wheels 轮子'" in export(OFFLINE, LINUX, "dockerfile")
    assert "CONDA_OVERRIDE_CUDA=12.9" in export(CONDA, LINUX, "dockerfile")


def test_a_dockerfile_for_windows_is_refused():
    """A plan for Windows' wheels cannot be a Linux image."""
    with pytest.raises(UsageError, match="needs a plan for Linux"):
        export(PLAN, WINDOWS, "dockerfile")


def test_the_machine_that_the_hint_for_a_dockerfile_describes_keeps_its_card():
    """What it says to assume, assumed, is a Linux machine with the same card and driver, whose plan uses it."""
    card = nvidia("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6", 8)
    laptop = machine("windows", card, driver="512.78")
    with pytest.raises(UsageError) as caught:
        export(PLAN, laptop, "dockerfile")
    container = assume(laptop, [str(caught.value.hint).split('"')[1]])
    assert (container.os, container.wsl) == (Os.LINUX, True)
    assert container.gpus[0].compute_capability == "8.6"
    assert container.drivers[0].version == "512.78"
    assert resolve(container, Request(), load_catalog()).uses_gpu


@pytest.mark.parametrize("kind", ["requirements", "pyproject"])
def test_pips_files_cannot_hold_a_conda_plan(kind):
    """Conda's specs are no requirements; the hint names the formats that can."""
    with pytest.raises(UsageError, match="is for conda") as caught:
        export(CONDA, LINUX, kind)
    assert "environment.yml" in str(caught.value.hint)


def test_an_unknown_format_lists_the_known():
    """The hint helps."""
    with pytest.raises(UsageError) as caught:
        export(PLAN, LINUX, "nix")
    assert "pylock" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["environment.yml", "pixi", "dockerfile", "script-sh", "script-ps1"])
def test_a_conda_plan_through_a_mirror_is_written_with_the_mirror(kind):
    """The plan says where conda's packages come from, and so does every file that is made of it."""
    official, mirror = CONDA.conda.channels[0], "https://mirror.example.org/cloud/conda-forge"
    through = structs.replace(CONDA, conda=structs.replace(CONDA.conda, mirrors={official: (mirror,)}))
    written = export(through, LINUX, kind)
    assert mirror in written
    assert official not in written
    assert mirror not in export(CONDA, LINUX, kind)


@pytest.mark.parametrize("kind", ["script-sh", "script-ps1"])
def test_scripts_find_the_python_of_an_environment_where_the_system_puts_it(kind):
    """Windows keeps it in another folder and starts another Python by its launcher, whatever the shell."""
    here, there = export(PLAN, LINUX, kind), export(PLAN, WINDOWS, kind)
    assert "bin/python" in here
    assert "bin/python" not in there
    assert "python.exe" in there
    assert re.search(r"\bpy '?-3", there)


def test_powershell_strings_are_literal():
    """Nothing in a name or path is evaluated: dollars stay, quotes are doubled, typographic ones too."""
    nasty = Source(name="find-links", url="C:/it's $HOME `x ’y", kind="find-links", general=True)
    plan = Plan(build=OFFLINE.build, python="3.11", packages=OFFLINE.packages, sources=(nasty,))
    assert "'C:/it''s $HOME `x ’’y'" in export(plan, WINDOWS, "script-ps1")


def test_json_is_the_plan():
    """The document of `plan --json` without its envelope."""
    assert json.loads(export(PLAN, LINUX, "json"))["build"]["variant"] == "cu126"


def test_the_formats_listed_are_the_formats_written():
    """The names that `--export` offers, kept apart for speed, are those of the writers."""
    assert tuple(FORMATS) == WRITTEN
