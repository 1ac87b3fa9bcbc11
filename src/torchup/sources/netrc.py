"""The user's netrc: logins by host, which pip and uv send to an index whose address holds none."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote

from torchup.model import Secret
from torchup.privacy import remember, remember_login
from torchup.sources.urls import Login, credentials, host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torchup.host import Host

_KEYS = ("login", "password", "account")


def netrc_path(host: Host) -> str:
    """NETRC, else ``.netrc`` in the home folder, on Windows ``_netrc``."""
    name = "_netrc" if host.platform().system == "Windows" else ".netrc"
    return host.environ().get("NETRC") or posixpath.join(host.folders().home, name)


def read_netrc(host: Host) -> dict[str, Login]:
    """Host name -> login; the entry ``default`` is left out, as it would give a password to anybody.

    No text shows any of them afterwards (`torchup.privacy`).
    """
    entries = _entries(host.read_text(netrc_path(host), 1 << 20) or "")
    for _, entry in entries:
        remember_login(entry.get("login", ""), entry.get("password", ""))
        remember(entry.get("account"))
    return _logins(entries)


def parse_netrc(text: str) -> dict[str, Login]:
    """Read ``machine NAME login USER password SECRET`` in any layout; macros and broken entries are skipped."""
    return _logins(_entries(text))


def _entries(text: str) -> list[tuple[str | None, dict[str, str]]]:
    """Host name (``None``: for all hosts) and what stands there, in order."""
    found: list[tuple[str | None, dict[str, str]]] = []
    words = iter([word for line in text.splitlines() for word in line.partition(" #")[0].split()])
    for word in words:
        if word == "machine":
            found.append((next(words, ""), {}))
        elif word in {"default", "macdef"}:
            found.append((None, {}))
        elif word in _KEYS and found:
            found[-1][1][word] = next(words, "").strip('"')
    return found


def _logins(entries: Iterable[tuple[str | None, dict[str, str]]]) -> dict[str, Login]:
    merged: dict[str, dict[str, str]] = {}
    for name, entry in entries:
        if name is not None:
            merged.setdefault(name, {}).update(entry)
    return {
        name: Login(user=Secret(one["login"]), password=Secret(one.get("password", "")))
        for name, one in merged.items()
        if one.get("login")
    }


def with_login(address: Secret, logins: Mapping[str, Login]) -> Secret:
    """An address with the credentials of its host, where it has none of its own."""
    login = logins.get(host_of(address).rsplit(":", 1)[0])
    scheme, separator, rest = address.reveal().partition("://")
    if login is None or not separator or credentials(address):
        return address
    user, password = (quote(part.reveal(), safe="") for part in (login.user, login.password))
    return Secret(f"{scheme}://{user}:{password}@{rest}")
