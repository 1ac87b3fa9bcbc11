"""The mirror asked for, told and not contacted: for a plan of a machine that is elsewhere. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import InstallerName, Survey
from torchup.privacy import remember_address, shown_address, without_secrets
from torchup.sources.mirrors import about_mirror, find_mirror, is_official, load_mirrors
from torchup.sources.named_places import mirror_places
from torchup.sources.urls import is_address
from torchup.sources.variants import known_variants, worth_asking

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Request, Secret


def mirror_told(machine: Machine, request: Request, catalog: Catalog) -> Survey:
    """The places of ``request.mirror``, none of them asked; empty without one. Raises `UsageError` for no mirror."""
    if not request.mirror or is_official(request.mirror):
        return Survey()
    if request.installer is InstallerName.CONDA:
        return Survey(conda_mirrors=_conda(request.mirror))
    mirror = find_mirror(request.mirror)
    places = mirror_places(mirror, worth_asking(known_variants(catalog, machine), machine, request))
    sources = tuple(place.source for place in places)
    return Survey(sources=sources, notices=about_mirror(request, sources))


def _conda(asked: Secret) -> dict[str, tuple[str, ...]]:
    """Canonical conda-forge -> where the mirror has it; nothing where it has no copy."""
    if is_address(asked):
        remember_address(asked)
        url = without_secrets(shown_address(asked)).rstrip("/")
    else:
        part = find_mirror(asked).conda
        url = f"{part.url.rstrip('/')}/conda-forge" if part else ""
    return {load_mirrors().official.conda_forge: (url,)} if url else {}
