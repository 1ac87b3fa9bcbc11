"""Files of pip and uv: requirements.txt and pyproject.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Os
from torchup.patterns import lazy_pattern
from torchup.plan.exports.common import (
    array,
    for_pip,
    header,
    later_notes,
    pip_option_lines,
    places,
    plain_python,
    quoted,
    together,
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
    notes += later_notes(plan)
    return header(plan, machine) + "\n".join([*notes, *pip_option_lines(plan), *together(plan)]) + "\n"


def pyproject(plan: Plan, machine: Machine) -> str:
    """pyproject.toml for ``uv lock`` and ``uv sync``: torch and its companions are tied to their index."""
    for_pip(plan, "pyproject")
    parts = [
        header(plan, machine),
        "[project]",
        'name = "torch-environment"',
        'version = "0.1.0"',
        f'requires-python = "=={plain_python(plan)}.*"',
        f"dependencies = {array((*plan.requirements, *(wheel.requirement for wheel in plan.compiled)))}",
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
    if plan.overrides:
        lines.append(f"override-dependencies = {array(plan.overrides)}")
    return [*lines, *_uv_compiled(plan)]


def _uv_compiled(plan: Plan) -> list[str]:
    """What uv compiles against the very torch that it installs."""
    lines = ["", "[tool.uv.extra-build-dependencies]"] if plan.compiled else []
    for wheel in plan.compiled:
        tools = ", ".join(quoted(name) for name in wheel.build_requires)
        lines.append(f'{wheel.package} = [{{ requirement = "torch", match-runtime = true }}, {tools}]')
    variables = [wheel for wheel in plan.compiled if wheel.environment]
    lines += ["", "[tool.uv.extra-build-variables]"] if variables else []
    for wheel in variables:
        pairs = ", ".join(f"{name} = {quoted(value)}" for name, value in wheel.environment.items())
        lines.append(f"{wheel.package} = {{ {pairs} }}")
    return lines


def _machine_name(machine: Machine) -> str:
    arch = "x86_64" if machine.arch.lower() in {"amd64", "x64"} else machine.arch
    return _MACHINES.get((machine.os.value, arch), arch)


def _uv_indexes(plan: Plan) -> list[str]:
    found, torch = places(plan), torch_source(plan)
    lines: list[str] = []
    names: dict[str, str] = {}
    for position, url in enumerate(found.extra_index_urls, 1):
        is_torch = torch is not None and torch.url == url
        names[url] = "torch" if is_torch else f"extra-{position}"
        lines += ["", "[[tool.uv.index]]", f'name = "{names[url]}"', f"url = {quoted(url)}"]
    if found.index_url and not found.default:
        lines += ["", "[[tool.uv.index]]", 'name = "main"', f"url = {quoted(found.index_url)}", "default = true"]
    for wheel in plan.wheels:
        if wheel.index and wheel.index not in names:
            names[wheel.index] = wheel.package
            lines += ["", "[[tool.uv.index]]", f"name = {quoted(wheel.package)}", f"url = {quoted(wheel.index)}"]
            lines.append("explicit = true")
    tied = {**_tied(plan, names), **{wheel.package: names[wheel.index] for wheel in plan.wheels if wheel.index}}
    sources = [f'{package} = {{ index = "{name}" }}' for package, name in tied.items()]
    return [*lines, *(["", "[tool.uv.sources]", *sources] if tied else [])]


def _tied(plan: Plan, names: dict[str, str]) -> dict[str, str]:
    """Torch and its companions, whose index is not the main one; a range is for PyPI's wheel, wherever it lies."""
    if "torch" not in names.values():
        return {}
    pinned = [line for line in plan.packages if "==" in line]
    return {match[0]: "torch" for line in pinned if (match := _NAME.match(line)) and match[0] in TORCH_FAMILY}
