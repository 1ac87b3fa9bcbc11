"""The kinds of project files, and which one a file is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from torchup.documents import DocumentError, read_toml
from torchup.errors import UsageError
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Iterable

_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.txt")
_ENVIRONMENT = re.compile(r"environment[\w.-]*\.ya?ml")
NAMES = ("pixi.toml", "pyproject.toml")


class Kind(StrEnum):
    """What reads a file, and so how it is written."""

    UV = "uv"
    POETRY = "poetry"
    PDM = "pdm"
    PLAIN = "pyproject"  # no tool of these: uv reads it, and pip its requirements
    PIXI = "pixi"
    CONDA = "conda"
    REQUIREMENTS = "requirements"


def is_project_file(name: str) -> bool:
    """Whether a name is one of those that are looked for."""
    return name in NAMES or bool(_REQUIREMENTS.fullmatch(name) or _ENVIRONMENT.fullmatch(name))


def project_files(names: Iterable[str]) -> tuple[str, ...]:
    """The project files among the names of a folder, the ones that lead first."""
    found = [name for name in names if is_project_file(name)]
    return tuple(sorted(found, key=lambda name: (NAMES.index(name) if name in NAMES else len(NAMES), name)))


def kind_of(path: str, text: str) -> Kind:
    """What a file is.

    Raises:
        UsageError: it belongs to two tools at once, does not parse, or is none of the known files.
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    if _REQUIREMENTS.fullmatch(name) or name.endswith((".txt", ".in")):
        return Kind.REQUIREMENTS
    if name.endswith((".yml", ".yaml")):
        return Kind.CONDA
    if name == "pixi.toml":
        return Kind.PIXI
    if not name.endswith(".toml"):
        raise UsageError(
            message("project.kind", "torchup does not support {path} as a project file", path=path),
            hint=message("project.kind.hint", "use pyproject.toml, pixi.toml, environment.yml or requirements.txt"),
        )
    return _of_pyproject(path, text)


def _of_pyproject(path: str, text: str) -> Kind:
    try:
        tool = read_toml(text).get("tool")
    except DocumentError as error:
        raise UsageError(
            message("project.broken", "{path} cannot be read: {detail}", path=path, detail=error.text),
            hint=message("project.broken.hint", "correct the file first; torchup did not change it"),
        ) from error
    tables = set(tool) if isinstance(tool, dict) else set()
    found = [kind for kind in (Kind.UV, Kind.POETRY, Kind.PDM, Kind.PIXI) if kind.value in tables]
    if len(found) > 1:
        raise UsageError(
            message("project.two", "{path} has tables of several tools: {tools}", path=path, tools=", ".join(found)),
            hint=message(
                "project.two.hint", "choose one of these tools, for example with `--tool {tool}`", tool=found[0]
            ),
        )
    return found[0] if found else Kind.PLAIN
