"""Pure: which build fits a machine, why, and why not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import InstallerName, Survey

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Plan, Request

_NOTHING_ASKED = Survey()


def resolve(machine: Machine, request: Request, catalog: Catalog, survey: Survey = _NOTHING_ASKED) -> Plan:
    """Choose the build for a machine.

    Args:
        machine: what the machine has; unknown facts (``None``) count neither for nor against a build.
        request: what the user asked for.
        catalog: the published builds.
        survey: what the machine's sources answered; empty for a machine that is elsewhere.

    Returns:
        The plan, without steps (`torchup.install.steps` makes them).

    Raises:
        NoBuildError: no build fits, or only one that would leave a GPU unused.
        NetworkError: builds would fit, but no source that has one answered.
        UsageError: the request contradicts itself or names something that does not exist.
    """
    if request.purpose or _may_be_bound(request):
        from torchup.plan.wheels import make_plan_with  # noqa: PLC0415  # the package tables are large

        return make_plan_with(machine, request, catalog, survey)
    from torchup.plan.planner import make_plan  # noqa: PLC0415  # other parts of this room are used without the planner

    return make_plan(machine, request, catalog, survey)


def _may_be_bound(request: Request) -> bool:
    """Whether a package is asked for that may have a say about torch; conda's own solver decides about its packages."""
    return bool(request.packages) and request.installer != InstallerName.CONDA
