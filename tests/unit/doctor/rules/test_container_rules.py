"""Rules of containers: what was not given, and how each kind of container gets it."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor.facts import Node
from torchup.doctor.rules import CHECKS


def found(slug, **known):
    """What the rule of a cause finds in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat())


FIRING = [
    ("container-without-gpu", {"signs": "docker.no-gpu-driver"}),
    ("container-without-gpu", {"container": True, "container_gpu_flag": False, "signs": "vllm.no-platform"}),
    ("container-without-gpu", {"container": True, "container_kind": "kubernetes", "signs": "driver.libcuda-missing"}),
    ("container-without-gpu", {"container": True, "signs": "kfd.invalid-node"}),
    ("container-without-gpu", {"container": True, "signs": "driver.none"}),
    ("container-without-gpu", {"signs": "kfd.no-node"}),
]
SILENT = [
    ("container-without-gpu", {"signs": "docker.no-gpu-driver", "kernel_ran": True}),
    ("container-without-gpu", {"container": True}),
    ("container-without-gpu", {"container": True, "container_gpu_flag": True, "signs": "driver.libcuda-missing"}),
    ("container-without-gpu", {"signs": "vllm.no-platform"}),
    ("container-without-gpu", {"container": True, "signs": "driver.none, said.no-gpu"}),
    ("container-without-gpu", {"signs": "kfd.invalid-node"}),
    ("container-without-gpu", {"signs": "kfd.no-node, kfd.not-loaded"}),
    ("container-without-gpu", {}),
]
GIVES = [
    ({"container_kind": "docker"}, "--gpus"),
    ({"container_kind": "podman"}, "nvidia.com/gpu=all"),
    ({"container_kind": "apptainer"}, "--nv"),
    ({"container_kind": "kubernetes"}, "--limits=nvidia.com/gpu=1"),
    ({"container_kind": "docker", "gpu": "amd:Instinct MI300X"}, "--device=/dev/kfd"),
    ({"container_kind": "lxc", "gpu": "amd:RX 9070 XT"}, "gpu"),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert found(slug, **known) is not None


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert found(slug, **known) is None


def node(path, group, mode="crw-rw----"):
    """A device node that users outside of its group may not open."""
    return Node(path=path, accessible=False, mode=mode, group=group)


JOINS = [
    ({}, ["render,video"]),
    ({"nodes": (Node(path="/dev/kfd", accessible=False),)}, ["render,video"]),
    ({"nodes": (node("/dev/nvidia0", "vglusers"),)}, ["vglusers"]),
    ({"nodes": (node("/dev/kfd", "render"), node("/dev/dri/card0", "video"))}, ["render,video"]),
    ({"nodes": (node("/dev/kfd", "render"), node("/dev/dri/card0", "video")), "groups": ("video",)}, ["render"]),
    ({"nodes": (node("/dev/nvidia0", None, "crw-------"),)}, []),
    ({"nodes": (node("/dev/kfd", "109"),)}, ["render,video"]),
]


@pytest.mark.parametrize(("known", "groups"), JOINS)
def test_the_user_joins_the_groups_that_own_the_closed_nodes(known, groups):
    """As the listing shows them, without those of the user; the usual ones where it does not; none for root's nodes."""
    result = found("permission-device-nodes", signs="nodes.denied", **known)
    assert [command[3] for command in result.remedy.commands] == groups


@pytest.mark.parametrize(("vendor", "device"), [("amd:RX 7900 XTX", "--device=/dev/kfd"), ("RTX 4090", "--device")])
def test_podman_gets_its_own_command_for_every_vendor(vendor, device):
    """A container of Podman is not started by Docker."""
    result = found(
        "container-without-gpu", container=True, container_kind="podman", signs="driver.libcuda-missing", gpu=vendor
    )
    assert result.remedy.commands[0][0] == "podman"
    assert device in result.remedy.commands[0]


@pytest.mark.parametrize(("known", "option"), GIVES)
def test_each_kind_of_container_gets_its_gpu_its_own_way(known, option):
    """The option of that engine stands in the command."""
    result = found("container-without-gpu", container=True, signs="docker.no-gpu-driver", **known)
    assert option in {word for command in result.remedy.commands for word in command}


def test_the_option_goes_into_the_users_own_command():
    """Image and ports are the user's."""
    command = "docker run -p 8000:8000 example/serve:1"
    known = {"container": True, "container_kind": "docker", "container_gpu_flag": False, "commands": (command,)}
    result = found("container-without-gpu", signs="vllm.no-platform", **known)
    assert result.remedy.commands == (("docker", "run", "--gpus", "all", "-p", "8000:8000", "example/serve:1"),)
