"""Which environments torchup can recreate as they were verified, and by which plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.envs import distributions, records, registry

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Plan


def restorable(host: Host, prefix: str) -> str | None:
    """The name of the environment at ``prefix`` if torchup made it there; ``None``: adopted, foreign, or moved."""
    record = records.read(host, prefix)
    if record is None or record.plan is None or record.environment.adopted:
        return None
    name = record.environment.name
    here = host.real_path(registry.environment_path(host, name)) == host.real_path(prefix)
    return name if here else None


def restoring_plan(host: Host, record: records.Record, prefix: str) -> Plan | None:
    """The plan that recreates an environment with the versions that were verified; ``None``: nothing says how.

    What came from an address or is edited in place is left to the engine, which takes it over from there.
    """
    plan = record.plan if record.plan is None or record.plan.conda is not None else records.pinned_plan(record)
    if plan is None:
        return None
    elsewhere = {one.name for one in distributions.installed(host, prefix) if one.origin or one.editable}
    elsewhere |= {wheel.package for wheel in plan.wheels}
    kept = tuple(line for line in plan.packages if line.partition("==")[0] not in elsewhere)
    there = plan.python_path is not None and host.exists(plan.python_path)
    return msgspec.structs.replace(plan, packages=kept, python_path=plan.python_path if there else None)
