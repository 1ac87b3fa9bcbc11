"""Addresses: joining, credentials kept apart from what is shown, file addresses to paths."""

from __future__ import annotations

import base64
import posixpath
import re
from urllib.parse import unquote, urlsplit

from torchup.model import Secret, Value

Address = str | Secret  # a secret one comes from the user's configuration

_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")
_FILE_HOST = re.compile(r"^file:(//[^/]*)?", re.IGNORECASE)
_DRIVE = re.compile(r"/[A-Za-z]:/")


class Login(Value, frozen=True, kw_only=True):
    """Who asks. A token alone is a user with an empty password, so both are secret."""

    user: Secret
    password: Secret


def _text(address: Address) -> str:
    return address.reveal() if isinstance(address, Secret) else address


def without_credentials(url: Address) -> str:
    """The address without its user and password, as it is asked for; to show one, use `torchup.privacy`."""
    return _USER_INFO.sub("", _text(url), count=1)


def credentials(url: Address) -> Login | None:
    """The login in an address, decoded, or ``None``."""
    try:
        parts = urlsplit(_text(url))
        user, password = parts.username, parts.password
    except ValueError:
        return None
    return Login(user=Secret(unquote(user)), password=Secret(unquote(password or ""))) if user else None


def authorization(url: Address) -> dict[str, str]:
    """The header of a request that carries an address's credentials (RFC 7617), or nothing."""
    found = credentials(url)
    if found is None:
        return {}
    token = base64.b64encode(f"{found.user.reveal()}:{found.password.reveal()}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def host_of(url: Address) -> str:
    """``host:port`` of an address, lower case; empty for files and for anything that is not an address."""
    try:
        return urlsplit(without_credentials(url)).netloc.lower()
    except ValueError:
        return ""


def is_address(place: Address) -> bool:
    """Whether it is an address, not the name of something or a path."""
    return "://" in _text(place)


def page_url(index_url: str, package: str) -> str:
    """Address of one package's page in an index (PEP 503: normalised name, final slash); query parts are kept."""
    end = min((index_url.find(sign) for sign in "?#" if sign in index_url), default=len(index_url))
    return f"{index_url[:end].rstrip('/')}/{package}/{index_url[end:]}"


def page_of(index: Address, package: str) -> Secret:
    """`page_url` of an index whose address may hold a login."""
    return Secret(page_url(_text(index), package))


def local_path(address: Address) -> str | None:
    """The path that a ``file:`` address or a plain path names; ``None`` for addresses of the network."""
    address = _text(address)
    if not address.lower().startswith("file:"):
        return None if "://" in address else address
    path = unquote(_FILE_HOST.sub("", address.split("?", 1)[0].split("#", 1)[0], count=1))
    return path[1:] if _DRIVE.match(path) else path


def file_url(path: str) -> str:
    """A path as a ``file:`` address."""
    forward = path.replace("\\", "/")
    return "file://" + (forward if forward.startswith("/") else "/" + forward)


def expand_user(path: str, home: str) -> str:
    """``~`` and ``~/x`` as the shell reads them."""
    return home + path[1:] if path == "~" or path.startswith(("~/", "~\\")) else path


def file_name(url: str) -> str:
    """Last part of an address's path, decoded: the file that it names."""
    return unquote(posixpath.basename(url.split("#", 1)[0].split("?", 1)[0]))
