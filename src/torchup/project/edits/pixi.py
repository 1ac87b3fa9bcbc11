"""pixi.toml, and pixi's tables in pyproject.toml: packages of PyPI with their index, or conda's, for each platform."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torchup.errors import UsageError
from torchup.model import message
from torchup.plan.exports.environments import pixi_spec
from torchup.project.edits.conda import CHOOSING, conda_name
from torchup.project.edits.toml import inline, made_table, parse, plain, spaced, table, value_of, written
from torchup.project.labels import same_url
from torchup.project.lines import is_managed
from torchup.project.wanted import FAMILY, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.project.labels import Labels

SUBDIRS = {
    "linux_x86_64": "linux-64", "linux_aarch64": "linux-aarch64", "windows_x86_64": "win-64",
    "windows_arm64": "win-arm64", "macos_arm64": "osx-arm64", "macos_x86_64": "osx-64",
}  # fmt: skip
_PYPI = "pypi-dependencies"


def prefix_of(path: str) -> tuple[str, ...]:
    """Where pixi's tables stand in a file."""
    return ("tool", "pixi") if path.endswith("pyproject.toml") else ()


def uses_conda(path: str, text: str) -> bool:
    """Whether torch is, or is to be, conda's: where no table of PyPI's packages has it."""
    document = parse(path, text)
    root = table(document, *prefix_of(path)) or {}
    tables = _every(root, _PYPI)
    if any(is_managed(canonicalize_name(name)) for found in tables for name in found):
        return False
    conda = any(name in CHOOSING for found in _every(root, "dependencies") for name in found)
    return conda or not tables


def _every(root: Any, name: str) -> list[Any]:
    """A kind of table everywhere: for all, for one platform, for one feature."""
    found = [table(root, name)]
    for group in ("target", "feature"):
        for inner in (table(root, group) or {}).values():
            if isinstance(inner, dict):
                found += [table(inner, name), *(table(t, name) for t in (table(inner, "target") or {}).values())]
    return [one for one in found if one is not None]


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:  # noqa: ARG001  # every editor has it
    """The text of the manifest with the planned builds.

    Raises:
        UsageError: it does not parse, or is not a workspace.
    """
    document = parse(path, text)
    root = table(document, *prefix_of(path)) if prefix_of(path) else document
    workspace = (table(root, "workspace") or table(root, "project")) if root is not None else None
    if root is None or workspace is None:
        name = "tool.pixi.workspace" if path.endswith("pyproject.toml") else "workspace"
        raise UsageError(
            message("project.pixi", "{path} has no [{table}] table", path=path, table=name),
            hint=message("project.pixi.hint", "add a [{table}] table with `channels` and `platforms`", table=name),
        )
    subdirs = _platforms(workspace, slots)
    conda = all(slot.plan.conda is not None for slot in slots)
    if any(slot.extra for slot in slots):
        _clear_base(root, slots, subdirs, conda=conda)
    for slot in slots:
        where_ = root if slot.extra is None else _feature(root, slot, subdirs)
        if conda:
            _conda(root, where_, slot, subdirs)
        else:
            _pypi(root, where_, slot, subdirs)
    return spaced(tomlkit.dumps(document), text)


def _platforms(workspace: Any, slots: Sequence[Slot]) -> list[str]:
    """The platforms of the workspace; those that are planned for and missing are added."""
    listed = workspace.get("platforms")
    if not isinstance(listed, list):
        return []
    there = [str(one.get("platform")) if isinstance(one, dict) else str(one) for one in listed]
    for slot in slots:
        own = SUBDIRS[_own(slot)]
        if own not in there:
            listed.append(own)
            there.append(own)
    return there


def _own(slot: Slot) -> str:
    """The platform of the slot's own machine."""
    from torchup.compat.target import platform_of  # noqa: PLC0415  # the machine knows it

    return platform_of(slot.machine) or ""


def _subdirs(slot: Slot, listed: Sequence[str]) -> list[str]:
    names = [SUBDIRS[platform] for platform in sorted(slot.platforms)]
    return [name for name in names if name in listed or name == SUBDIRS[_own(slot)]]


def _feature(root: Any, slot: Slot, listed: Sequence[str]) -> Any:
    """The feature of a slot, and the environment that is made of it."""
    name = str(slot.extra)
    feature = made_table(root, "feature", name)
    platforms = sorted({*(plain(feature.get("platforms")) or []), *_subdirs(slot, listed)})
    if plain(feature.get("platforms")) != platforms:
        feature["platforms"] = value_of(written(platforms))
    environments = made_table(root, "environments")
    if name not in environments:
        environments[name] = value_of(written([name]))
    return feature


def _clear_base(root: Any, slots: Sequence[Slot], listed: Sequence[str], *, conda: bool) -> None:
    """What a feature is to decide leaves the tables for all; the platforms without a feature keep it for themselves."""
    kind = "dependencies" if conda else _PYPI
    base = table(root, kind)
    crowded = {name for slot in slots if slot.extra for name in _subdirs(slot, listed)}
    for name in [name for name in base or {} if (name in CHOOSING if conda else is_managed(canonicalize_name(name)))]:
        for subdir in listed:
            target = table(root, "target", subdir, kind)
            if subdir not in crowded and name not in (target or {}):
                made_table(root, "target", subdir, kind)[name] = value_of(written(plain(base[name])))
        del base[name]


# ---------------------------------------------------------------- PyPI's packages


def _pypi(root: Any, where_: Any, slot: Slot, listed: Sequence[str]) -> None:
    used = {canonicalize_name(name) for found in _every(root, _PYPI) for name in found}
    names = [name for name in FAMILY if name in used] or [FAMILY[0]]
    for subdir in _subdirs(slot, listed):
        for name in (*names, *slot.needs):
            if name in slot.pins or name in slot.needs:
                _pypi_package(where_, name, slot, subdir)


def _pypi_package(where_: Any, name: str, slot: Slot, subdir: str) -> None:
    base, target = table(where_, _PYPI) or {}, table(where_, "target", subdir, _PYPI) or {}
    current = plain(target.get(name, base.get(name)))
    index = slot.index if name in slot.tied or name in slot.needs else None
    version = _version(current, name, slot)
    there = current.get("index") if isinstance(current, dict) else None
    same_index = there is None if index is None else there is not None and same_url(str(there), index)
    if current is not None and same_index and version == _version_of(current):
        return
    value = written(version) if index is None else inline({"version": version, "index": index})
    made_table(where_, "target", subdir, _PYPI)[name] = value_of(value)


def _version_of(current: Any) -> str | None:
    found = current.get("version") if isinstance(current, dict) else current
    return found if isinstance(found, str) else None


def _version(current: Any, name: str, slot: Slot) -> str:
    text = _version_of(current)
    if name in slot.needs:
        return text or "*"
    public = next(iter(SpecifierSet(slot.pins[name]))).version.partition("+")[0]
    if text is not None and "+" not in text:
        try:
            specifier = SpecifierSet("" if text == "*" else text)
        except InvalidSpecifier:
            specifier = None
        exact = specifier is not None and any(part.operator == "==" for part in specifier)
        if specifier is not None and (slot.fits_open or exact or name != FAMILY[0]) and specifier.contains(public):
            return text
    return f"=={public}"


# ---------------------------------------------------------------- conda's packages


def _conda(root: Any, where_: Any, slot: Slot, listed: Sequence[str]) -> None:
    order = slot.plan.conda
    if order is None:
        return
    used = {name for found in _every(root, "dependencies") for name in found}
    for spec in order.specs:
        name = conda_name(spec) or spec
        if name not in CHOOSING or (name in FAMILY and name not in used):
            continue
        value = tomllib.loads(pixi_spec(spec))[name]
        for subdir in _subdirs(slot, listed):
            base, target = table(where_, "dependencies") or {}, table(where_, "target", subdir, "dependencies") or {}
            if plain(target.get(name, base.get(name))) != value:
                made_table(where_, "target", subdir, "dependencies")[name] = value_of(written(value))
    cuda = next((found[1] for package in order.virtual_packages if (found := _CUDA.match(package))), None)
    needs = table(where_, "system-requirements") or {}
    if cuda is not None and "cuda" not in needs:
        made_table(where_, "system-requirements")["cuda"] = cuda


_CUDA = re.compile(r"__cuda=(\d+\.\d+)")
