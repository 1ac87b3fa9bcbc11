"""Probes together: none ends the others; shared questions are asked once; and how a machine is shown."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from support import machine_specs_nvidia
from torchup.detect import machine
from torchup.detect.pretend import load_machine
from torchup.detect.surroundings import Surroundings
from torchup.host import RecordedHost
from torchup.model import Gpu, Machine, Os, Tool, Vendor
from torchup.report.detect_text import machine_text
from torchup.report.style import Style

MACHINES = Path(__file__).parents[1] / "machines"
SPEC = machine_specs_nvidia.by_nvml()[0]


def broken(_):
    """A probe that meets what nobody foresaw."""
    raise ZeroDivisionError("nobody foresaw this")


def test_a_crashing_probe_is_a_problem_and_the_others_answer(monkeypatch):
    """The crash is named; system, hardware and Pythons are still there."""
    real = machine.load
    monkeypatch.setattr(machine, "load", lambda place: broken if "nvidia" in place else real(place))
    found = machine.detect(RecordedHost(SPEC.recording))
    assert [(p.probe, p.code, p.detail) for p in found.problems] == [
        ("nvidia", "crashed", "ZeroDivisionError: nobody foresaw this")
    ]
    assert (found.gpus, found.distribution, len(found.pythons)) == ((), "ubuntu", 2)


def test_every_probe_of_the_registry_can_be_loaded():
    """The places in the registry exist."""
    for _, place in machine.PROBES.values():
        assert callable(machine.load(place))


def test_a_shared_question_is_asked_once():
    """Two probes want Windows' inventory; one PowerShell is started."""
    around, asked = Surroundings(RecordedHost(SPEC.recording)), []
    for _ in range(3):
        assert around.once("x", lambda: asked.append(1) or "answer") == "answer"
    assert asked == [1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 10), ("2.5", 2.5), ("", 10), ("abc", 10), ("-1", 10), ("0", 10), ("inf", 10), ("nan", 10), ("9999", 10)],
)
def test_the_time_limit_of_probes(text, seconds):
    """TORCHUP_PROBE_TIMEOUT in seconds; nonsense is the default."""
    environ = {} if text is None else {"TORCHUP_PROBE_TIMEOUT": text}
    recording = msgspec.structs.replace(SPEC.recording, environ=environ)
    assert Surroundings(RecordedHost(recording)).timeout == seconds


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linux-rocky-a100-mig", ["MIG on, instances: 4", "compute capability 8.0"]),
        ("linux-ubuntu-exclusive-process", ["compute mode exclusive-process", "CUDA_VISIBLE_DEVICES"]),
        ("linux-ubuntu-vgpu-a40", ["vgpu", "vmware"]),
        ("wsl-ubuntu-rtxa4000-537", ["WSL", "537.42, supports CUDA up to 12.2"]),
        ("linux-docker-t4", ["docker, GPU devices passed in", "limited to 8.0 GiB"]),
        ("linux-docker-gpu-not-passed", ["not passed into this container"]),
        ("linux-jetson-orin-jp6", ["Jetson Linux", "36.4.3", "integrated"]),
        ("linux-ubuntu-driver-not-loaded", ["Secure Boot", "on", "the kernel driver is not loaded"]),
        ("linux-popos-gt640-kepler", ["nouveau"]),
        ("macos-m1max-rosetta", ["under Rosetta translation", "32 cores"]),
        ("linux-ubuntu-mi210", ["ROCm", "6.2.0", "gfx90a", "/dev/kfd", "this user has access"]),
        ("linux-ubuntu-arc-pro-a40-no-runtime", ["Level Zero", "absent"]),
        ("linux-ubuntu-conda-and-uv", ["free-threaded", "venv", "conda", "1 more (shown with -v)"]),
        ("linux-proxmox-vfio", ["reserved for virtual machines", "not loaded"]),
    ],
)
def test_what_people_read(name, words):
    """Every kind of fact has its words, on a console that can only show ASCII."""
    found = load_machine((MACHINES / name / "expected.json").read_text("utf-8"))
    shown = machine_text(found, Style(width=220, unicode=False))
    assert shown.isascii()
    for word in words:
        assert word in shown


def test_verbose_shows_every_python():
    """-v leaves none out."""
    text = (MACHINES / "linux-ubuntu-conda-and-uv" / "expected.json").read_text("utf-8")
    shown = machine_text(load_machine(text), Style(width=220), verbose=True)
    assert all(python["path"] in shown for python in json.loads(text)["pythons"])


@pytest.mark.parametrize(("count", "shown"), [(None, "instances: unknown"), (0, "instances: 0"), (7, "instances: 7")])
def test_what_is_unknown_of_a_machine_is_not_a_number_or_a_sign(count, shown):
    """An unknown number of MIG instances is not zero; a tool or a processor without a name has no question mark."""
    gpu = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA H100", mig_mode="enabled", mig_instances=count)
    found = Machine(os=Os.LINUX, arch="x86_64", gpus=(gpu,), tools=(Tool(name="gcc"),))
    said = machine_text(found, Style(width=220))
    assert shown in said
    assert "?" not in said
