"""Where the files of a lock can be had, and how this user's configuration reaches each place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torchup.fetch import Place
from torchup.install.arguments import usable
from torchup.model import Secret
from torchup.sources.configured import read_configuration
from torchup.sources.index_client import Connection, PageRequest, read_pages
from torchup.sources.netrc import read_netrc, with_login
from torchup.sources.private import configured_addresses, shown
from torchup.sources.urls import authorization, credentials, host_of, page_of, without_credentials

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.install.lockfile import LockedFile
    from torchup.model import Offer, Plan, Source
    from torchup.sources.configured import Configuration
    from torchup.sources.urls import Login


@dataclass(frozen=True)
class Reach:
    """The user's configuration: certificates, proxy, logins."""

    host: Host

    @cached_property
    def configuration(self) -> Configuration:
        """Of pip and uv."""
        return read_configuration(self.host)

    @cached_property
    def connection(self) -> Connection:
        """How pages are asked for."""
        found = self.configuration
        return Connection(certificate=found.certificate, proxy=found.pip.proxy, trusted_hosts=found.trusted_hosts)

    @cached_property
    def addresses(self) -> dict[str, Secret]:
        """Address as it is shown -> the whole one, with its login."""
        return {shown(address): with_login(address, self._netrc) for address in configured_addresses(self.host)}

    def with_login(self, url: str) -> Secret:
        """An address with the login that the configuration has for its host."""
        known = {host_of(one): found for one in self.addresses.values() if (found := credentials(one))}
        login = known.get(host_of(url))
        return with_login(Secret(url), {host_of(url).rsplit(":", 1)[0]: login} if login else self._netrc)

    @cached_property
    def _netrc(self) -> dict[str, Login]:
        return read_netrc(self.host)

    @cached_property
    def _logins(self) -> dict[str, Secret]:
        """Host -> header, from the addresses of the configuration that hold a login."""
        found: dict[str, Secret] = {}
        for address in self.addresses.values():
            if header := authorization(address):
                found.setdefault(host_of(address), Secret(header["Authorization"]))
        return found

    def place(self, url: str, name: str | None = None) -> Place:
        """An address as a place; it is called by its host unless it has a better name."""
        host = host_of(url)
        own = authorization(url) or (authorization(self.with_login(url)) if host not in self._logins else {})
        return Place(
            name=name or host,
            url=without_credentials(url),
            authorization=Secret.of(own.get("Authorization")) or self._logins.get(host),
            certificate=self.configuration.certificate,
            client_certificate=self.configuration.pip.client_certificate,
            proxy=self.configuration.pip.proxy,
            verify=not self.connection.trusts(url),
        )


def elsewhere(reach: Reach, plan: Plan, file: LockedFile) -> tuple[Place, ...]:
    """The other sources of a plan that have the same file: by its hash, or by its size where a page tells no hash.

    Asks their pages, which takes a few seconds; the hash of what comes is proved in any case.
    """
    pages = [_page(reach, source, file.package) for source in usable(plan.sources) if "://" in source.url]
    found: dict[str, Place] = {}
    for listing in read_pages(reach.host, pages, reach.connection):
        for offer in listing.offers:
            if same_file(offer, file) and offer.url.startswith(("http://", "https://")):
                found.setdefault(offer.url, reach.place(offer.url, offer.source))
    found.pop(without_credentials(file.url or "").partition("#")[0], None)
    return tuple(found.values())


def same_file(offer: Offer, file: LockedFile) -> bool:
    """Whether a listing's file has the same bytes, as far as the listing tells."""
    if offer.filename != file.name or not file.sha256:
        return False
    if offer.sha256 is not None:
        return offer.sha256.lower() == file.sha256
    return offer.size_bytes is None or file.size is None or offer.size_bytes == file.size


def _page(reach: Reach, source: Source, package: str) -> PageRequest:
    address = reach.addresses.get(source.url) or Secret(source.url)
    return PageRequest(source=source.name, url=page_of(address, package) if source.kind == "index" else address)
