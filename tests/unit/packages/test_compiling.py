"""`--build`: what has no wheel is compiled beside the planned torch, and what that takes is checked beforehand."""

from __future__ import annotations

import tomllib

import pytest
from msgspec.structs import replace

from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.errors import NoBuildError
from torchup.install import steps
from torchup.model import Cpu, Driver, Gpu, InstallerName, Machine, Os, PythonInterpreter, Request, Tool, Vendor
from torchup.plan import resolve
from torchup.plan.export import export

CATALOG = load_catalog()
NEWEST = CATALOG.newest_torch
H100 = Machine(
    os=Os.LINUX, arch="x86_64", glibc="2.39", memory_bytes=64 << 30, cpu=Cpu(threads=16),
    gpus=(Gpu(vendor=Vendor.NVIDIA, name="H100", compute_capability="9.0"),),
    drivers=(Driver(vendor=Vendor.NVIDIA, version="610.43.02"),),
    pythons=(PythonInterpreter(path="/usr/bin/python3.12", version="3.12.1"),),
    tools=(Tool(name="nvcc", version="13.2"), Tool(name="c++", path="/usr/bin/c++")),
)  # fmt: skip
CPU = replace(H100, gpus=(), drivers=())


def plan(*packages, machine=H100, **request):
    """The plan for packages, compiled where they have no wheel."""
    return resolve(machine, Request(packages=packages, build=True, **request), CATALOG)


@pytest.mark.parametrize("installer", [InstallerName.UV, InstallerName.PIP])
def test_it_is_compiled_in_the_environment_whose_torch_it_needs(installer):
    """Torch stays the newest; its build tools come first, the package alone and without isolation, then its needs."""
    found = plan("flash-attn", installer=installer)
    assert found.build.torch == NEWEST
    argvs = [step.argv for step in steps(found, "/e")]
    torch, tools, compiled = (
        next(i for i, argv in enumerate(argvs) if wanted(argv))
        for wanted in (
            lambda argv: any(part.startswith("torch==") for part in argv),
            lambda argv: "ninja" in argv,
            lambda argv: "--no-build-isolation" in argv,
        )
    )
    assert torch < tools < compiled
    assert {"--no-deps", "flash-attn"} <= set(argvs[compiled])
    assert steps(found, "/e")[compiled].environment["MAX_JOBS"] == "2"


def test_a_wheel_that_exists_is_taken_all_the_same():
    """--build compiles what has none, and only that."""
    found = plan("flash-attn", "sageattention", torch="2.12")
    assert [wheel.compiled for wheel in found.wheels] == [False, True]
    assert found.wheels[0].url


@pytest.mark.parametrize(
    "tools",
    [
        (Tool(name="c++", path="/usr/bin/c++"),),
        (Tool(name="nvcc", version="12.8"), Tool(name="c++", path="/usr/bin/c++")),
        (Tool(name="nvcc", version="13.2"),),
    ],
)
def test_what_would_fail_is_refused_beforehand(tools):
    """No toolkit, one of another CUDA major, no compiler."""
    with pytest.raises(NoBuildError) as error:
        plan("flash-attn", machine=replace(H100, tools=tools))
    assert error.value.hint is not None


def test_of_a_machine_that_was_only_named_nothing_is_known():
    """Its tools were not looked at: the plan says what compiling takes."""
    found = plan("flash-attn", machine=replace(H100, tools=()))
    assert any(notice.code == "plan.compile.takes" for notice in found.advice)


def test_gpu_code_is_not_compiled_for_a_cpu_build():
    """What is nothing but GPU code is refused there; what has a part for the processor is compiled."""
    with pytest.raises(NoBuildError):
        plan("flash-attn", machine=CPU)
    found = plan("torch-scatter", machine=CPU)
    assert found.wheels[0].compiled
    assert "MAX_JOBS" not in found.wheels[0].environment


def test_packages_of_one_row_keep_their_names():
    """The four packages beside torch-scatter share a row, and each is compiled under its own name."""
    assert [wheel.requirement for wheel in plan("torch-sparse", "torch-cluster").wheels] == [
        "torch-sparse",
        "torch-cluster",
    ]


@pytest.mark.parametrize("jobs", [None, "3"])
def test_the_number_of_compilers_is_the_users(jobs):
    """Where MAX_JOBS is set it stays as it is."""
    found = plan("flash-attn", machine=replace(H100, environment={"MAX_JOBS": jobs} if jobs else {}))
    assert ("MAX_JOBS" in found.wheels[0].environment) is (jobs is None)


def test_every_package_that_can_be_compiled_says_what_it_takes():
    """Its needs in words, and the packages that its source is compiled with."""
    able = [package for package in load_packages().packages if package.can_be_compiled]
    assert able
    assert all(package.build_requires for package in able if package.kind != "beside")


@pytest.mark.parametrize("kind", ["requirements", "environment.yml", "dockerfile", "script-sh", "script-ps1"])
def test_files_of_pip_say_how_it_is_compiled(kind):
    """A list of requirements cannot do it: the commands follow, in a script as commands."""
    text = export(plan("flash-attn", "sageattention", torch="2.12"), H100, kind)
    assert "--no-build-isolation" in text
    assert "git+https://github.com/thu-ml/SageAttention" in text
    assert "flash_attn-2.8" in text


def test_a_project_of_uv_compiles_against_its_own_torch():
    """Uv gives the build the torch of the project, and takes files from the index that they are bound to."""
    data = tomllib.loads(export(plan("xformers", "sageattention", torch="2.12", variant="cu130"), H100, "pyproject"))
    uv = data["tool"]["uv"]
    assert {"requirement": "torch", "match-runtime": True} in uv["extra-build-dependencies"]["sageattention"]
    indexes = {index["name"]: index["url"] for index in uv["index"]}
    assert indexes[uv["sources"]["xformers"]["index"]].endswith("/cu130")


def test_pixi_has_the_files_of_the_packages():
    """By address, by index, from git without isolation."""
    found = plan("flash-attn", "xformers", "sageattention", torch="2.12", variant="cu130")
    data = tomllib.loads(export(found, H100, "pixi"))
    assert data["pypi-options"]["no-build-isolation"] == ["sageattention"]
    needs = data["pypi-dependencies"]
    assert needs["flash-attn"]["url"].endswith(".whl")
    assert needs["xformers"]["index"].endswith("/cu130")
    assert needs["sageattention"]["git"].startswith("https://")


@pytest.mark.parametrize("kind", ["requirements", "script-sh", "dockerfile"])
def test_a_file_from_its_own_index_is_fetched_alone(kind):
    """PyPI has other files of the same version: one command that asks both places could take the wrong one."""
    text = export(resolve(H100, Request(packages=("xformers",), torch="2.12", variant="cu130"), CATALOG), H100, kind)
    lines = [line for line in text.splitlines() if "xformers==" in line]
    assert lines
    assert all("--no-deps" in line and "index" in line for line in lines)


@pytest.mark.parametrize(("gigabytes", "warned"), [(8, True), (64, False)])
def test_less_memory_than_one_compiler_takes_is_a_warning(gigabytes, warned):
    """One job is the least there is: what that may not be enough for is said."""
    found = plan("flash-attn", machine=replace(H100, memory_bytes=gigabytes << 30))
    assert ("plan.compile.memory" in [notice.code for notice in found.advice]) is warned
