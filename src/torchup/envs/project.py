"""`torchup.toml`: a project names its environment, so that its commands need no name."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from torchup.envs.paths import join, split
from torchup.envs.registry import DEFAULT_NAME, check_name
from torchup.errors import UsageError
from torchup.model import Value, message

if TYPE_CHECKING:
    from torchup.host import Host

FILE_NAME = "torchup.toml"
VARIABLE = "TORCHUP_ENV"


class Project(Value, frozen=True, kw_only=True):
    """What a project's file says about environments; other keys are other rooms'."""

    file: str
    environment: str | None = None
    path: str | None = None  # absolute; where `up` puts that environment


def find_project(host: Host) -> Project | None:
    """The nearest ``torchup.toml``, from the current folder upwards; raises `UsageError` where it is not right."""
    folder = host.cwd()
    while True:
        file = join(folder, FILE_NAME)
        content = host.read_text(file)
        if content is not None:
            return parse_project(content, file)
        parent, _ = split(folder)
        if parent == folder:
            return None
        folder = parent


def parse_project(content: str, file: str) -> Project:
    """Read the file's text. ``path`` is relative to the file."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(message("project.toml", "{file} is not TOML: {error}", file=file, error=error)) from error
    name, path = _text(data, "environment", file), _text(data, "path", file)
    if name is not None:
        check_name(name)
    return Project(file=file, environment=name, path=join(split(file)[0], path) if path else None)


def environment_name(host: Host, asked: str | None) -> str:
    """The environment to work on: asked for, TORCHUP_ENV, the project's, ``default``."""
    if asked:
        return check_name(asked)
    if named := host.environ().get(VARIABLE):
        return check_name(named)
    project = find_project(host)
    return (project.environment if project else None) or DEFAULT_NAME


def _text(data: dict[str, Any], key: str, file: str) -> str | None:
    value = data.get(key)
    if value is None or isinstance(value, str):
        return value
    raise UsageError(message("project.not-text", "`{key}` in {file} must be a text", key=key, file=file))
