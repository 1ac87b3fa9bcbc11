"""Files of conda's world: environment.yml and pixi.toml. A plan for pip keeps pip's packages inside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from torchup.patterns import lazy_pattern
from torchup.plan.conda import CONDA_FORGE, subdir
from torchup.plan.exports.common import (
    array,
    conda_channels,
    header,
    later_notes,
    pip_option_lines,
    places,
    plain_python,
    quoted,
    together,
)

if TYPE_CHECKING:
    from torchup.model import Machine, PackageWheel, Plan

# name=version=build with conda's single "=" (version and everything below it), or name and a bound
_SPEC = lazy_pattern(
    r"(?P<name>[a-z0-9._-]+)(?:=(?P<fuzzy>[^=<>!~,]+)(?:=(?P<build>[^=]+))?|\s*(?P<bound>[=<>!~].*))?$", re.IGNORECASE
)


def environment_yml(plan: Plan, machine: Machine) -> str:
    """environment.yml, for ``conda env create -f`` (mamba and micromamba read it too)."""
    lines = [header(plan, machine).rstrip("\n"), *later_notes(plan), "name: torch", "channels:"]
    lines += [f"  - {quoted(_channel(url))}" for url in _channels(plan)]
    lines += ["  - nodefaults", "dependencies:"]
    if plan.conda is not None:
        lines += [f"  - {quoted(spec)}" for spec in plan.conda.specs]
        return "\n".join(lines) + "\n"
    lines += [f"  - {quoted('python=' + plain_python(plan))}"]
    lines += [f"  - {quoted('python-freethreading')}"] if plan.python.endswith("t") else []
    lines += [
        "  - pip",
        "  - pip:",
        *(f"      - {quoted(line)}" for line in (*pip_option_lines(plan), *together(plan))),
    ]
    return "\n".join(lines) + "\n"


def _channels(plan: Plan) -> tuple[str, ...]:
    return conda_channels(plan.conda) if plan.conda is not None else (CONDA_FORGE,)


def _channel(url: str) -> str:
    """conda-forge by its name, so that the reader's own mirror settings apply; others by address."""
    return "conda-forge" if url.rstrip("/") == CONDA_FORGE else url


def pixi(plan: Plan, machine: Machine) -> str:
    """pixi.toml, for ``pixi install``."""
    lines = [
        header(plan, machine),
        "[workspace]",
        'name = "torch"',
        f"channels = {array([_channel(url) for url in _channels(plan)])}",
        f"platforms = [{quoted(subdir(machine))}]",
    ]
    if plan.conda is not None:
        lines += _system_requirements(plan.conda.virtual_packages)
        lines += ["", "[dependencies]", *(pixi_spec(spec) for spec in plan.conda.specs)]
        return "\n".join(lines) + "\n"
    python = f'python = "{plain_python(plan)}.*"'
    lines += ["", "[dependencies]", python]
    lines += ['python-freethreading = "*"'] if plan.python.endswith("t") else []
    lines += ["", "[pypi-options]", *_pypi_options(plan), "", "[pypi-dependencies]"]
    lines += [_pypi_spec(line) for line in plan.packages]
    lines += [_pypi_wheel(wheel) for wheel in plan.wheels]
    return "\n".join(lines) + "\n"


def _system_requirements(virtual_packages: tuple[str, ...]) -> list[str]:
    """``__cuda=12.4=0`` as pixi asks for it: without this table it solves for a machine without a GPU."""
    found = dict(package.lstrip("_").split("=")[:2] for package in virtual_packages if package.count("=") > 1)
    lines = [f"cuda = {quoted('.'.join(found['cuda'].split('.')[:2]))}"] if "cuda" in found else []
    lines += [f'libc = {{ family = "glibc", version = {quoted(found["glibc"])} }}'] if "glibc" in found else []
    return ["", "[system-requirements]", *lines] if lines else []


def pixi_spec(spec: str) -> str:
    """A match spec (``python=3.12``, ``pytorch=2.13.0=cuda129*``, ``numpy>=2``) as a TOML entry."""
    match = _SPEC.match(spec)
    if match is None:
        return f'{quoted(spec)} = "*"'
    version = f"{match['fuzzy']}.*" if match["fuzzy"] else match["bound"] or "*"
    if match["build"]:
        return f"{quoted(match['name'])} = {{ version = {quoted(version)}, build = {quoted(match['build'])} }}"
    return f"{quoted(match['name'])} = {quoted(version)}"


def _pypi_options(plan: Plan) -> list[str]:
    found = places(plan)  # the public index is not named: who uses the file may have a private one in pixi's settings
    lines = [f"index-url = {quoted(found.index_url)}"] if found.index_url and not found.default else []
    if found.extra_index_urls:
        lines += [f"extra-index-urls = {array(found.extra_index_urls)}", 'index-strategy = "unsafe-best-match"']
    if plan.compiled:
        lines.append(f"no-build-isolation = {array([wheel.package for wheel in plan.compiled])}")
    if found.find_links:
        tables = ", ".join(
            f"{{ {'url' if '://' in place else 'path'} = {quoted(place)} }}" for place in found.find_links
        )
        lines.append(f"find-links = [{tables}]")
    return lines


def _pypi_wheel(wheel: PackageWheel) -> str:
    """A package that is bound to torch: its file by address, from its own index, or from git."""
    requirement = Requirement(wheel.requirement)
    address = wheel.url or requirement.url
    if address is None and wheel.index is None:
        return _pypi_spec(wheel.requirement)
    if address is not None:
        kind, place = ("git", address.removeprefix("git+")) if address.startswith("git+") else ("url", address)
        return f"{quoted(requirement.name)} = {{ {kind} = {quoted(place)} }}"
    version = quoted(str(requirement.specifier) or "*")
    return f"{quoted(requirement.name)} = {{ version = {version}, index = {quoted(wheel.index or '')} }}"


def _pypi_spec(line: str) -> str:
    requirement = Requirement(line)
    version = quoted(str(requirement.specifier) or "*")
    if requirement.extras:
        extras = ", ".join(quoted(extra) for extra in sorted(requirement.extras))
        return f"{quoted(requirement.name)} = {{ version = {version}, extras = [{extras}] }}"
    return f"{quoted(requirement.name)} = {version}"
