"""What conda is asked for, on every kind of machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.catalog import load_catalog
from torchup.errors import NoBuildError, UsageError
from torchup.model import Build, Cpu, Driver, Gpu, InstallerName, Machine, Os, Request, Vendor
from torchup.plan import conda, resolve

V3 = ("sse4_2", "avx", "f16c", "fma", "avx2")


def linux(**changes) -> Machine:
    """An Ubuntu 22.04 machine."""
    return Machine(**{"os": Os.LINUX, "arch": "x86_64", "kernel": "6.8.0-45-generic", "glibc": "2.35"} | changes)


def nvidia(*capabilities: str | None, cuda: str | None = "12.4") -> dict[str, object]:
    """GPUs and a driver."""
    gpus = tuple(Gpu(vendor=Vendor.NVIDIA, compute_capability=capability) for capability in capabilities)
    return {"gpus": gpus, "drivers": (Driver(vendor=Vendor.NVIDIA, version="550.54.15", cuda_api=cuda),)}


def test_linux_machine_with_two_gpus_offers_the_lower_capability():
    """`__cuda` is the driver's CUDA API, `__cuda_arch` the lowest compute capability of all GPUs."""
    machine = linux(**nvidia("8.9", "6.1"), cpu=Cpu(features=V3))
    assert conda.virtual_packages(machine) == (
        "__unix=0=0",
        "__linux=6.8.0=0",
        "__glibc=2.35=0",
        "__cuda=12.4=0",
        "__cuda_arch=6.1=0",
        "__archspec=1=x86_64_v3",
    )


def test_a_gpu_of_unknown_capability_leaves_the_architecture_open():
    """One GPU that is not known could be older than all others: no `__cuda_arch` is promised."""
    assert not [v for v in conda.virtual_packages(linux(**nvidia("8.9", None))) if v.startswith("__cuda_arch")]


def test_a_gpu_without_a_driver_offers_no_cuda():
    """`__cuda` speaks of the driver, not of the card."""
    machine = linux(gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability="8.6"),))
    assert not [v for v in conda.virtual_packages(machine) if v.startswith("__cuda")]
    assert not [v for v in conda.virtual_packages(linux(**nvidia("8.6", cuda=None))) if v.startswith("__cuda")]


MACHINES = {
    "osx-arm64": (
        Machine(os=Os.MACOS, arch="arm64", os_version="14.5"),
        ("__unix=0=0", "__osx=14.5=0", "__archspec=1=m1"),
    ),
    "osx-64": (
        Machine(os=Os.MACOS, arch="x86_64", os_version="12.2"),
        ("__unix=0=0", "__osx=12.2=0", "__archspec=1=x86_64"),
    ),
    "win-64": (
        Machine(os=Os.WINDOWS, arch="AMD64", os_version="10.0.22631", **nvidia("8.6", cuda="11.7")),
        ("__win=10.0.22631=0", "__cuda=11.7=0", "__cuda_arch=8.6=0", "__archspec=1=x86_64"),
    ),
    "linux-aarch64": (
        linux(arch="aarch64"),
        ("__unix=0=0", "__linux=6.8.0=0", "__glibc=2.35=0", "__archspec=1=aarch64"),
    ),
}


@pytest.mark.parametrize("subdir", MACHINES)
def test_every_system_has_its_virtual_packages(subdir):
    """Subdir and virtual packages of each system, as conda's manual lists them."""
    machine, expected = MACHINES[subdir]
    assert conda.subdir(machine) == subdir
    assert conda.virtual_packages(machine) == expected


@pytest.mark.parametrize("machine", [linux(arch="i686"), linux(arch="armv7l"), linux(libc="musl", glibc=None)])
def test_a_machine_without_conda_packages_is_told_so(machine):
    """No subdir is invented for a platform that conda-forge does not build for."""
    with pytest.raises(NoBuildError):
        conda.subdir(machine)


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "riscv64"])
def test_musl_is_named(arch):
    """On musl the C library is the reason, whatever the processor, and no installer gets round it."""
    with pytest.raises(NoBuildError, match="musl") as refused:
        conda.subdir(linux(arch=arch, libc="musl", glibc=None))
    assert "glibc" in str(refused.value.hint)
    assert "--installer" not in str(refused.value.hint)


@pytest.mark.parametrize("arch", ["riscv64", "ppc64le", "i686", "s390x"])
def test_the_hint_of_an_unknown_platform_is_not_refused_too(arch):
    """The hint names uv only if torch has wheels for the processor."""
    machine = linux(arch=arch)
    with pytest.raises(NoBuildError, match=arch) as refused:
        conda.subdir(machine)
    served = any(row.platform == f"linux_{arch}" for row in load_catalog().rows)
    assert ("--installer uv" in str(refused.value.hint)) == served


def test_a_translated_python_on_apple_silicon_gets_native_packages():
    """Under Rosetta the machine says x86_64; the environment is still made for arm64."""
    assert conda.subdir(Machine(os=Os.MACOS, arch="x86_64", translated=True)) == "osx-arm64"


def test_cuda_order_pins_flavour_and_runtime():
    """The CUDA build is named by version and build string, and the runtime libraries follow it."""
    build = Build(torch="2.13.0", variant="cu129", companions={"torchvision": "0.28.0", "torchaudio": None})
    packages = ("torch==2.13.0", "torchvision==0.28.0", "jupyterlab>=4,<5", "ipykernel")
    asked = conda.order(linux(**nvidia("8.6")), build, "3.12", packages)
    assert asked.specs == (
        "python=3.12",
        "pip",
        "pytorch=2.13.0=cuda129*",
        "pytorch-gpu=2.13.0",
        "cuda-version=12.9",
        "torchvision=0.28.0",
        "jupyterlab <5,>=4",
        "ipykernel",
    )
    assert asked.channels == (conda.CONDA_FORGE,)


def test_a_mirror_serves_and_a_folder_replaces():
    """An HTTP mirror stands in for the canonical channel; a folder is the channel."""
    build = Build(torch="2.13.0", variant="cpu")
    mirrored = conda.order(linux(), build, "3.12", mirrors={conda.CONDA_FORGE: ("https://mirror.example/cf",)})
    assert (mirrored.channels, mirrored.mirrors) == (
        (conda.CONDA_FORGE,),
        {conda.CONDA_FORGE: ("https://mirror.example/cf",)},
    )
    local = conda.order(linux(), build, "3.12", mirrors={conda.CONDA_FORGE: ("file:///srv/conda-forge",)})
    assert (local.channels, local.mirrors) == (("file:///srv/conda-forge",), {})


def test_a_hub_gets_its_proxy_from_conda_forge():
    """What npm has to bring beside pip is a conda package."""
    build = Build(torch="2.13.0", variant="cpu")
    assert conda.order(linux(), build, "3.12", ("jupyterhub",)).specs[-2:] == ("jupyterhub", "configurable-http-proxy")


def test_cpu_order_cannot_become_a_cuda_build():
    """A CPU build is asked for by its build string; no CUDA package is named."""
    assert conda.torch_specs(Build(torch="2.13.0", variant="cpu")) == ("pytorch=2.13.0=cpu*",)


def test_free_threaded_python_is_asked_for_by_abi():
    """3.14t is an ABI of python 3.14 on conda-forge."""
    assert conda.python_specs("3.14t") == ("python=3.14=*_cp314t", "pip")


@pytest.mark.parametrize("variant", ["rocm7.2", "xpu"])
def test_flavours_that_conda_forge_does_not_build(variant):
    """ROCm and XPU are refused with the way out, not installed as something else."""
    with pytest.raises(NoBuildError) as caught:
        conda.torch_specs(Build(torch="2.13.0", variant=variant))
    assert "uv" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["a b", "x @ https://example.org/x.whl", "x[extra]", "x; python_version < '3'"])
def test_requirements_that_conda_cannot_express(text):
    """What conda cannot say is refused, never silently dropped."""
    with pytest.raises(UsageError):
        conda.order(linux(), Build(torch="2.13.0", variant="cpu"), "3.12", (text,))


@given(st.lists(st.sampled_from([f for _, level in conda._LEVELS for f in level]), unique=True))
def test_microarchitecture_never_promises_more_than_the_features(features):
    """A level is named only when it and all lower levels are proven."""
    machine = linux(cpu=Cpu(features=tuple(features)))
    order = ["x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4"]
    reached = order.index(conda.microarchitecture(machine))
    for level, needed in conda._LEVELS:
        if order.index(level) <= reached:
            assert needed <= set(features)


def test_a_driver_that_only_says_its_version_offers_the_cuda_it_serves():
    """Without `__cuda` every conda GPU build would be unsolvable; the plan knows what the driver's version serves."""
    machine = linux(**nvidia("8.6", cuda=None))
    assert "__cuda=12.4=0" in conda.virtual_packages(machine, "12.4")
    plan = resolve(machine, Request(installer=InstallerName.CONDA), load_catalog())
    assert plan.conda is not None
    assert "__cuda=12.4=0" in plan.conda.virtual_packages
