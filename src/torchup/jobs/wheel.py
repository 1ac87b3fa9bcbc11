"""Which wheel of a package: ask the tables, and check addresses that no index listed before naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.packages import load_packages
from torchup.compat.packages import ask, close_names, match_one
from torchup.compat.packages.fits import CERTAIN
from torchup.errors import UsageError
from torchup.model import message
from torchup.plan.wanted import not_a_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.packages import Package, Packages
    from torchup.catalog.types import Catalog
    from torchup.compat.packages import Match, Wish
    from torchup.host import Host
    from torchup.model import Machine

TRIES = 8  # addresses that are asked for before giving up
TIMEOUT = 15.0


def named(names: Sequence[str], tables: Packages) -> tuple[Package, ...]:
    """The packages of these names.

    Raises:
        UsageError: the tables do not have one; the hint names those that are spelled alike.
    """
    return tuple(_named(name, tables) for name in names)


def _named(name: str, tables: Packages) -> Package:
    found = tables.get(name)
    if found is not None:
        return found
    close = close_names(name, tables)
    hint = (
        message("wheel.unknown.did-you-mean", "did you mean {names}?", names=", ".join(close))
        if close
        else message("wheel.unknown.hint", "run `torchup wheel` to list the known packages")
    )
    raise UsageError(message("wheel.unknown", "unknown package `{name}`", name=name), hint=hint)


def find_wheel(host: Host, package: Package, machine: Machine, wish: Wish, catalog: Catalog, *, look: bool) -> Match:
    """The wheel of a package for a machine; with ``look`` an address that no index listed is checked first.

    Raises:
        UsageError: the wish names a torch that does not exist.
    """
    tables = load_packages()
    for _ in range(TRIES):
        answer = _match(package, machine, wish, catalog, tables)
        if not look or answer.url is None or answer.evidence in CERTAIN or answer.url in wish.checked:
            return answer
        there = is_there(host, answer.url)
        if there is None:
            return answer
        wish = replace(wish, checked={**wish.checked, answer.url: there})
    return answer


def _match(package: Package, machine: Machine, wish: Wish, catalog: Catalog, tables: Packages) -> Match:
    """For this machine; one without a GPU is answered for any that has one, and the answer says so."""
    try:
        answer = match_one(package, ask(machine, wish, catalog, tables))
    except ValueError as error:
        raise not_a_version(wish.torch) from error
    if answer.found or machine.gpus or wish.variant:
        return answer
    other = match_one(package, ask(machine, replace(wish, any_gpu=True), catalog, tables))
    return replace(other, no_gpu=True) if other.found or other.nearest else answer


def is_there(host: Host, url: str) -> bool | None:
    """Whether an address answers; ``None``: could not be asked. One byte is asked for."""
    response = host.fetch(url, headers={"Range": "bytes=0-0"}, timeout=TIMEOUT, limit=1)
    if response.ok:
        return True
    return False if response.gone else None
