"""uv's configuration: uv.toml of the project, the user and the system, and UV_* variables.

Rules (uv's documentation, "Configuration files"): the nearest ``uv.toml`` or ``[tool.uv]`` of a pyproject.toml, then
the user's, then the system's file; scalars of an earlier one win, lists are joined, the earlier first; ``[pip]`` beats
the top level; UV_* variables beat every file. ``UV_CONFIG_FILE`` replaces all files, ``UV_NO_CONFIG`` drops them.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from torchup.documents import SIZE_LIMIT, DocumentError, read_toml, unreadable
from torchup.model import Notice, Secret, Value
from torchup.sources.netrc import with_login
from torchup.sources.pip_config import Setting
from torchup.sources.urls import Login, expand_user, host_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchup.host import Host

_TRUE = {"1", "true", "yes", "on", "y", "t"}


class UvConfig(Value, frozen=True, kw_only=True):
    """What ``uv pip install`` would use."""

    default_index: Setting | None = None
    indexes: tuple[Setting, ...] = ()  # beside the default, first one first
    find_links: tuple[Setting, ...] = ()
    constraints: tuple[Setting, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    certificate: str | None = None
    no_index: bool = False
    files: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def read_uv_config(host: Host) -> UvConfig:
    """Read and merge everything that ``uv pip install`` in this folder would follow."""
    notices: list[Notice] = []
    environ = host.environ()
    tables = [table for path in config_files(host) if (table := _read_file(host, path, notices)) is not None]
    merged = UvConfig(files=tuple(path for path, _ in tables), notices=tuple(notices))
    for layer in (_from_environment(environ), *(_from_table(path, table, environ) for path, table in tables)):
        merged = _beneath(merged, layer)
    home = host.folders().home
    found = tuple(
        Setting(value=setting.value.mapped(lambda path: expand_user(path, home)), origin=setting.origin)
        for setting in merged.find_links
    )
    return replace(merged, find_links=found)


def config_files(host: Host) -> tuple[str, ...]:
    """Every file that uv would look for, strongest first; those that do not exist included."""
    environ = host.environ()
    if environ.get("UV_CONFIG_FILE"):
        return (environ["UV_CONFIG_FILE"],)
    if environ.get("UV_NO_CONFIG", "").lower() in _TRUE:
        return ()
    return (*_project_file(host), *_user_and_system_files(host))


def _project_file(host: Host) -> Iterator[str]:
    folder = host.cwd().replace("\\", "/")
    while folder:
        for name in ("uv.toml", "pyproject.toml"):
            path = posixpath.join(folder, name)
            text = host.read_text(path, 1 << 20)
            if text is not None and (name == "uv.toml" or "[tool.uv" in text):
                yield path
                return
        parent = posixpath.dirname(folder)
        folder = "" if parent == folder else parent


def _user_and_system_files(host: Host) -> Iterator[str]:
    environ, home = host.environ(), host.folders().home
    if host.platform().system == "Windows":
        yield f"{environ.get('APPDATA') or home + '/AppData/Roaming'}/uv/uv.toml"
        yield f"{environ.get('PROGRAMDATA') or 'C:/ProgramData'}/uv/uv.toml"
        return
    yield posixpath.join(environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "uv/uv.toml")
    for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield posixpath.join(folder, "uv/uv.toml")
    yield "/etc/uv/uv.toml"


def _read_file(host: Host, path: str, notices: list[Notice]) -> tuple[str, dict[str, Any]] | None:
    text = host.read_text(path, SIZE_LIMIT + 1)
    if text is None:
        return None
    try:
        document = read_toml(text)
    except DocumentError as error:
        notices.append(unreadable(path, error))
        return None
    if posixpath.basename(path) == "pyproject.toml":
        document = _table(_table(document, "tool"), "uv")
    return path, document


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _from_table(path: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> UvConfig:
    values = {**table, **_table(table, "pip")}
    default, named = _indexes(values, path, environ)
    return UvConfig(
        default_index=default or next(iter(_settings(values.get("index-url"), path)), None),
        indexes=named + _settings(values.get("extra-index-url"), path),
        find_links=_settings(values.get("find-links"), path),
        trusted_hosts=tuple(s.value.reveal() for s in _settings(values.get("allow-insecure-host"), path)),
        no_index=values.get("no-index") is True,
    )


def _indexes(
    values: Mapping[str, Any], path: str, environ: Mapping[str, str]
) -> tuple[Setting | None, tuple[Setting, ...]]:
    """The ``[[index]]`` tables. Explicit ones serve only packages pinned to them, so they are left out here."""
    tables = [t for t in _list(values.get("index")) if isinstance(t, dict) and isinstance(t.get("url"), str)]
    usable = [t for t in tables if not t.get("explicit")]
    settings = [(t.get("default") is True, Setting(value=_with_variables(t, environ), origin=path)) for t in usable]
    return next((s for main, s in settings if main), None), tuple(s for main, s in settings if not main)


def _with_variables(table: Mapping[str, Any], environ: Mapping[str, str]) -> Secret:
    """An index's address with the credentials of UV_INDEX_<NAME>_USERNAME and _PASSWORD, if there are."""
    name = "".join(c if c.isalnum() else "_" for c in str(table.get("name", ""))).upper()
    user = environ.get(f"UV_INDEX_{name}_USERNAME")
    address = Secret(table["url"])
    if not user:
        return address
    login = Login(user=Secret(user), password=Secret(environ.get(f"UV_INDEX_{name}_PASSWORD", "")))
    return with_login(address, {host_of(address).rsplit(":", 1)[0]: login})


def _from_environment(environ: Mapping[str, str]) -> UvConfig:
    def words(name: str, separator: str | None = None) -> tuple[Setting, ...]:
        parts = (part.strip() for part in environ.get(name, "").split(separator))
        return tuple(Setting(value=Secret(part), origin=name) for part in parts if part)

    default = words("UV_DEFAULT_INDEX") or words("UV_INDEX_URL")
    return UvConfig(
        default_index=_unnamed(default[0]) if default else None,
        indexes=tuple(_unnamed(setting) for setting in words("UV_INDEX")) + words("UV_EXTRA_INDEX_URL"),
        find_links=words("UV_FIND_LINKS", ","),
        constraints=words("UV_CONSTRAINT"),
        trusted_hosts=tuple(setting.value.reveal() for setting in words("UV_INSECURE_HOST")),
        certificate=environ.get("SSL_CERT_FILE") or None,
        no_index=environ.get("UV_NO_INDEX", "").lower() in _TRUE,
    )


def _unnamed(setting: Setting) -> Setting:
    """``name=https://...`` without the name."""
    name, equals, url = setting.value.reveal().partition("=")
    return Setting(value=Secret(url), origin=setting.origin) if equals and "/" not in name else setting


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _settings(value: object, origin: str) -> tuple[Setting, ...]:
    values = [value] if isinstance(value, str) else _list(value)
    return tuple(Setting(value=Secret(item), origin=origin) for item in values if isinstance(item, str))


def _beneath(strong: UvConfig, weak: UvConfig) -> UvConfig:
    return replace(
        strong,
        default_index=strong.default_index or weak.default_index,
        indexes=strong.indexes + weak.indexes,
        find_links=strong.find_links + weak.find_links,
        constraints=strong.constraints + weak.constraints,
        trusted_hosts=strong.trusted_hosts + weak.trusted_hosts,
        certificate=strong.certificate or weak.certificate,
        no_index=strong.no_index or weak.no_index,
    )
