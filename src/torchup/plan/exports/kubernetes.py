"""Kubernetes: one pod a machine, with the resource names of the vendors' device plug-ins."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from torchup.model import Vendor
from torchup.plan.exports.fleet import check_program, conda_command, head, in_container, on_linux, to_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Machine
    from torchup.plan.exports.fleet import LeftOut, Planned

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_RESOURCES = {Vendor.NVIDIA: "nvidia.com/gpu", Vendor.AMD: "amd.com/gpu"}


def kubernetes(fleet: Sequence[Planned], left_out: Sequence[LeftOut]) -> str:
    """A YAML document with one pod for each machine, bound to its node by name.

    Raises:
        UsageError: no machine runs Linux.
    """
    kept, gone = on_linux(fleet, "kubernetes")
    lines = head(kept, [*left_out, *gone], "kubernetes")
    return "\n".join([*lines, *(f"---\n{to_yaml(_pod(one))}".rstrip("\n") for one in kept)]) + "\n"


def resource(vendor: Vendor, machine: Machine) -> str | None:
    """What a vendor's device plug-in calls its GPUs; Intel's are named after the kernel driver."""
    if vendor is not Vendor.INTEL:
        return _RESOURCES.get(vendor)
    driver = machine.driver(Vendor.INTEL)
    return f"gpu.intel.com/{'xe' if driver is not None and driver.flavor == 'xe' else 'i915'}"


def _pod(one: Planned) -> dict[str, Any]:
    image, script = _image_and_script(one)
    container: dict[str, Any] = {
        "name": "torch",
        "image": image,
        "command": ["sh", "-ec"],
        "args": [script],
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108  # the path of shared memory
    }
    limits = _limits(one)
    if limits:
        container["resources"] = {"limits": limits}
    arch = _ARCHITECTURES.get(one.machine.arch.lower(), one.machine.arch)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"torch-{one.host}"[:63].rstrip("-"), "labels": {"app": "torch"}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {
                "kubernetes.io/os": "linux", "kubernetes.io/arch": arch, "kubernetes.io/hostname": one.host,
            },
            "containers": [container],
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}],
        },
    }  # fmt: skip


def _image_and_script(one: Planned) -> tuple[str, str]:
    conda = conda_command(one.plan)
    if conda is not None:
        check = shlex.join(["python", "-c", check_program(one.plan)])
        installed = f"micromamba install --yes --name base {conda}"
        return "mambaorg/micromamba:latest", f"{installed}\nmicromamba run --name base {check}\n"
    image, commands, python = in_container(one)
    lines = [*map(shlex.join, commands), shlex.join([python, "-c", check_program(one.plan)])]
    return image, "\n".join(lines) + "\n"


def _limits(one: Planned) -> dict[str, int]:
    """How many GPUs of each vendor the plan covers, by the name of the resource."""
    counted = Counter(one.machine.gpus[index].vendor for index in one.plan.covered_gpus)
    names = {vendor: resource(vendor, one.machine) for vendor in counted}
    return {name: counted[vendor] for vendor, name in names.items() if name is not None}
