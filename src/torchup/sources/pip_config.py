"""pip's configuration, merged as pip merges it: files, command sections, PIP_* variables.

Rules (pip's documentation, "Configuration", and its own `pip config debug`): later files override earlier ones, key
by key: global, user, site, PIP_CONFIG_FILE. The user's files are left out while PIP_CONFIG_FILE names an existing
file; with ``PIP_CONFIG_FILE=os.devnull`` no file is read. Of the merged keys the command's section beats
``[global]``, and a variable beats both. Values are replaced, never added together. Empty values count as not set.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from torchup.documents import SIZE_LIMIT, DocumentError, read_ini, unreadable
from torchup.model import Notice, Secret, Value
from torchup.sources.urls import expand_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host

_TRUE = {"1", "true", "yes", "on", "y", "t"}
_DEVNULL = ("/dev/null", "nul")
_IGNORED_VARIABLES = ("version", "help")  # pip's own exceptions: PIP_VERSION is not an option
_SECTIONS = ("global", "install", "download")


class Setting(Value, frozen=True, kw_only=True):
    """One merged value, which may be an address with a login, and the file or variable that it comes from."""

    value: Secret
    origin: str


class PipConfig(Value, frozen=True, kw_only=True):
    """What pip would use. Paths have ``~`` expanded."""

    index_url: Setting | None = None
    extra_index_urls: tuple[Setting, ...] = ()
    find_links: tuple[Setting, ...] = ()
    constraints: tuple[Setting, ...] = ()  # paths or addresses of constraint files
    trusted_hosts: tuple[str, ...] = ()
    certificate: str | None = None
    client_certificate: str | None = None
    proxy: Secret | None = None
    no_index: bool = False
    timeout: float | None = None
    files: tuple[str, ...] = ()  # those that exist, in the order of merging
    notices: tuple[Notice, ...] = ()


def read_pip_config(host: Host, command: str = "install") -> PipConfig:
    """Read and merge everything that ``pip <command>`` on this machine would follow."""
    notices: list[Notice] = []
    merged: dict[tuple[str, str], Setting] = {}
    existing = []
    for path in config_files(host):
        text = host.read_text(path, SIZE_LIMIT + 1)
        if text is None:
            continue
        existing.append(path)
        merged |= _read_file(text, path, notices)
    options = _options(merged, command) | _variables(host)
    return _build(options, host.folders().home, tuple(existing), tuple(notices))


def config_files(host: Host) -> tuple[str, ...]:
    """Every file that pip would look for, first merged first; those that do not exist included."""
    variable = host.environ().get("PIP_CONFIG_FILE")
    if variable is not None and variable.lower() in _DEVNULL:
        return ()
    files = [*_global_files(host)]
    if not (variable and host.exists(variable)):
        files += _user_files(host)
    files += _site_files(host)
    if variable:
        files.append(variable)
    return tuple(dict.fromkeys(files))


def _global_files(host: Host) -> Iterator[str]:
    environ, system = host.environ(), host.platform().system
    if system == "Windows":
        yield f"{environ.get('PROGRAMDATA') or environ.get('ALLUSERSPROFILE') or 'C:/ProgramData'}/pip/pip.ini"
        return
    if system == "Darwin":
        yield "/Library/Application Support/pip/pip.conf"
        return
    for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield posixpath.join(folder, "pip/pip.conf")
    yield "/etc/pip.conf"


def _user_files(host: Host) -> Iterator[str]:
    environ, system, home = host.environ(), host.platform().system, host.folders().home
    if system == "Windows":
        yield f"{home}/pip/pip.ini"
        yield f"{environ.get('APPDATA') or home + '/AppData/Roaming'}/pip/pip.ini"
        return
    yield f"{home}/.pip/pip.conf"
    library = f"{home}/Library/Application Support/pip"
    if system == "Darwin" and host.is_dir(library):
        yield f"{library}/pip.conf"
        return
    folder = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    yield f"{folder}/pip/pip.conf"


def _site_files(host: Host) -> Iterator[str]:
    """The file of the environment that torchup runs in; an environment that torchup makes has none."""
    python = host.platform().python_executable.replace("\\", "/")
    if not python:
        return
    if host.platform().system == "Windows":
        folder = posixpath.dirname(python)
        yield f"{folder.removesuffix('/Scripts')}/pip.ini"
    else:
        yield f"{posixpath.dirname(posixpath.dirname(python))}/pip.conf"


def _read_file(text: str, path: str, notices: list[Notice]) -> dict[tuple[str, str], Setting]:
    try:
        options = read_ini(text)
    except DocumentError as error:
        notices.append(unreadable(path, error))
        return {}
    return {
        (section, _normalise(key)): Setting(value=Secret(value), origin=path)
        for (section, key), value in options.items()
    }


def _normalise(key: str) -> str:
    return key.lower().replace("_", "-").removeprefix("--")


def _options(merged: dict[tuple[str, str], Setting], command: str) -> dict[str, Setting]:
    options: dict[str, Setting] = {}
    for wanted in ("global", command):
        options |= {key: setting for (section, key), setting in merged.items() if section == wanted and setting.value}
    return options


def _variables(host: Host) -> dict[str, Setting]:
    return {
        _normalise(name[4:]): Setting(value=Secret(value), origin=name)
        for name, value in host.environ().items()
        if name.startswith("PIP_") and value and name[4:].lower() not in _IGNORED_VARIABLES
    }


def _build(options: dict[str, Setting], home: str, files: tuple[str, ...], notices: tuple[Notice, ...]) -> PipConfig:
    def one(key: str) -> str | None:
        return options[key].value.reveal().strip() if key in options else None

    def path(key: str) -> str | None:
        value = one(key)
        return None if value is None else expand_user(value, home)

    def many(key: str) -> tuple[Setting, ...]:
        setting = options.get(key)
        words = setting.value.reveal().split() if setting else ()
        return tuple(Setting(value=Secret(expand_user(word, home)), origin=setting.origin) for word in words if setting)

    index = one("index-url") or one("pypi-url")
    seconds = one("timeout") or one("default-timeout") or ""
    return PipConfig(
        index_url=Setting(
            value=Secret(index), origin=options["index-url" if "index-url" in options else "pypi-url"].origin
        )
        if index
        else None,
        extra_index_urls=many("extra-index-url"),
        find_links=many("find-links"),
        constraints=many("constraint"),
        trusted_hosts=tuple(setting.value.reveal() for setting in many("trusted-host")),
        certificate=path("cert"),
        client_certificate=path("client-cert"),
        proxy=Secret(proxy) if (proxy := one("proxy")) else None,
        no_index=(one("no-index") or "").lower() in _TRUE,
        timeout=float(seconds) if re.fullmatch(r"\d+(\.\d+)?", seconds) else None,
        files=files,
        notices=notices,
    )
