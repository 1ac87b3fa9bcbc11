"""Repair an environment and its kernels; what lies outside is not touched.

The environment is built beside the broken one, verified, and swapped in; the broken one stays as NAME.previous.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from torchup.catalog.stored import stored_catalog
from torchup.doctor import diagnose
from torchup.doctor.fix import keeps_torch, planned, repairable, request_for
from torchup.doctor.live import facts_of
from torchup.envs import kernels, records, registry
from torchup.envs.inspection import inspect_environment
from torchup.envs.verification import verify_environment
from torchup.errors import NoBuildError, UsageError
from torchup.fetch import CONNECTIONS
from torchup.install import steps
from torchup.install.engine import install
from torchup.jobs.diagnose import STALE
from torchup.jobs.repair_numpy import exchange_numpy, numpy_command
from torchup.model import Diagnosis, Environment, Notice, Plan, Request, Value, message
from torchup.plan import resolve
from torchup.privacy import redact
from torchup.settings import load_settings
from torchup.sources.surveyor import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.install.base import Progress
    from torchup.jobs.diagnose import Examined
    from torchup.model import Finding, Message


class RepairState(StrEnum):
    """What became of a repair."""

    UNREPAIRED = "unrepaired"  # no cause, or one that torchup cannot repair
    DECLINED = "declined"
    PLANNED = "planned"  # a dry run: the environment would be rebuilt
    COMMANDS = "commands"  # a dry run: one package would be exchanged
    REBUILT = "rebuilt"
    EXCHANGED = "exchanged"  # NumPy 1 is in


class Callbacks(Value, frozen=True, kw_only=True):
    """What a repair asks and tells."""

    confirm: Callable[[Message], bool]
    note: Callable[[Message], None]
    installing: Callable[[], AbstractContextManager[Progress]]
    dry_run: bool = False


class Repair(Value, frozen=True, kw_only=True):
    """What came of it; ``diagnosis`` and ``facts`` are those after a repair, else those that were handed in."""

    state: RepairState
    diagnosis: Diagnosis
    facts: Any  # Facts, which caches derived values and so is not a plain field type
    prefix: str | None = None
    plan: Plan | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    environment: Environment | None = None
    notices: tuple[Notice, ...] = ()


def repair(host: Host, examined: Examined, found: Diagnosis, callbacks: Callbacks) -> Repair:
    """Repair what lies inside the environment, after asking.

    Raises:
        UsageError: the environment is a system's or conda's, which torchup does not recreate.
        NoBuildError, NetworkError, InstallError, VerifyError: as `install` does; the old environment is as it was.
    """
    done = _environment(host, examined, found, callbacks)
    told = _kernels(host, callbacks)
    return replace(done, notices=(told,)) if told else done


def _kernels(host: Host, callbacks: Callbacks) -> Notice | None:
    """Remove torchup's own Jupyter kernels that cannot start, after asking; those of others stay."""
    stale = [kernel for kernel in kernels.find(host) if kernel.ours and kernel.problem in STALE]
    names = ", ".join(kernel.name for kernel in stale)
    if not stale:
        return None
    if callbacks.dry_run:
        would = message("doctor.fix.kernels.would", "would remove Jupyter kernels: {names}", names=names)
        return Notice(code=would.code, text=would)
    ask = message("doctor.fix.kernels", "remove Jupyter kernels that can no longer start ({names})?", names=names)
    if not callbacks.confirm(ask):
        return None
    for kernel in stale:
        kernels.remove(host, kernel)
    done = message("doctor.fix.kernels.done", "removed Jupyter kernels: {names}", names=names)
    return Notice(code=done.code, text=done)


def _environment(host: Host, examined: Examined, found: Diagnosis, callbacks: Callbacks) -> Repair:
    finding = repairable(found)
    if finding is None or examined.python is None:
        return Repair(state=RepairState.UNREPAIRED, diagnosis=found, facts=examined.facts)
    prefix = environment_of(host, examined.python, conda=finding.rule == "numpy-abi")
    plan = None if is_conda(host, prefix) else _plan(host, examined, finding, callbacks)
    before = Repair(state=RepairState.DECLINED, diagnosis=found, facts=examined.facts, prefix=prefix, plan=plan)
    if plan is None:
        return _numpy(host, examined, before, callbacks)
    if callbacks.dry_run:
        return replace(before, state=RepairState.PLANNED, plan=replace(plan, steps=steps(plan, prefix)))
    question = message(
        "doctor.fix.ask",
        "recreate {path} with torch {build} (torchup keeps the current environment as {path}.previous)?",
        path=redact(prefix),
        build=plan.build.label,
    )
    if not callbacks.confirm(question):
        return before
    environment = _rebuild(host, plan, prefix, examined.name, callbacks)
    python = registry.find_python(host, environment.path) or examined.python
    facts = facts_of(examined.machine, inspect_environment(host, python))
    return replace(before, state=RepairState.REBUILT, diagnosis=diagnose(facts), facts=facts, environment=environment)


def _numpy(host: Host, examined: Examined, before: Repair, callbacks: Callbacks) -> Repair:
    if callbacks.dry_run:
        argv = numpy_command(host, str(examined.python))
        return replace(before, state=RepairState.COMMANDS, commands=(argv,))
    facts = exchange_numpy(host, examined, str(before.prefix), callbacks.confirm)
    if facts is None:
        return before
    return replace(before, state=RepairState.EXCHANGED, diagnosis=diagnose(facts), facts=facts)


def is_conda(host: Host, prefix: str) -> bool:
    """Whether conda made an environment."""
    return host.is_dir(posixpath.join(prefix, "conda-meta"))


def environment_of(host: Host, python: str, *, conda: bool = False) -> str:
    """The folder of the environment that a Python belongs to; raises `UsageError` where it must not be changed.

    ``conda``: whether the repair is one that an environment of conda may get too.
    """
    prefix = posixpath.dirname(posixpath.dirname(python.replace("\\", "/")))
    if is_conda(host, prefix):
        if conda:
            return prefix
        raise UsageError(
            message("doctor.fix.conda", "{path} is a conda environment: torchup does not recreate it", path=prefix),
            hint=message(
                "doctor.fix.conda.hint",
                "run the commands that `torchup doctor` shows, or make a new environment with `torchup up`",
            ),
        )
    if not host.exists(posixpath.join(prefix, "pyvenv.cfg")):
        raise UsageError(
            message(
                "doctor.fix.system", "{path} is not a virtual environment; torchup does not change it", path=prefix
            ),
            hint=message("doctor.fix.system.hint", "run `torchup up` to make a separate environment that works"),
        )
    return prefix


def _plan(host: Host, examined: Examined, finding: Finding, callbacks: Callbacks) -> Plan | None:
    """What the finding's remedy installs, from sources that answer here.

    ``None``: the same torch is no longer available, and only its NumPy is wrong.
    """
    catalog = stored_catalog(host, callbacks.note)
    meant = planned(finding.rule, examined.facts, catalog)
    same = not keeps_torch(finding.rule) or meant.build.torch == examined.facts.torch.version
    if same:
        wanted = request_for(meant)
        bound = _bound(host, str(examined.python))
        for request in (replace(wanted, packages=bound), wanted) if bound else (wanted,):
            with suppress(NoBuildError):
                return _resolved(host, examined, request, catalog)
    if finding.rule == "numpy-abi":
        return None
    callbacks.note(
        message("doctor.fix.newer", "the build that the repair needs is not available; torchup chooses another build")
    )
    return _resolved(host, examined, Request(python=meant.python), catalog)


def _bound(host: Host, python: str) -> tuple[str, ...]:
    """The packages whose files were installed for the torch of this environment: they are put back with it."""
    record = records.read(host, posixpath.dirname(posixpath.dirname(python.replace("\\", "/"))))
    return tuple(wheel.package for wheel in record.plan.wheels) if record is not None and record.plan else ()


def _resolved(host: Host, examined: Examined, wanted: Request, catalog: Catalog) -> Plan:
    return resolve(examined.machine, wanted, catalog, survey(host, examined.machine, wanted, catalog))


def _rebuild(host: Host, plan: Plan, prefix: str, name: str | None, callbacks: Callbacks) -> Environment:
    before = records.read(host, prefix)
    name = before.environment.name if before else name or _name(host, prefix)
    unverified = (
        Environment(name=name, path=prefix) if before is None else replace(before.environment, verified_at=None)
    )
    # the engine takes over folders that are torchup's, and rebuilds what is not marked as verified
    records.write(
        host, prefix, replace(before, environment=unverified) if before else records.Record(environment=unverified)
    )
    try:
        with callbacks.installing() as tell:
            return install(
                host,
                plan,
                name,
                path=prefix,
                verify=lambda python: verify_environment(
                    host, python, expected=plan.build, compile_rung=False, deep=True
                ),
                progress=tell,
                connections=load_settings(host).number("connections", CONNECTIONS),
            )
    except BaseException:
        if before is None:
            host.remove(posixpath.join(prefix, records.FILE_NAME))
        else:
            records.write(host, prefix, before)
        raise


def _name(host: Host, prefix: str) -> str:
    """A name for an environment that torchup did not make: its folder's, or the one above a plain ``.venv``."""
    parts = [part for part in prefix.split("/") if part]
    base = parts[-1].lstrip(".") if parts else "env"
    if base in {"venv", "env"} and len(parts) > 1:
        base = f"{parts[-2]}-{base}"
    base = re.sub(r"[^\w.-]+", "-", base).strip("-._") or "env"
    taken = set(registry.names(host))
    return next(name for name in (base, *(f"{base}-{number}" for number in range(2, 1000))) if name not in taken)
