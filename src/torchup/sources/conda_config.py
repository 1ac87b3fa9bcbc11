"""Conda's configuration: where it fetches conda-forge from, certificates, proxies.

Files as conda's documentation lists them ("Using the .condarc conda configuration file", search path), the nearest to
the user first; mamba's ``mirrored_channels`` and pixi's ``[mirrors]`` say the same in their own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.documents import SIZE_LIMIT, DocumentError, read_toml, read_yaml, unreadable
from torchup.model import Notice, Secret, Value
from torchup.privacy import shown_address
from torchup.sources.pip_config import Setting
from torchup.sources.urls import authorization, expand_user, host_of, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host

CHANNEL = "conda-forge"
DEFAULT_ALIAS = "https://conda.anaconda.org"
ADDRESSES = "TORCHUP_CONDA_ADDRESSES"  # shown -> whole address, where a token stands in it
HEADERS = "TORCHUP_CONDA_HEADERS"  # read by install.rattler_runner


class CondaConfig(Value, frozen=True, kw_only=True):
    """What conda, mamba or pixi would do."""

    served: tuple[Setting, ...] = ()  # addresses of conda-forge, first one first; empty: its own
    certificate: str | None = None
    proxy: Secret | None = None
    files: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def read_conda_config(host: Host) -> CondaConfig:
    """Read and merge everything that conda, mamba and pixi would follow for conda-forge."""
    notices: list[Notice] = []
    found = [(path, data) for path in condarc_files(host) if (data := _yaml(host, path, notices)) is not None]
    mirrored = [_mirrored(path, data) for path, data in found]
    custom = [_custom(path, data) for path, data in found]
    alias = [_alias(path, data) for path, data in found]
    pixi = [_pixi(path, data) for path in pixi_files(host) if (data := _toml(host, path, notices)) is not None]
    environ = host.environ()
    if environ.get("CONDA_CHANNEL_ALIAS"):
        alias.insert(0, _below(environ["CONDA_CHANNEL_ALIAS"], "CONDA_CHANNEL_ALIAS"))
    verify = [environ.get("CONDA_SSL_VERIFY"), *(data.get("ssl_verify") for _, data in found)]
    certificate = next((v for v in verify if isinstance(v, str) and ("/" in v or "\\" in v)), None)
    return CondaConfig(
        served=next(filter(None, (*mirrored, *custom, *alias, *pixi)), ()),
        certificate=expand_user(certificate, host.folders().home) if certificate else None,
        proxy=next(filter(None, (_proxy(data) for _, data in found)), None),
        files=tuple(path for path, _ in found),
        notices=tuple(notices),
    )


def condarc_files(host: Host) -> tuple[str, ...]:
    """Where conda looks for ``.condarc``, strongest first."""
    environ, home = host.environ(), host.folders().home
    windows = host.platform().system == "Windows"
    prefixes = (environ.get("CONDA_PREFIX"), environ.get("CONDA_ROOT"), environ.get("MAMBA_ROOT_PREFIX"))
    active, *roots = (f"{prefix}/.condarc" if prefix else None for prefix in prefixes)
    own = (f"{home}/.condarc", f"{home}/.conda/.condarc", f"{_config_folder(host)}/conda/.condarc")
    system = ("C:/ProgramData/conda/.condarc",) if windows else ("/etc/conda/.condarc", "/etc/conda/condarc")
    return tuple(dict.fromkeys(filter(None, (environ.get("CONDARC"), active, *own, *roots, *system))))


def pixi_files(host: Host) -> tuple[str, ...]:
    """Where pixi looks for ``config.toml``, strongest first."""
    own = host.environ().get("PIXI_HOME") or f"{host.folders().home}/.pixi"
    return (f"{own}/config.toml", f"{_config_folder(host)}/pixi/config.toml", "/etc/pixi/config.toml")


def _config_folder(host: Host) -> str:
    return host.environ().get("XDG_CONFIG_HOME") or f"{host.folders().home}/.config"


def conda_environment(host: Host) -> dict[str, str | None]:
    """Variables for a child that fetches conda packages: certificate, proxy, and credentials by host.

    Plans and steps carry addresses without credentials, so these appear in no output, log or process list.
    """
    import json  # noqa: PLC0415  # only an installation needs it

    config = read_conda_config(host)
    headers = {host_of(s.value).rsplit(":", 1)[0]: authorization(s.value) for s in config.served}
    known = {name: value for name, value in headers.items() if value}
    overlay: dict[str, str | None] = {HEADERS: json.dumps(known)} if known else {}
    plain = [without_credentials(s.value).rstrip("/") for s in addresses(config)]
    whole = {shown: url for url in plain if (shown := shown_address(url)) != url}
    if whole:
        overlay[ADDRESSES] = json.dumps(whole)
    if config.certificate and not host.environ().get("SSL_CERT_FILE"):
        overlay["SSL_CERT_FILE"] = config.certificate
    if config.proxy and not host.environ().get("HTTPS_PROXY"):
        overlay |= {"HTTP_PROXY": config.proxy.reveal(), "HTTPS_PROXY": config.proxy.reveal()}
    return overlay


# ---------------------------------------------------------------- the files


def _yaml(host: Host, path: str, notices: list[Notice]) -> dict[str, Any] | None:
    text = host.read_text(path, SIZE_LIMIT + 1)
    if text is None:
        return None
    try:
        data = read_yaml(text)
    except DocumentError as error:
        notices.append(unreadable(path, error))
        return None
    return data if isinstance(data, dict) else {}


def _toml(host: Host, path: str, notices: list[Notice]) -> dict[str, Any] | None:
    text = host.read_text(path, SIZE_LIMIT + 1)
    if text is None:
        return None
    try:
        return read_toml(text)
    except DocumentError as error:
        notices.append(unreadable(path, error))
        return None


# ---------------------------------------------------------------- what they say of conda-forge


def _mirrored(path: str, data: dict[str, Any]) -> tuple[Setting, ...]:
    """Mamba: ``mirrored_channels: {conda-forge: [URL, ...]}``, whole addresses."""
    return _addresses(_table(data, "mirrored_channels").get(CHANNEL), path)


def _custom(path: str, data: dict[str, Any]) -> tuple[Setting, ...]:
    """``custom_channels: {conda-forge: BASE}``: the channel's name comes after it."""
    base = _table(data, "custom_channels").get(CHANNEL)
    return _below(base, path) if isinstance(base, str) else ()


def _alias(path: str, data: dict[str, Any]) -> tuple[Setting, ...]:
    """``channel_alias: BASE``, for every channel that is named and not spelt out."""
    base = data.get("channel_alias")
    return _below(base, path) if isinstance(base, str) else ()


def _pixi(path: str, data: dict[str, Any]) -> tuple[Setting, ...]:
    """Pixi: ``[mirrors]`` from an address, or the beginning of one, to others."""
    mirrors = _table(data, "mirrors")
    whole = _addresses(mirrors.get(f"{DEFAULT_ALIAS}/{CHANNEL}"), path)
    beginning = _addresses(mirrors.get(DEFAULT_ALIAS), path)
    return whole or tuple(setting for one in beginning for setting in _below(one.value.reveal(), path))


def _below(base: str, origin: str) -> tuple[Setting, ...]:
    address = base.rstrip("/")
    if not address.startswith(("http://", "https://", "file:")) or address == DEFAULT_ALIAS:
        return ()
    return (Setting(value=Secret(f"{address}/{CHANNEL}"), origin=origin),)


def _addresses(values: object, origin: str) -> tuple[Setting, ...]:
    found = values if isinstance(values, list) else [values]
    urls = (Secret(v.rstrip("/")) for v in found if isinstance(v, str) and "://" in v)
    return tuple(Setting(value=url, origin=origin) for url in urls)


def _proxy(data: dict[str, Any]) -> Secret | None:
    servers = _table(data, "proxy_servers")
    found = servers.get("https") or servers.get("http")
    return Secret(found) if found and isinstance(found, str) else None


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def addresses(config: CondaConfig) -> Iterator[Setting]:
    """Where conda-forge would be fetched from, but for its own address."""
    yield from (
        setting for setting in config.served if without_credentials(setting.value) != f"{DEFAULT_ALIAS}/{CHANNEL}"
    )
