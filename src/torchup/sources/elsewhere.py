"""The mirror asked for on a command line, told and not contacted: for a plan of a machine that is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Survey
from torchup.sources.mirrors import is_official
from torchup.sources.surveyor import refuse_logins
from torchup.sources.told import mirror_told

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Machine, Request


def mirror_alone(host: Host, machine: Machine, request: Request, catalog: Catalog) -> Survey:
    """The places of ``request.mirror``, none of them asked; of this machine's own configuration nothing.

    Raises:
        UsageError: no mirror has the name, or its password stands on the command line.
    """
    if not request.mirror or is_official(request.mirror):
        return Survey()
    refuse_logins(host, request)
    return mirror_told(machine, request, catalog)
