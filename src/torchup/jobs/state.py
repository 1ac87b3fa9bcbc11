"""What the doctor knows of an environment around its torch: who exchanged it, what is compiled for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from torchup.catalog import load_catalog
from torchup.compat.readiness import CompileFacts, readiness
from torchup.doctor.facts import Replaced
from torchup.encoding import UNREADABLE, from_builtins
from torchup.envs.compiled import compiled_packages
from torchup.envs.damage import prefix_of
from torchup.envs.guard import replacement
from torchup.envs.worker import run_worker

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.host import Host
    from torchup.model import Machine, Readiness

READINESS_TIMEOUT = 60.0  # seconds


def with_state(host: Host, python: str, machine: Machine, facts: Facts) -> Facts:
    """The facts of an environment here with what lies around its torch."""
    if not facts.torch.installed:
        return replace(facts, replaced=_replaced(host, python))
    return replace(
        facts,
        replaced=_replaced(host, python),
        compiled=compiled_packages(host, prefix_of(python), load_catalog()),
        readiness=compile_readiness(host, python, machine) if facts.torch.import_error is None else (),
    )


def _replaced(host: Host, python: str) -> Replaced | None:
    found = replacement(host, prefix_of(python))
    if found is None:
        return None
    return Replaced(
        before=found.before,
        after=found.after,
        installer=found.installer,
        when=found.when,
        wanted_by=found.wanted_by,
    )


def compile_readiness(host: Host, python: str, machine: Machine) -> tuple[Readiness, ...]:
    """What torch.compile needs, held against what is there; empty: the environment's Python did not say."""
    answer = run_worker(host, python, "readiness.py", timeout=READINESS_TIMEOUT)
    try:
        found = from_builtins((answer.data or {})["readiness"], CompileFacts)
    except (*UNREADABLE, KeyError, msgspec.ValidationError):
        return ()
    return readiness(found, machine, load_catalog())
