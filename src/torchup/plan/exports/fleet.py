"""What the exports for several machines share: a machine with its name and plan, and how a plan is installed."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from torchup.compat.target import variant_name
from torchup.errors import UsageError
from torchup.model import Machine, Os, Plan, Value, message
from torchup.plan.exports.common import later_commands, plain_python, together
from torchup.plan.exports.scripts import channel_options, pip_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


UV_IMAGE = "ghcr.io/astral-sh/uv:debian-slim"


class Planned(Value, frozen=True, kw_only=True):
    """One machine of several: the name it is reached by, what it is, and its plan."""

    name: str
    machine: Machine
    plan: Plan

    @property
    def label(self) -> str:
        """``2.14.1+cu126``."""
        return f"{self.plan.build.torch}+{variant_name(self.plan.build.variant, self.machine)}"

    @property
    def host(self) -> str:
        """The name as Kubernetes, Ansible and a workflow's label accept it (RFC 1123)."""
        return re.sub(r"[^a-z0-9-]+", "-", self.name.lower().removesuffix(".json")).strip("-")[:63] or "machine"


class LeftOut(Value, frozen=True, kw_only=True):
    """A machine that the file does not serve, and why."""

    name: str
    why: str


def by_label(fleet: Sequence[Planned]) -> dict[tuple[str, ...], list[Planned]]:
    """Machines that are installed alike: same Python, same requirements from the same places."""
    groups: dict[tuple[str, ...], list[Planned]] = {}
    for one in fleet:
        groups.setdefault((one.plan.python, *install_words(one)), []).append(one)
    return groups


def install_words(one: Planned) -> tuple[str, ...]:
    """Everything behind ``pip install``."""
    return (*pip_options(one.plan, "pip"), *together(one.plan))


def head(fleet: Iterable[Planned], left_out: Iterable[LeftOut], kind: str) -> list[str]:
    """Comment lines: what the file serves, and what it does not. No date and no user, so that it can be compared."""
    lines = [f"# written by `torchup plan --machine DIR --export {kind}`"]
    lines += [f"# {one.host}: torch {one.label}, Python {one.plan.python}" for one in fleet]
    return [*lines, *(f"# left out: {_line(gone.name)}: {_line(gone.why)}" for gone in left_out)]


def _line(text: str) -> str:
    """Text of a stranger inside a comment: one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def on_linux(fleet: Sequence[Planned], kind: str) -> tuple[list[Planned], list[LeftOut]]:
    """The machines that run Linux.

    Raises:
        UsageError: none does.
    """
    kept = [one for one in fleet if one.machine.os is Os.LINUX]
    if not kept:
        raise UsageError(
            message("export.linux", "`{kind}` is for Linux, but no planned machine runs Linux", kind=kind),
            hint=message("export.linux.hint", "add `--assume os=linux` to plan for a Linux machine"),
        )
    return kept, [LeftOut(name=o.name, why=o.machine.os.value) for o in fleet if o.machine.os is not Os.LINUX]


def check_program(plan: Plan) -> str:
    """A Python program that ends with 0 only where the planned torch is there and reaches what the plan promises."""
    pinned = next((line.partition("==")[2] for line in plan.packages if line.startswith("torch")), "")
    version = pinned if "+" in pinned else plan.build.torch
    said = "v" if "+" in pinned else 'v.split("+")[0]'
    lines = [f'import torch; v = torch.__version__; assert {said} == "{version}", v']
    device = _device(plan)
    if device:
        lines.append(f'assert torch.ones(2, device="{device}").sum().item() == 2')
    return "; ".join([*lines, "print(v)"])


def _device(plan: Plan) -> str | None:
    """The device that a plan promises, as torch names it."""
    if not plan.uses_gpu:
        return None
    if plan.build.variant.startswith(("cu", "rocm")):
        return "cuda"
    return "xpu" if plan.build.variant == "xpu" else "mps"


def in_one_step(one: Planned) -> LeftOut | None:
    """Why a machine is left out of a format that installs with one command; ``None``: it need not be."""
    if one.plan.conda is not None:
        return LeftOut(name=one.name, why="conda: use --installer uv")
    later = later_commands(one.plan, (), "--index-url")
    return LeftOut(name=one.name, why="packages after torch: use script-sh") if later else None


def in_container(one: Planned) -> tuple[str, tuple[tuple[str, ...], ...], str]:
    """(image, commands that install the plan in it, its Python). Python's own images have no free-threaded builds."""
    if one.plan.python.endswith("t"):
        uv = ("uv", "pip", "install", "--no-cache", "--python", "/opt/torch", *pip_options(one.plan, "uv"))
        venv = ("uv", "venv", "--python", one.plan.python, "/opt/torch")
        later_uv = later_commands(one.plan, uv[:6], "--default-index")
        return UV_IMAGE, (venv, (*uv, *together(one.plan)), *later_uv), "/opt/torch/bin/python"
    pip = ("python", "-m", "pip", "install", "--no-cache-dir", *install_words(one))
    later = later_commands(one.plan, pip[:5], "--index-url")
    return f"python:{plain_python(one.plan)}-slim", (pip, *later), "python"


def conda_command(plan: Plan) -> str | None:
    """The command of a conda plan behind ``micromamba create --yes --prefix DIR``, quoted for sh."""
    if plan.conda is None:
        return None
    return f"{channel_options(plan.conda)} {' '.join(shlex.quote(spec) for spec in plan.conda.specs)}"


def to_yaml(value: Any) -> str:
    """YAML as linters of Ansible and Kubernetes want it: sequences indented, keys in the order given."""
    import yaml  # noqa: PLC0415  # 20 ms that only these exports pay

    class Indented(yaml.SafeDumper):  # type: ignore[misc]  # the library has no types
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # the library's signature
            super().increase_indent(flow=flow, indentless=False)

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the same list twice is written twice
            return True

    def written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Indented.add_representer(str, written)
    return str(yaml.dump(value, Dumper=Indented, sort_keys=False, width=1000, allow_unicode=True))
