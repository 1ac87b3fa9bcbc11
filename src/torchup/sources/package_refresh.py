"""Releases of packages around torch that the tables do not have yet, read from PyPI's pages.

Only that there is a newer release is learned: which torch it is for stays unknown until somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.model import Value
from torchup.sources.index_client import PageRequest, read_pages
from torchup.sources.urls import page_of

if TYPE_CHECKING:
    from torchup.catalog.packages import Packages
    from torchup.host import Host
    from torchup.sources.index_client import Connection, Listing


class NewerPackage(Value, frozen=True, kw_only=True):
    """A package of the tables with a newer release."""

    package: str
    known: str
    found: str


class PackageRefresh(Value, frozen=True, kw_only=True):
    """What was learned. ``untold``: their pages did not answer or hold no wheel; nothing can be said of them."""

    newer: tuple[NewerPackage, ...] = ()
    current: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


def refresh_packages(host: Host, tables: Packages, index: str, connection: Connection) -> PackageRefresh:
    """Ask an index for every package whose newest release there is in the tables.

    Args:
        host: reaches the network.
        tables: what is known.
        index: PyPI's simple index, or a mirror of it.
        connection: certificate and proxy of the user's configuration.
    """
    known = {one.name: one.version for one in tables.packages if one.version and one.pypi == "wheel"}
    requests = [PageRequest(source=name, url=page_of(index, name)) for name in known]
    found = {listing.request.source: newest(listing) for listing in read_pages(host, requests, connection)}
    newer = tuple(
        NewerPackage(package=name, known=version, found=there)
        for name, version in known.items()
        if (there := found.get(name)) is not None and version_key(there) > version_key(version)
    )
    names = {one.package for one in newer}
    untold = tuple(name for name in known if found.get(name) is None)
    current = tuple(name for name in known if name not in names and name not in untold)
    return PackageRefresh(newer=newer, current=current, untold=untold)


def newest(listing: Listing) -> str | None:
    """The newest release with a wheel on a page; pre-releases and withdrawn files do not count."""
    offers = [offer for offer in listing.offers if not offer.yanked]
    versions = [offer.version for offer in offers if offer.version.replace(".", "").isdigit()]
    return max(versions, key=version_key, default=None)
