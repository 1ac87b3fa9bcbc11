"""The worker that looks into an environment survives whatever torch does there."""

from __future__ import annotations

import pytest

from support.doctor_environments import new_environment, put_distribution, put_torch, python_of
from torchup.doctor import diagnose
from torchup.doctor.live import facts_of
from torchup.envs.inspection import inspect_environment
from torchup.host import RealHost
from torchup.model import Driver, Gpu, Machine, Os, Vendor

MACHINE = Machine(os=Os.LINUX, arch="x86_64", glibc="2.39")
WITH_GPU = Machine(
    os=Os.LINUX,
    arch="x86_64",
    gpus=(Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 3090", compute_capability="8.6"),),
    drivers=(Driver(vendor=Vendor.NVIDIA, version="550.54.15", cuda_api="12.4"),),
)


@pytest.fixture
def environment(tmp_path):
    """A fresh environment: (site-packages, python)."""
    folder = tmp_path / "environment"
    return new_environment(folder), python_of(folder)


def examine(python: str, machine: Machine = MACHINE, *, timeout: float = 30.0):
    """Inspect and diagnose."""
    inspection = inspect_environment(RealHost(), python, timeout=timeout)
    return inspection, diagnose(facts_of(machine, inspection))


def test_no_torch(environment):
    """An environment without torch is named as such."""
    inspection, found = examine(environment[1])
    assert inspection.torch is not None
    assert not inspection.torch.installed
    assert found.primary == "torch-not-installed"


def test_a_torch_that_raises(environment):
    """An import that fails leaves its message; the cause is what is on disk."""
    put_torch(environment[0], before="from torch.nowhere import nothing")
    inspection, found = examine(environment[1])
    assert "No module named 'torch.nowhere'" in inspection.torch.import_error
    assert found.primary == "torch-not-installed"


@pytest.mark.parametrize("end", ["os.abort()", "os._exit(3)", "os.kill(os.getpid(), 11)"])
def test_a_torch_that_ends_the_process(environment, end):
    """A crash in the import still leaves what the interpreter is; torch cannot be imported."""
    put_torch(environment[0], before=f"import os; {end}")
    inspection, found = examine(environment[1])
    assert inspection.python is not None
    assert inspection.torch is None
    assert inspection.failure
    assert found.primary == "torch-not-installed"


def test_a_torch_that_hangs(environment):
    """A hanging import is stopped at the limit."""
    put_torch(environment[0], before="import time; time.sleep(60)")
    inspection, found = examine(environment[1], timeout=3.0)
    assert inspection.failure == "it did not end in time"
    assert found.primary == "torch-not-installed"


def test_a_torch_that_prints(environment):
    """What torch prints on stdout does not disturb the answer."""
    put_torch(environment[0], before="print('{not json'); print('{\"torch\": 1}')")
    inspection, _ = examine(environment[1])
    assert inspection.torch.version == "2.2.0+cpu"


def test_no_python_at_all(tmp_path):
    """A path that is no interpreter is a failure that is told, not raised."""
    inspection, found = examine(str(tmp_path / "nothing"))
    assert inspection.python is None
    assert inspection.failure
    assert not [outcome for outcome in found.outcomes if outcome.status == "crash"]


def test_a_cpu_build_on_a_machine_with_a_gpu(environment):
    """The build is a CPU one, the machine has a GPU."""
    put_torch(environment[0], "2.6.0+cpu")
    assert examine(environment[1], WITH_GPU)[1].primary == "cpu-build-installed"


def test_a_cpu_build_on_a_machine_without_one_is_healthy(environment):
    """The same build without a GPU is right."""
    put_torch(environment[0], "2.6.0+cpu")
    _, found = examine(environment[1])
    assert not [finding for finding in found.findings if finding.severity == "error"]


def test_a_build_that_is_too_new_for_the_driver(environment):
    """CUDA 13 on driver 550."""
    put_torch(
        environment[0],
        "2.13.0+cu130",
        cuda="13.0",
        cuda_error="The NVIDIA driver on your system is too old (found version 12040).",
    )
    assert examine(environment[1], WITH_GPU)[1].primary == "driver-too-old"


def test_numpy_2_under_an_old_torch(environment):
    """A torch before 2.3 says that NumPy is not available."""
    put_torch(environment[0], "2.2.0+cpu", numpy_error="Numpy is not available")
    put_distribution(environment[0], "numpy", "2.1.0")
    assert examine(environment[1])[1].primary == "numpy-abi"


def test_a_companion_of_another_release(environment):
    """Torchvision 0.17 belongs to torch 2.2."""
    put_torch(environment[0], "2.6.0+cpu")
    put_distribution(environment[0], "torchvision", "0.17.0")
    assert examine(environment[1])[1].primary == "companion-mismatch"


def test_a_companion_with_another_cuda_is_imported_and_named(environment):
    """Only a torchvision whose version file names another CUDA is imported; its error is the evidence."""
    put_torch(environment[0], "2.6.0+cpu")
    put_distribution(
        environment[0], "torchvision", "0.21.0", "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    (environment[0] / "torchvision" / "version.py").write_text("__version__ = '0.21.0+cu124'\ncuda = '12.4'\n")
    inspection, found = examine(environment[1])
    assert "torchvision::nms" in inspection.torch.companion_errors["torchvision"]
    assert found.primary == "companion-mismatch"


def test_selectors_that_hide_the_gpu():
    """CUDA_VISIBLE_DEVICES=-1 on a machine with a GPU is the cause, without any environment."""
    for value in ("-1", "", "NoDevFiles", "7"):
        machine = Machine(
            os=Os.LINUX,
            arch="x86_64",
            gpus=WITH_GPU.gpus,
            drivers=WITH_GPU.drivers,
            environment={"CUDA_VISIBLE_DEVICES": value},
        )
        assert diagnose(facts_of(machine)).primary == "visible-devices-hide"
    machine = Machine(
        os=Os.LINUX,
        arch="x86_64",
        gpus=WITH_GPU.gpus,
        drivers=WITH_GPU.drivers,
        environment={"CUDA_VISIBLE_DEVICES": "0"},
    )
    assert diagnose(facts_of(machine)).primary is None


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        ("library-version-mismatch", "driver-missing-or-broken"),
        ("not-loaded", "driver-missing-or-broken"),
        ("gpu-lost", "driver-missing-or-broken"),
        ("no-permission", "permission-device-nodes"),
        ("blocked-by-os", "wsl-driver-problem"),
    ],
)
def test_troubles_of_the_driver_are_causes(problem, cause):
    """What detection found wrong with the driver is named by the rules."""
    machine = Machine(os=Os.LINUX, arch="x86_64", drivers=(Driver(vendor=Vendor.NVIDIA, problem=problem),))
    assert diagnose(facts_of(machine)).primary == cause


NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"


@pytest.mark.parametrize("container", [None, "docker"])
def test_a_cuda_build_without_a_gpu_is_no_fault(environment, container):
    """Where the bus shows no GPU none is missing: PyPI's CUDA build on a server or in CI is healthy."""
    put_torch(environment[0], "2.4.0+cu121", cuda="12.1", cuda_error=NO_DRIVER)
    machine = Machine(os=Os.LINUX, arch="x86_64", container=container, container_gpu=False if container else None)
    _, found = examine(environment[1], machine)
    assert found.primary is None
    assert [str(finding.severity) for finding in found.findings] == ["info"]
