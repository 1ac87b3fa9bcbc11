"""Addresses that cannot be printed whole: uv and pip receive them in variables, never in arguments.

Plans, steps, records and exports hold an address as it may be shown (`torchup.privacy.shown_address`). Where its query
or its path holds a token, that address leads nowhere; the whole one is looked up in the user's configuration when a
child is started, and every user of the machine can see a child's arguments, but not its variables.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from torchup.model import Secret
from torchup.privacy import remember_address, shown_address, without_secrets
from torchup.settings import load_settings
from torchup.sources.configured import read_configuration
from torchup.sources.urls import without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.host import Host
    from torchup.sources.pip_config import Setting
    from torchup.sources.urls import Address

# Option -> (variable of the same meaning, what stands between its values).
_OPTIONS: dict[str, tuple[str, str]] = {
    "--default-index": ("UV_DEFAULT_INDEX", " "),
    "--index": ("UV_INDEX", " "),
    "--index-url": ("PIP_INDEX_URL", " "),
    "--extra-index-url": ("PIP_EXTRA_INDEX_URL", " "),
}
_FIND_LINKS = {"uv": ("UV_FIND_LINKS", ","), "pip": ("PIP_FIND_LINKS", " ")}


def shown(address: Address) -> str:
    """An address of the user's configuration as it may be shown; what is secret in it is remembered."""
    remember_address(address)
    return without_secrets(shown_address(address))


def secret_addresses(host: Host) -> dict[str, Secret]:
    """Shown -> whole address (without its login, which a netrc carries) of those that differ in query or path."""
    found: dict[str, Secret] = {}
    for address in configured_addresses(host):
        whole = without_credentials(address)
        as_shown = shown(address)
        if as_shown != whole:
            found[as_shown] = Secret(whole)
    return found


def configured_addresses(host: Host) -> list[Secret]:
    """Every address of the network that the user configured, whole."""
    configuration = read_configuration(host)
    pip, uv = configuration.pip, configuration.uv
    settings: tuple[Setting | None, ...] = (
        pip.index_url, *pip.extra_index_urls, *pip.find_links, uv.default_index, *uv.indexes, *uv.find_links,
    )  # fmt: skip
    addresses = [setting.value for setting in settings if setting is not None]
    mirror = load_settings(host).text("mirror")
    return [address for address in (Secret(mirror or ""), *addresses) if "://" in address.reveal()]


def handed_over(argv: Sequence[str], addresses: Mapping[str, Secret]) -> tuple[tuple[str, ...], dict[str, str]]:
    """A command line without its secret addresses, and the variables that carry them.

    All values of an option move where one of them is secret: an option on the line hides its variable.
    """
    values = _values(argv)
    moved = {option for option, given in values.items() if any(_whole(value, addresses) != value for value in given)}
    if not moved:
        return tuple(argv), {}
    tool = "pip" if "pip" in argv[:5] and "uv" not in argv[0].rsplit("/", 1)[-1] else "uv"
    known = {**_OPTIONS, "--find-links": _FIND_LINKS[tool]}
    variables = {
        known[option][0]: known[option][1].join(_whole(value, addresses) for value in values[option])
        for option in moved
    }
    return _without(argv, moved), variables


def _whole(value: str, addresses: Mapping[str, Secret]) -> str:
    """The address behind a shown one; a mirror's ``{variant}`` was filled in before it was shown."""
    if value in addresses:
        return addresses[value].reveal()
    for as_shown, whole in addresses.items():
        start, mark, end = as_shown.partition("{variant}")
        if mark and value.startswith(start) and value.endswith(end):
            return whole.reveal().replace("{variant}", value[len(start) : len(value) - len(end)])
    return value


def _values(argv: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for option, value in itertools.pairwise(argv):
        if option in _OPTIONS or option == "--find-links":
            found.setdefault(option, []).append(value)
    return found


def _without(argv: Sequence[str], options: set[str]) -> tuple[str, ...]:
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word in options:
            next(words, None)
        else:
            kept.append(word)
    return tuple(kept)
