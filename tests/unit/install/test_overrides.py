"""ROCm as Python packages: the libraries of the GPUs that are here, not of all, by replacing what torch requires."""

from __future__ import annotations

import json

import msgspec
import pytest

from support.plans import folder_plan
from support.wheels import make_fake_torch, make_wheel
from torchup.catalog import load_catalog
from torchup.cli import main
from torchup.envs import distributions
from torchup.host import RealHost
from torchup.install.uv import UvInstaller

SDK = load_catalog().rocm_sdk
DEVICES = ("gfx1030", "gfx1100", "gfx942")


def rocm_index(folder):
    """Torch that requires the libraries of every device, and `rocm` with an extra a device."""
    make_fake_torch(folder, "2.14.1", "rocm7.14", requires=["rocm[libraries,device-all]==7.14.*"])
    extras = [f'rocm-sdk-device-{device}==7.14.0; extra == "device-{device}"' for device in DEVICES]
    every = [f'rocm-sdk-device-{device}==7.14.0; extra == "device-all"' for device in DEVICES]
    make_wheel(folder, "rocm", "7.14.0", requires=['rocm-sdk-libraries; extra == "libraries"', *extras, *every])
    for name in ("rocm-sdk-libraries", *(f"rocm-sdk-device-{device}" for device in DEVICES)):
        make_wheel(folder, name, "7.14.0")
    make_wheel(folder, "numpy", "2.0.0")
    make_wheel(folder, "pip", "26.0")


def test_uv_installs_the_libraries_of_one_device(tmp_path):
    """The real uv, told to replace the requirement, takes one device's package of three."""
    rocm_index(tmp_path / "wheels")
    packages = ("torch==2.14.1+rocm7.14", "numpy")
    override = SDK.requirement.format(devices=SDK.extra.format(gfx="gfx1100"), rocm="7.14")
    plan = msgspec.structs.replace(folder_plan(tmp_path / "wheels", "2.14.1"), packages=packages, overrides=(override,))
    host, place, engine = RealHost(), str(tmp_path / "environment"), UvInstaller()
    for step in engine.steps(plan, place)[:2]:
        for file, text in step.files.items():
            host.write_text(file, text)
        done = engine.perform(host, step, place, print)
        assert done.ok, done.stderr
    installed = {name for name in distributions.versions(host, place) if name.startswith("rocm")}
    assert installed == {"rocm", "rocm-sdk-libraries", "rocm-sdk-device-gfx1100"}


@pytest.mark.parametrize(
    ("assumed", "arguments", "override"),
    [
        ("os=linux,gpu=RX 7900 XTX", (), "rocm[libraries,device-gfx1100]==7.14.*"),
        ("os=linux,gpu=RX 7900 XTX,gpu=RX 6800 XT", (), "rocm[libraries,device-gfx1100,device-gfx1030]==7.14.*"),
        ("os=linux,gpu=RX 7900 XTX", ("--installer", "pip"), None),
        ("os=linux,gpu=RX 7900 XTX", ("--variant", "rocm7.2"), None),
        ("os=win11,gpu=RX 7900 XTX", (), None),
        ("os=linux,gpu=RTX 5090", (), None),
    ],
)
def test_a_plan_replaces_only_where_uv_installs_rocm_as_packages(capsys, assumed, arguments, override):
    """PyTorch's own builds from ROCm 7.14 on; pip cannot replace, AMD's builds have an extra of their own."""
    assert main(["plan", "--offline", "--json", "--assume", assumed, *arguments]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["overrides"] == ([override] if override else [])
    assert (data["build"]["size_bytes"] == SDK.size_bytes) is (override is not None)
    assert any("--overrides" in step["argv"] for step in data["steps"]) is (override is not None)
    assert ("plan.advice.one-device" in {n["code"] for n in data["advice"]}) is (override is not None)


def test_a_uv_project_replaces_too(capsys):
    """pyproject.toml names the same requirement."""
    arguments = ["plan", "--offline", "--assume", "os=linux,gpu=RX 7900 XTX", "--export", "pyproject"]
    assert main(arguments) == 0
    assert 'override-dependencies = ["rocm[libraries,device-gfx1100]==7.14.*"]' in capsys.readouterr().out
