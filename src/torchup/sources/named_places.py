"""A place that packages come from: as it is shown, and as it is used; and the places of a mirror. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Secret, Source, Value
from torchup.privacy import remember_address, shown_address, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.sources.mirrors import Mirror
    from torchup.sources.urls import Address


class Place(Value, frozen=True, kw_only=True):
    """A source and the address that is really used for it, credentials and all."""

    source: Source
    address: Secret


def place_of(name: str, address: Address, *, kind: str = "index", origin: str | None = None, **more: object) -> Place:
    """A source by its name and real address; what is secret in the address is remembered."""
    remember_address(address)
    url = without_secrets(shown_address(address))
    source = Source(name=name, url=url, kind=kind, origin=origin, **more)  # type: ignore[arg-type]  # variant, general
    return Place(source=source, address=address if isinstance(address, Secret) else Secret(address))


def mirror_places(mirror: Mirror, variants: Sequence[str]) -> Iterator[Place]:
    """The places that a mirror has for some variants, and its copy of PyPI."""
    name = f"mirror:{mirror.name}"
    if mirror.pytorch is not None:
        kind = "find-links" if mirror.pytorch.kind == "flat" else "index"
        if "{variant}" in mirror.pytorch.url:
            for variant in variants:
                address = mirror.pytorch.url.replace("{variant}", variant)
                yield place_of(f"{name}:{variant}", address, kind=kind, variant=variant)
        elif mirror.pypi is None:
            yield place_of(
                name, mirror.pytorch.url, kind=kind, variant=mirror.pytorch.url.rstrip("/").rpartition("/")[2]
            )
    if mirror.pypi is not None:
        yield place_of(name, mirror.pypi.url, general=True)
