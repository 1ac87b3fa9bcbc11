"""A Dockerfile that installs the planned build."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.errors import UsageError
from torchup.model import Os, Vendor, message
from torchup.plan.exports.common import header, later_commands, places, together, variables
from torchup.plan.exports.fleet import UV_IMAGE
from torchup.plan.exports.scripts import channel_options, pip_options

if TYPE_CHECKING:
    from torchup.model import CondaOrder, Machine, Plan

_PLATFORMS = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


def dockerfile(plan: Plan, machine: Machine) -> str:
    """A Dockerfile. The NVIDIA driver stays on the host: run the image with ``--gpus all``.

    Raises:
        UsageError: the plan is not for Linux.
    """
    if machine.os is not Os.LINUX:
        raise UsageError(
            message(
                "export.dockerfile", "a Dockerfile needs a plan for Linux, but this plan is for {os}", os=machine.os
            ),
            hint=message(
                "export.dockerfile.assume",
                'use `--assume "{facts}"` to plan for the container',
                facts=_container_on(machine),
            ),
        )
    if plan.conda is not None:
        return "\n".join([header(plan, machine), *_conda(plan, plan.conda, machine)]) + "\n"
    lines = _free_threaded(plan, machine) if plan.python.endswith("t") else _python_image(plan, machine)
    return "\n".join([header(plan, machine), *lines]) + "\n"


def _from(image: str, machine: Machine) -> str:
    platform = _PLATFORMS.get(machine.arch.lower())
    return f"FROM --platform={platform} {image}" if platform else f"FROM {image}"


def _gpu(plan: Plan) -> list[str]:
    if not plan.uses_gpu or not plan.build.variant.startswith("cu"):
        return []
    return ["ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility"]


def _copies(plan: Plan) -> list[str]:
    """Folders of wheels travel into the image: copy them beside the Dockerfile under these names."""
    local = [place for place in places(plan).find_links if "://" not in place]
    return [f"COPY wheels{position or ''} {place}" for position, place in enumerate(map(shlex.quote, local))]


def _arguments(plan: Plan) -> str:
    return " \\\n    ".join(shlex.quote(part) for part in (*pip_options(plan, "pip"), *together(plan)))


def _later(plan: Plan, tool: str) -> list[str]:
    """What follows torch; to compile needs an image with nvcc and a compiler, which Python's own lacks."""
    lines = later_commands(plan, (), "--default-index" if tool.startswith("uv ") else "--index-url")
    note = ["# compiled in the image: take one with nvcc and a C++ compiler as its base"] if plan.compiled else []
    before = [f"ENV {name}={value}" for name, value in variables(plan).items()]
    return [*note, *before, *(f"RUN {tool} {shlex.join(words)}" for words in lines)]


def _python_image(plan: Plan, machine: Machine) -> list[str]:
    return [
        _from(f"python:{plan.python}-slim", machine),
        *_gpu(plan),
        *_copies(plan),
        f"RUN python -m pip install --no-cache-dir \\\n    {_arguments(plan)}",
        *_later(plan, "python -m pip install --no-cache-dir"),
        'CMD ["python"]',
    ]


def _free_threaded(plan: Plan, machine: Machine) -> list[str]:
    """Python's own images have no free-threaded builds; uv fetches them."""
    arguments = " \\\n    ".join(shlex.quote(part) for part in (*pip_options(plan, "uv"), *together(plan)))
    return [
        _from(UV_IMAGE, machine),
        *_gpu(plan),
        *_copies(plan),
        f"RUN uv venv --python {plan.python} /opt/torch",
        f"RUN uv pip install --no-cache --python /opt/torch \\\n    {arguments}",
        *_later(plan, "uv pip install --no-cache --python /opt/torch"),
        'ENV PATH="/opt/torch/bin:$PATH"',
        'CMD ["python"]',
    ]


def _conda(plan: Plan, order: CondaOrder, machine: Machine) -> list[str]:
    arguments = " ".join(shlex.quote(spec) for spec in order.specs)
    # The machine that builds an image has no GPU; without this the solver takes the CPU build.
    cuda = next((entry.split("=")[1] for entry in order.virtual_packages if entry.startswith("__cuda=")), None)
    clean = "\\\n    && micromamba clean --all --yes"
    return [
        _from("mambaorg/micromamba:latest", machine),
        *_gpu(plan),
        *([f"ENV CONDA_OVERRIDE_CUDA={cuda}"] if cuda else []),
        f"RUN micromamba install --yes --name base {channel_options(order)} \\\n    {arguments} {clean}",
        'CMD ["python"]',
    ]


def _container_on(machine: Machine) -> str:
    """What a Linux container on a machine with another system has, as ``--assume`` takes it.

    On Windows it runs inside WSL, with the card and the driver of Windows; on a Mac it has the processor alone.
    """
    if machine.os is Os.MACOS:
        return "os=linux,arch=aarch64" if machine.arch == "arm64" else "os=linux"
    cards = [f"gpu={gpu.name}" for gpu in machine.gpus[:1] if gpu.name and gpu.vendor is Vendor.NVIDIA]
    drivers = [f"driver={one.version}" for one in machine.drivers if one.vendor is Vendor.NVIDIA and one.version]
    return ",".join(("os=linux", "wsl=true", *cards, *drivers[:1])) if cards else "os=linux"
