"""What uv and pip need from the user's configuration that must not stand on a command line: passwords, certificates."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from torchup.settings import load_settings
from torchup.sources.configured import read_configuration
from torchup.sources.netrc import netrc_path
from torchup.sources.urls import credentials, host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host
    from torchup.sources.configured import Configuration

_WHITE_SPACE = (" ", "\t", "\n", "\r")  # netrc separates by white space and has no escape


@contextlib.contextmanager
def child_environment(host: Host) -> Iterator[dict[str, str | None]]:
    """Variables to lay over the environment of a ``uv`` or ``pip`` child while it runs.

    Certificates, proxies and trusted hosts as the configuration names them, since both tools are told to read no
    configuration of their own; and NETRC: a file, readable by this user alone and removed at the end, with the
    credentials that the addresses of the configuration hold, those of TORCHUP_MIRROR and torchup.toml included. Plans
    and steps carry the addresses without them, so they appear in no output, log or process list. A netrc of the user's
    own is kept: its entries follow ours.

    Raises:
        OSError: the file cannot be written.
    """
    configuration = read_configuration(host)
    overlay: dict[str, str | None] = {**_network(configuration)}
    entries = _netrc_entries(configuration, load_settings(host).text("mirror"))
    if not entries:
        yield overlay
        return
    path = posixpath.join(host.folders().cache, f"netrc-{abs(hash(entries)):x}")
    own = host.read_text(netrc_path(host))
    host.write_text(path, "\n".join((*entries, own or "")) + "\n", private=True)
    try:
        yield overlay | {"NETRC": path}
    finally:
        with contextlib.suppress(OSError):
            host.remove(path)


def _network(configuration: Configuration) -> dict[str, str]:
    pip = configuration.pip
    overlay: dict[str, str] = {}
    if pip.certificate:
        overlay |= {"SSL_CERT_FILE": pip.certificate, "PIP_CERT": pip.certificate}
    if pip.client_certificate:
        overlay |= {"SSL_CLIENT_CERT": pip.client_certificate, "PIP_CLIENT_CERT": pip.client_certificate}
    if pip.proxy:
        overlay |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "PIP_PROXY"), pip.proxy)
    if configuration.trusted_hosts:
        hosts = " ".join(configuration.trusted_hosts)
        overlay |= {"UV_INSECURE_HOST": hosts, "PIP_TRUSTED_HOST": hosts}
    return overlay


def _netrc_entries(configuration: Configuration, mirror: str | None) -> tuple[str, ...]:
    pip, uv = configuration.pip, configuration.uv
    settings = (pip.index_url, *pip.extra_index_urls, *pip.find_links, uv.default_index, *uv.indexes, *uv.find_links)
    addresses = [setting.value for setting in settings if setting is not None]
    if mirror and "://" in mirror:
        addresses.insert(0, mirror)
    entries: dict[str, str] = {}
    for address in addresses:
        found = credentials(address)
        if found and not any(space in part for part in found for space in _WHITE_SPACE):
            machine = host_of(address).rsplit(":", 1)[0]
            entries.setdefault(machine, f"machine {machine} login {found[0]} password {found[1]}")
    return tuple(entries.values())
