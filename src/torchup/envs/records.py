"""What torchup writes down about an environment: one versioned JSON file inside it, so that both move together.

Environments outside the data folder (``--path``) have a pointer file there as well; adopted ones only have that file,
because what is adopted is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE, from_builtins, to_json
from torchup.envs.paths import join
from torchup.errors import UsageError
from torchup.model import Environment, Plan, Value, Verification, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.host import Host

FILE_NAME = "torchup-environment.json"
SCHEMA = 1
# From a schema to the next one; a file of any age is brought up step by step.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class Record(Value, frozen=True, kw_only=True):
    """Content of the file. ``path`` is only kept in pointer files."""

    schema: int = SCHEMA
    environment: Environment
    plan: Plan | None = None
    verification: Verification | None = None
    path: str | None = None


def read(host: Host, path: str) -> Record | None:
    """The record inside the environment at ``path``; ``None`` where there is none or it is damaged."""
    return load(host, join(path, FILE_NAME))


def load(host: Host, file: str) -> Record | None:
    """Read one record file; raises `UsageError` if a newer torchup wrote it."""
    try:
        data = msgspec.json.decode(host.read_bytes(file) or b"", type=dict[str, Any])
        return from_builtins(upgrade(data, UPGRADES, SCHEMA, file), Record)
    except UNREADABLE:
        return None


def write(host: Host, path: str, record: Record) -> None:
    """Write the record into the environment at ``path``; raises `OSError`."""
    host.write_text(join(path, FILE_NAME), to_json(record))


def upgrade(
    data: dict[str, Any], steps: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]], target: int, file: str
) -> dict[str, Any]:
    """Bring a record's data from its schema to ``target``, one step after the other."""
    schema = data.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise msgspec.DecodeError(file)
    if schema > target:
        text = message("envs.record.newer", "{file} was written by a newer torchup", file=file)
        raise UsageError(
            text,
            hint=message("envs.record.newer.hint", "update torchup, for example with `pip install --upgrade torchup`"),
        )
    while schema < target:
        data = steps[schema](data)
        schema += 1
        data["schema"] = schema
    return data


def pinned_plan(record: Record) -> Plan | None:
    """The plan that an environment was made by, with every package at the version that it has now."""
    if record.plan is None:
        return None
    packages = dict(record.environment.packages)
    torch = packages.pop("torch", None)
    packages.pop("pip", None)
    for wheel in record.plan.wheels:
        if wheel.url:
            packages.pop(wheel.package, None)  # it is in the plan with its address
    first = (f"torch=={torch}",) if torch else ()
    pinned = (*first, *(_pin(name, version, record.environment.origins) for name, version in packages.items()))
    return msgspec.structs.replace(record.plan, packages=pinned)


def _pin(name: str, version: str, origins: Mapping[str, str]) -> str:
    """A package at its version; one that came from an address is on no index."""
    origin = origins.get(name, "")
    return f"{name} @ {origin}" if "#sha256=" in origin else f"{name}=={version}"
