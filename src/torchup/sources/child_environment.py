"""What uv and pip need from the user's configuration that must not stand on a command line: passwords, certificates."""

from __future__ import annotations

import contextlib
import posixpath
import secrets
from typing import TYPE_CHECKING

from torchup.model import Secret
from torchup.settings import load_settings
from torchup.sources.configured import read_configuration
from torchup.sources.netrc import read_netrc
from torchup.sources.urls import credentials, host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchup.host import Host
    from torchup.sources.configured import Configuration
    from torchup.sources.urls import Login

_WHITE_SPACE = (" ", "\t", "\n", "\r")  # netrc separates by white space and has no escape
_PREFIX = "netrc-"


@contextlib.contextmanager
def child_environment(host: Host, addresses: Iterable[str] = ()) -> Iterator[dict[str, str | None]]:
    """Variables to lay over the environment of a ``uv`` or ``pip`` child while it runs.

    Certificates, proxies and trusted hosts as the configuration names them, since both tools ignore their own
    configuration; and NETRC: a file, readable by this user alone and removed at the end, with the
    credentials that the addresses of the configuration hold, those of TORCHUP_MIRROR and torchup.toml included. Plans
    and steps carry the addresses without them, so they appear in no output, log or process list. Of a netrc of the
    user's own only the entries of these hosts and of those in ``addresses`` are copied.

    Raises:
        OSError: the file cannot be written.
    """
    configuration = read_configuration(host)
    overlay: dict[str, str | None] = {**_network(configuration)}
    entries = _netrc_entries(host, _addresses(configuration, load_settings(host).text("mirror")), addresses)
    if not entries:
        yield overlay
        return
    path = posixpath.join(host.folders().cache, f"{_PREFIX}{secrets.token_hex(8)}")
    with host.lock(f"{path}.lock"):
        host.write_text(path, "\n".join(entries) + "\n", private=True)
        try:
            yield overlay | {"NETRC": path}
        finally:
            with contextlib.suppress(OSError):
                host.remove(path)
    with contextlib.suppress(OSError):
        host.remove(f"{path}.lock")


def sweep(host: Host) -> None:
    """Remove what killed runs left: a file of logins whose lock is free."""
    cache = host.folders().cache
    for name in host.list_dir(cache) or ():
        if not name.startswith(_PREFIX) or name.endswith(".lock"):
            continue
        path = posixpath.join(cache, name)
        with contextlib.suppress(OSError, TimeoutError):
            with host.lock(f"{path}.lock"):
                host.remove(path)
            host.remove(f"{path}.lock")


def _network(configuration: Configuration) -> dict[str, str]:
    pip = configuration.pip
    overlay: dict[str, str] = {}
    if pip.certificate:
        overlay |= {"SSL_CERT_FILE": pip.certificate, "PIP_CERT": pip.certificate}
    if pip.client_certificate:
        overlay |= {"SSL_CLIENT_CERT": pip.client_certificate, "PIP_CLIENT_CERT": pip.client_certificate}
    if pip.proxy:
        overlay |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "PIP_PROXY"), pip.proxy.reveal())
    if configuration.trusted_hosts:
        hosts = " ".join(configuration.trusted_hosts)
        overlay |= {"UV_INSECURE_HOST": hosts, "PIP_TRUSTED_HOST": hosts}
    return overlay


def _addresses(configuration: Configuration, mirror: str | None) -> list[Secret]:
    pip, uv = configuration.pip, configuration.uv
    settings = (pip.index_url, *pip.extra_index_urls, *pip.find_links, uv.default_index, *uv.indexes, *uv.find_links)
    found = [setting.value for setting in settings if setting is not None]
    return [Secret(mirror), *found] if mirror and "://" in mirror else found


def _netrc_entries(host: Host, own: Sequence[Secret], more: Iterable[str]) -> tuple[str, ...]:
    """The lines of the file; none where no address of the configuration holds a login: the user's own then serves."""
    entries: dict[str, str] = {}
    for address in own:
        _add(entries, host_of(address), credentials(address))
    if not entries:
        return ()
    logins = read_netrc(host)
    for where in (*map(host_of, own), *map(host_of, more)):
        _add(entries, where, logins.get(_machine(where)))
    return tuple(entries.values())


def _add(entries: dict[str, str], where: str, login: Login | None) -> None:
    if login is None:
        return
    user, password, machine = login.user.reveal(), login.password.reveal(), _machine(where)
    if not any(space in part for part in (user, password) for space in _WHITE_SPACE):
        entries.setdefault(machine, f"machine {machine} login {user} password {password}")


def _machine(where: str) -> str:
    return where.rsplit(":", 1)[0]
