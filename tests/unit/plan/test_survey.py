"""Planning for a real machine: only wheels that its sources really have, in the order they are tried."""

from __future__ import annotations

import pytest

from support.plan_machines import amd, machine, nvidia
from torchup.catalog import load_catalog
from torchup.errors import NetworkError, NoBuildError
from torchup.model import Offer, PythonInterpreter, Reason, Request, Source, Survey, message
from torchup.plan import resolve

CATALOG = load_catalog()
RTX_4090 = nvidia("NVIDIA GeForce RTX 4090", "8.9", 24)
PYPI = Source(name="pypi", url="https://pypi.org/simple", general=True, reachable=True)
SILENT = message("test.silent", "did not answer")


def index(variant, *, reachable=True):
    """The PyTorch index of a variant."""
    url = f"https://download.pytorch.org/whl/{variant}"
    detail = None if reachable else SILENT
    return Source(name=f"pytorch-index:{variant}", url=url, variant=variant, reachable=reachable, detail=detail)


def folder(path="/srv/wheels"):
    """A folder of wheels."""
    return Source(name="find-links", url=path, kind="find-links", general=True, reachable=True)


def offer(source, version, variant, *, package="torch", python="cp312", platform="manylinux_2_28_x86_64", **rest):
    """One wheel of a source."""
    label = f"{version}+{variant}" if variant else version
    abi = rest.pop("abi", python)
    name = f"{package}-{label}-{python}-{abi}-{platform}.whl"
    return Offer(
        package=package,
        version=version,
        variant=variant,
        python_tag=python,
        abi_tag=abi,
        platform_tags=(platform,),
        filename=name,
        url=f"{source.url}/{name}",
        source=source.name,
        **rest,
    )


def plan(target, sources, offers, constraints=(), **request):
    """The plan of a surveyed machine."""
    survey = Survey(sources=tuple(sources), offers=tuple(offers), constraints=tuple(constraints))
    return resolve(target, Request(**request), CATALOG, survey)


def pypi_torch(*versions):
    """PyPI's wheels of torch, whose names carry no variant."""
    return [offer(PYPI, version, None) for version in versions]


def two_pythons():
    """A machine whose torchup runs on one Python and that has another."""
    return machine(
        "linux",
        pythons=(
            PythonInterpreter(path="/home/u/tool/bin/python", version="3.12.3", kind="venv", bits=64),
            PythonInterpreter(path="/usr/bin/python3.11", version="3.11.7", bits=64),
        ),
    )


def test_a_folder_of_wheels_wins_over_a_silent_index_and_over_pypis_cuda_build():
    """CPU-only, index silent, folder with one CPU wheel for Python 3.11: that one, with that Python."""
    sources = [index("cpu", reachable=False), folder(), PYPI]
    offers = [offer(folder(), "2.13.0", "cpu", python="cp311"), *pypi_torch("2.15.0", "2.14.1")]
    found = plan(two_pythons(), sources, offers)
    assert found.build.label == "2.13.0+cpu"
    assert (found.python, found.python_path) == ("3.11", "/usr/bin/python3.11")
    assert found.packages[0] == "torch==2.13.0+cpu"
    assert found.missing_companions == ("torchvision", "torchaudio")
    assert found.sources[0].name == "find-links"
    reasons = {(r.torch, r.variant): r.reason for r in found.rejected}
    assert reasons["2.15.0", "cpu"] == Reason.UNREACHABLE
    assert reasons["2.15.0", "cu132"] == Reason.ARCH


def test_a_required_companion_that_nobody_has_is_an_error():
    """--require turns a missing companion from a report into exit 3; it never brings a build of the wrong kind."""
    offers = [
        offer(folder(), "2.13.0", "cpu"),
        *pypi_torch("2.15.0"),
        offer(PYPI, "0.28.0", None, package="torchvision"),
    ]
    with pytest.raises(NoBuildError) as error:
        plan(machine("linux"), [folder(), PYPI], offers, require=("torchvision",))
    assert "torchvision" in str(error.value.text)


def test_companions_are_taken_only_in_the_same_variant():
    """PyPI's torchvision is built against PyPI's torch: it does not go with a +cpu wheel."""
    vision = offer(PYPI, "0.28.0", None, package="torchvision")
    found = plan(machine("linux"), [folder(), PYPI], [offer(folder(), "2.13.0", "cpu"), vision])
    assert found.build.companions["torchvision"] is None
    same = offer(folder(), "0.28.0", "cpu", package="torchvision")
    found = plan(machine("linux"), [folder(), PYPI], [offer(folder(), "2.13.0", "cpu"), same])
    assert "torchvision==0.28.0+cpu" in found.packages


def test_a_gpu_machine_falls_through_to_the_next_source():
    """The newest variant's index is silent: the next one that answers, and the reason for the first."""
    target = machine("linux", RTX_4090, driver="580.95.05")
    sources = [index("cu132", reachable=False), index("cu130"), PYPI]
    found = plan(target, sources, [offer(index("cu130"), "2.15.0", "cu130")])
    assert found.build.label == "2.15.0+cu130"
    assert found.build.source == "pytorch-index"
    reasons = {(r.torch, r.variant): r for r in found.rejected}
    assert reasons["2.15.0", "cu132"].reason == Reason.UNREACHABLE


def test_pypis_wheel_is_known_for_what_it_is():
    """With only PyPI reachable an NVIDIA machine takes PyPI's CUDA wheel, without a local version."""
    found = plan(
        machine("linux", RTX_4090, driver="580.95.05"), [index("cu132", reachable=False), PYPI], pypi_torch("2.15.0")
    )
    assert (found.build.label, found.build.source) == ("2.15.0+cu132", "pypi")
    assert found.packages[0] == "torch==2.15.0"


def test_an_old_driver_does_not_take_pypis_cuda_13_wheel():
    """Driver 550 and only PyPI: 2.10.0 is the newest whose PyPI wheel is CUDA 12."""
    found = plan(
        machine("linux", RTX_4090, driver="550.54.15"), [PYPI], pypi_torch("2.15.0", "2.14.1", "2.10.0", "2.9.1")
    )
    assert found.build.label == "2.10.0+cu128"


def test_nothing_answers():
    """Every source silent: a network error (exit 7), not "no build"."""
    with pytest.raises(NetworkError) as error:
        plan(machine("linux"), [index("cpu", reachable=False)], [])
    assert "pytorch-index:cpu" in str(error.value.text)


def test_never_the_cpu_wheel_of_a_folder_for_a_gpu_machine():
    """Only a CPU wheel can be had: exit 3, unless asked for."""
    target = machine("linux", RTX_4090, driver="580.95.05")
    sources, offers = [index("cu132", reachable=False), folder()], [offer(folder(), "2.15.0", "cpu")]
    with pytest.raises(NoBuildError) as error:
        plan(target, sources, offers)
    assert "--cpu" in str(error.value.hint)
    assert plan(target, sources, offers, cpu=True).build.label == "2.15.0+cpu"


def test_a_version_newer_than_the_catalogue():
    """A known build is preferred and the newer one named; --torch takes it, and its code is said to be unknown."""
    target = machine("linux", RTX_4090, driver="610.43.02")
    source = index("cu132")
    offers = [offer(source, "2.15.0", "cu132"), offer(source, "2.16.0", "cu132")]
    found = plan(target, [source, PYPI], offers)
    assert found.build.label == "2.15.0+cu132"
    assert "plan.advice.newer-unknown" in [notice.code for notice in found.advice]
    asked = plan(target, [source, PYPI], offers, torch="2.16")
    assert asked.build.label == "2.16.0+cu132"
    assert "plan.why.code-unknown" in [reason.code for reason in asked.why]


def test_a_newer_cpu_version_needs_no_arch_list():
    """CPU builds have no code to know: the newest that is offered."""
    source = index("cpu")
    found = plan(machine("linux"), [source], [offer(source, "2.15.0", "cpu"), offer(source, "2.17.0", "cpu")])
    assert found.build.label == "2.17.0+cpu"


def test_constraints_and_yanked_files():
    """The user's constraint files hold, and a yanked file is not there."""
    source = index("cpu")
    offers = [
        offer(source, "2.15.0", "cpu"),
        offer(source, "2.14.1", "cpu", yanked=True),
        offer(source, "2.13.0", "cpu"),
    ]
    found = plan(machine("linux"), [source], offers, constraints=("torch<=2.14.1", "# a comment", "???"))
    assert found.build.label == "2.13.0+cpu"
    assert found.constraints
    assert {r.torch: r.detail.code for r in found.rejected}["2.15.0"] == "plan.reject.constraint"


def test_the_first_source_wins_for_the_same_build():
    """A mirror before the index: the mirror's file."""
    mirror = Source(name="mirror:nju:cpu", url="https://mirror/cpu", variant="cpu", reachable=True)
    offers = [offer(index("cpu"), "2.15.0", "cpu"), offer(mirror, "2.15.0", "cpu")]
    found = plan(machine("linux"), [mirror, index("cpu"), PYPI], offers)
    assert found.build.source == "mirror:nju"
    assert found.build.index_url == "https://mirror/cpu"


def test_wheels_for_other_systems_do_not_count():
    """Another platform's or a newer glibc's wheel is none."""
    source = index("cpu")
    offers = [
        offer(source, "2.15.0", "cpu", platform="win_amd64"),
        offer(source, "2.14.1", "cpu", platform="manylinux_2_39_x86_64"),
        offer(source, "2.13.0", "cpu", platform="manylinux_2_28_x86_64"),
    ]
    assert plan(machine("linux", glibc="2.35"), [source], offers).build.label == "2.13.0+cpu"


def test_amds_own_channel_needs_no_survey():
    """It is no source of pip's configuration, but a plan for Windows may still name it."""
    target = machine("windows", amd("AMD Radeon RX 7900 XTX", "gfx1100", 24))
    found = plan(target, [index("cpu"), PYPI], [offer(index("cpu"), "2.15.0", "cpu", platform="win_amd64")])
    assert found.build.source == "amd"


def test_offline_without_a_folder_says_where_it_is_published():
    """Sources that were not asked (reachable unknown) leave the catalogue's answer."""
    unasked = Source(name="pytorch-index:cpu", url="https://download.pytorch.org/whl/cpu", variant="cpu")
    found = plan(machine("linux"), [unasked], [], offline=True)
    assert found.build.label == "2.15.0+cpu"
    assert found.build.index_url == "https://download.pytorch.org/whl/cpu"


def test_a_nightly_index_is_read_as_it_is():
    """With --channel nightly only the nightly index counts, and its exact version is required."""
    nightly = Source(
        name="pytorch-nightly:cu132",
        url="https://download.pytorch.org/whl/nightly/cu132",
        variant="cu132",
        reachable=True,
    )
    offers = [offer(nightly, "2.17.0.dev20261120", "cu132"), *pypi_torch("2.15.0")]
    target = machine("linux", RTX_4090, driver="610.43.02")
    found = plan(target, [nightly, PYPI], offers, channel="nightly")
    assert found.packages[0] == "torch==2.17.0.dev20261120+cu132"
    with pytest.raises(NoBuildError):
        plan(target, [nightly, PYPI], offers, channel="nightly", torch=">=3")


def test_what_is_no_version_is_no_crash():
    """A nightly channel that was not asked has no version: a wish for one finds nothing, in a sentence."""
    with pytest.raises(NoBuildError):
        resolve(machine("linux"), Request(channel="nightly", torch=">=2.12"), CATALOG)
    unasked = Survey(constraints=("torch<=2.14.1",))
    assert resolve(machine("linux"), Request(channel="nightly"), CATALOG, unasked).packages[0].startswith("torch>=")
