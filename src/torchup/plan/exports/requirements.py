"""Files of pip and uv: requirements.txt and pyproject.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Os
from torchup.patterns import lazy_pattern
from torchup.plan.exports.common import (
    array,
    for_pip,
    header,
    pip_option_lines,
    places,
    plain_python,
    quoted,
    torch_source,
)

if TYPE_CHECKING:
    from torchup.model import Machine, Plan

TORCH_FAMILY = ("torch", "torchvision", "torchaudio")
_NAME = lazy_pattern(r"^[A-Za-z0-9._-]+")
_PLATFORMS = {Os.LINUX: "linux", Os.WINDOWS: "win32", Os.MACOS: "darwin"}
_MACHINES = {("windows", "x86_64"): "AMD64", ("windows", "arm64"): "ARM64", ("macos", "aarch64"): "arm64"}


def requirements(plan: Plan, machine: Machine) -> str:
    """requirements.txt, for ``pip install -r`` and ``uv pip install -r``."""
    for_pip(plan, "requirements")
    found = places(plan)
    notes = [f"# Python {plan.python}: pip install -r requirements.txt"]
    if found.extra_index_urls:
        notes.append("# with uv: uv pip install --index-strategy unsafe-best-match -r requirements.txt")
    notes += [f"# constraint of the planned machine: {line}" for line in plan.constraints]
    return header(plan, machine) + "\n".join([*notes, *pip_option_lines(plan), *plan.requirements]) + "\n"


def pyproject(plan: Plan, machine: Machine) -> str:
    """pyproject.toml for ``uv lock`` and ``uv sync``: torch and its companions are tied to their index."""
    for_pip(plan, "pyproject")
    parts = [
        header(plan, machine),
        "[project]",
        'name = "torch-environment"',
        'version = "0.1.0"',
        f'requires-python = "=={plain_python(plan)}.*"',
        f"dependencies = {array(plan.requirements)}",
        "",
        *_uv_table(plan, machine),
        *_uv_indexes(plan),
    ]
    return "\n".join(parts) + "\n"


def _uv_table(plan: Plan, machine: Machine) -> list[str]:
    found = places(plan)
    marker = f"sys_platform == '{_PLATFORMS[machine.os]}' and platform_machine == '{_machine_name(machine)}'"
    lines = ["[tool.uv]", "package = false", f"environments = [{quoted(marker)}]"]
    if found.index_url is None:
        lines.append("no-index = true")
    if found.extra_index_urls:
        lines.append('index-strategy = "unsafe-best-match"')  # as pip: the best version wherever it lies
    if found.find_links:
        lines.append(f"find-links = {array(found.find_links)}")
    if plan.constraints:
        lines.append(f"constraint-dependencies = {array(plan.constraints)}")
    return lines


def _machine_name(machine: Machine) -> str:
    arch = "x86_64" if machine.arch.lower() in {"amd64", "x64"} else machine.arch
    return _MACHINES.get((machine.os.value, arch), arch)


def _uv_indexes(plan: Plan) -> list[str]:
    found, torch = places(plan), torch_source(plan)
    lines: list[str] = []
    name = None
    for position, url in enumerate(found.extra_index_urls, 1):
        is_torch = torch is not None and torch.url == url
        label = "torch" if is_torch else f"extra-{position}"
        name = label if is_torch else name
        lines += ["", "[[tool.uv.index]]", f'name = "{label}"', f"url = {quoted(url)}"]
    if found.index_url and not found.default:
        lines += ["", "[[tool.uv.index]]", 'name = "main"', f"url = {quoted(found.index_url)}", "default = true"]
    if name:
        pinned = [line for line in plan.packages if "==" in line]  # a range is for PyPI's wheel, wherever that lies
        tied = [match[0] for line in pinned if (match := _NAME.match(line)) and match[0] in TORCH_FAMILY]
        lines += ["", "[tool.uv.sources]", *(f'{package} = {{ index = "{name}" }}' for package in tied)]
    return lines
