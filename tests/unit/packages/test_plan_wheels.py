"""`--with` and `--for`: torch is chosen by the packages, the plan says why, and installs them without touching it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from torchup.catalog import load_catalog
from torchup.errors import NoBuildError, UsageError
from torchup.install import steps
from torchup.model import Driver, Gpu, InstallerName, Machine, Os, PythonInterpreter, Request, Source, Vendor
from torchup.plan import resolve

CATALOG = load_catalog()
H100 = Machine(
    os=Os.LINUX, arch="x86_64", glibc="2.39",
    gpus=(Gpu(vendor=Vendor.NVIDIA, name="H100", compute_capability="9.0"),),
    drivers=(Driver(vendor=Vendor.NVIDIA, version="610.43.02"),),
    pythons=tuple(PythonInterpreter(path=f"/usr/bin/python{one}", version=f"{one}.1") for one in ("3.12", "3.13")),
)  # fmt: skip


def plan(*packages, machine=H100, **request):
    """The plan for packages."""
    return resolve(machine, Request(packages=packages, **request), CATALOG)


def test_a_package_pulls_torch_down_and_the_plan_says_so():
    """The newest torch that has a wheel is taken, never one without."""
    found = plan("flash-attn")
    assert found.wheels[0].package == "flash-attn"
    assert found.build.torch < CATALOG.newest_torch
    assert any(text.code == "plan.why.packages" for text in found.why)
    assert not any(text.code == "plan.why.asked" for text in found.why)


def test_an_asked_torch_leads_and_the_nearest_is_named():
    """With --torch the package does not move it: the plan is refused, with options that work."""
    with pytest.raises(NoBuildError) as error:
        plan("flash-attn", torch=CATALOG.newest_torch)
    words = str(error.value.hint)
    torch, variant, python = (
        words.split(f"--{name} ", maxsplit=1)[1].split(maxsplit=1)[0] for name in ("torch", "variant", "python")
    )
    assert plan("flash-attn", torch=torch, variant=variant, python=python).wheels


def test_packages_that_share_no_torch_are_named():
    """The smallest set that does not go together, not all that were asked for."""
    with pytest.raises(NoBuildError) as error:
        plan("lightning", "vllm", "torchtext")
    assert "vllm" in str(error.value.text)
    assert "torchtext" in str(error.value.text)
    assert "lightning" not in str(error.value.text)


def test_a_purpose_leads():
    """`--for vllm` takes the torch that vllm requires, and its version is in the plan."""
    found = plan(purpose="vllm", python="3.12")
    assert found.wheels[0].requirement == "vllm==0.33.0"
    assert found.build.torch == "2.14.0"
    with pytest.raises(UsageError):
        plan(purpose="nonsense")


def test_a_version_that_is_asked_for_is_kept():
    """`--with vllm==0.31.0` means that one."""
    assert plan("vllm==0.31.0").wheels[0].version == "0.31.0"


def test_packages_without_a_say_change_nothing():
    """Plain packages are planned as before."""
    assert plan("pandas").build == plan().build


@pytest.mark.parametrize("installer", [InstallerName.UV, InstallerName.PIP])
def test_wheels_come_after_torch_and_without_their_dependencies(installer):
    """Each wheel is installed with --no-deps, then what it needs with torch held by a constraint."""
    found = plan("flash-attn", "xformers", installer=installer)
    argvs = [step.argv for step in steps(found, "/e")]
    torch = next(i for i, argv in enumerate(argvs) if any(part.startswith("torch==") for part in argv))
    alone = [i for i, argv in enumerate(argvs) if "--no-deps" in argv]
    assert len(alone) == len(found.wheels) == 2
    assert min(alone) > torch
    for step in steps(found, "/e"):
        if "--no-deps" not in step.argv and any(wheel.requirement in step.argv for wheel in found.wheels):
            assert any(text.startswith(f"torch=={found.build.label}") for text in step.files.values())


def test_a_third_party_is_named():
    """Whose binary it is stands in the plan."""
    found = plan("flash-attn")
    assert found.wheels[0].publisher
    assert any(notice.code == "plan.wheel.third-party" for notice in found.advice)


def test_a_bundle_asks_no_index():
    """A plan whose sources are folders installs its wheels from them, by name and version."""
    found = plan("flash-attn", "xformers")
    folder = Source(name="wheelhouse", url="/bundle/wheels", kind="find-links", general=True, reachable=True)
    offline = replace(found, sources=(folder,))
    text = " ".join(part for step in steps(offline, "/e") for part in step.argv)
    assert "https://" not in text
    assert f"flash-attn=={found.wheels[0].version}" in text


def test_a_series_of_releases_is_asked_for_as_one():
    """The rows of triton-windows name 3.7, of which PyPI has 3.7.1.post27 only: `==3.7` would find nothing."""
    windows = replace(H100, os=Os.WINDOWS, gpus=(Gpu(vendor=Vendor.NVIDIA, name="RTX 4090", compute_capability="8.9"),))
    found = plan("sageattention", machine=windows, torch="2.12", python="3.12")
    triton = next(wheel for wheel in found.wheels if wheel.package == "triton-windows")
    assert triton.requirement == triton.by_version == "triton-windows==3.7.*"
