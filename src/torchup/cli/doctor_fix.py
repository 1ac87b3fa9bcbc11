"""`torchup doctor --fix`: repair the environment and its kernels; print what lies outside, and run none of it.

The environment is built anew beside the broken one, verified, and swapped in; the broken one stays as NAME.previous.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.cli.answer import Answer
from torchup.cli.doctor_fix_numpy import exchange_numpy
from torchup.cli.install_progress import install_progress
from torchup.cli.machine_options import NamedMachine
from torchup.cli.plan import ask_sources, current_catalog
from torchup.doctor.fix import repairable, request_for
from torchup.encoding import to_builtins
from torchup.envs import kernels, records, registry
from torchup.envs.verification import verify_environment
from torchup.errors import ExitCode, NoBuildError, UsageError
from torchup.i18n import render, text
from torchup.install.engine import install
from torchup.model import Environment, Notice, Request, message
from torchup.plan import resolve
from torchup.privacy import redact
from torchup.report.doctor_text import command_line, doctor_text

if TYPE_CHECKING:
    from torchup.cli.doctor import Examined
    from torchup.cli.session import Session
    from torchup.doctor.facts import Facts
    from torchup.host import Host
    from torchup.model import Diagnosis, Finding, Plan


STALE = ("python-missing", "environment-missing")


def fix(session: Session, examined: Examined, found: Diagnosis) -> Answer:
    """Repair, or say what would be done; exit 1 when the cause is still there afterwards."""
    answer = _environment(session, examined, found)
    told = _kernels(session)
    return replace(answer, notices=(*answer.notices, told)) if told else answer


def _kernels(session: Session) -> Notice | None:
    """Remove torchup's own Jupyter kernels that cannot start any more, after asking; others are only told of."""
    stale = [kernel for kernel in kernels.find(session.host) if kernel.ours and kernel.problem in STALE]
    names = ", ".join(kernel.name for kernel in stale)
    if not stale:
        return None
    if session.dry_run:
        would = message("doctor.fix.kernels.would", "would remove the Jupyter kernels {names}", names=names)
        return Notice(code=would.code, text=would)
    ask = message("doctor.fix.kernels", "remove the Jupyter kernels that cannot start any more ({names})?", names=names)
    if not session.confirm(ask):
        return None
    for kernel in stale:
        kernels.remove(session.host, kernel)
    done = message("doctor.fix.kernels.done", "removed the Jupyter kernels {names}", names=names)
    return Notice(code=done.code, text=done)


def _environment(session: Session, examined: Examined, found: Diagnosis) -> Answer:
    finding = repairable(found)
    if finding is None or examined.python is None:
        return _cannot(session, examined, found)
    only_numpy = finding.rule == "numpy-abi"
    prefix = environment_of(session.host, examined.python, conda=only_numpy)
    plan = None if is_conda(session.host, prefix) else _plan(session, examined, finding)
    if plan is None:
        return exchange_numpy(session, examined, prefix) or _declined(session, found, prefix)
    if session.dry_run:
        return _dry(plan, prefix)
    question = message(
        "doctor.fix.ask",
        "rebuild {path} with torch {build} (the present one stays as {path}.previous)?",
        path=redact(prefix),
        build=plan.build.label,
    )
    if not session.confirm(question):
        return _declined(session, found, prefix)
    environment = _rebuild(session, plan, prefix, examined.name)
    return _after(session, examined, environment)


def _declined(session: Session, found: Diagnosis, prefix: str) -> Answer:
    session.note(message("doctor.fix.declined", "nothing was changed; --yes answers without asking"))
    return _state(found, changed=False, prefix=prefix)


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
            message("doctor.fix.conda", "{path} is a conda environment: torchup does not rebuild it", path=prefix),
            hint=message(
                "doctor.fix.conda.hint", "run the commands that `torchup doctor` shows, or make one with `torchup up`"
            ),
        )
    if not host.exists(posixpath.join(prefix, "pyvenv.cfg")):
        raise UsageError(
            message("doctor.fix.system", "{path} is no virtual environment: torchup leaves it alone", path=prefix),
            hint=message("doctor.fix.system.hint", "`torchup up` makes an environment that works, beside it"),
        )
    return prefix


def _plan(session: Session, examined: Examined, finding: Finding) -> Plan | None:
    """What to build; ``None``: the same torch cannot be had any more, and only its NumPy is wrong."""
    catalog = current_catalog(session)
    target = NamedMachine(name="-", machine=examined.machine, here=True)
    wanted = request_for(finding.rule, examined.facts)
    try:
        return resolve(target.machine, wanted, catalog, ask_sources(session, target, wanted, catalog))
    except NoBuildError:
        if wanted.torch is None:
            raise
        if finding.rule == "numpy-abi":
            return None
        session.note(message("doctor.fix.newer", "the same build cannot be had any more; choosing another"))
    any_build = Request(python=wanted.python)
    return resolve(target.machine, any_build, catalog, ask_sources(session, target, any_build, catalog))


def _rebuild(session: Session, plan: Plan, prefix: str, name: str | None) -> Environment:
    host = session.host
    before = records.read(host, prefix)
    name = before.environment.name if before else name or _name(host, prefix)
    unverified = (
        Environment(name=name, path=prefix) if before is None else replace(before.environment, verified_at=None)
    )
    # the engine takes over folders that are torchup's, and builds anew what is not marked as verified
    records.write(
        host, prefix, replace(before, environment=unverified) if before else records.Record(environment=unverified)
    )
    try:
        with install_progress(session) as tell:
            return install(
                host,
                plan,
                name,
                path=prefix,
                verify=lambda python: verify_environment(host, python, expected=plan.build, compile_rung=False),
                progress=tell,
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


def _after(session: Session, examined: Examined, environment: Environment) -> Answer:
    from torchup.doctor import diagnose  # noqa: PLC0415  # only after a repair
    from torchup.doctor.live import facts_of  # noqa: PLC0415  # same
    from torchup.envs.inspection import inspect_environment  # noqa: PLC0415  # same

    python = registry.find_python(session.host, environment.path) or examined.python or ""
    facts: Facts = facts_of(examined.machine, inspect_environment(session.host, python))
    found = diagnose(facts)
    done = text("doctor.fix.done", "repaired {path}; the old one is in {path}.previous", path=redact(environment.path))
    return Answer(
        command="doctor",
        data={**to_builtins(found), "fixed": True, "environment": environment},
        text=lambda: f"{done}\n\n{doctor_text(found, facts, session.style)}",
        exit_code=ExitCode.OK if found.primary is None else ExitCode.FINDINGS,
    )


def _dry(plan: Plan, prefix: str) -> Answer:
    from torchup.install import steps  # noqa: PLC0415  # loads the installers

    planned = replace(plan, steps=steps(plan, prefix))

    def words() -> str:
        lines = [
            text(
                "doctor.fix.would",
                "would rebuild {path} with torch {build}:",
                path=redact(prefix),
                build=plan.build.label,
            )
        ]
        lines += [f"    {redact(command_line(step.argv))}" for step in planned.steps]
        return "\n".join(lines)

    return Answer(command="doctor", data={"fixed": False, "dry_run": True, "plan": planned}, text=words)


def _cannot(session: Session, examined: Examined, found: Diagnosis) -> Answer:
    """Nothing in the environment to repair: a driver, a group, a container; the commands are printed."""
    if found.primary is not None:
        session.note(
            message(
                "doctor.fix.outside",
                "the cause lies outside the environment; torchup does not change drivers, firmware,"
                " groups or containers",
            )
        )
    answer = _state(found, changed=False, prefix=None)
    return replace(answer, text=lambda: doctor_text(found, examined.facts, session.style))


def _state(found: Diagnosis, *, changed: bool, prefix: str | None) -> Answer:
    def words() -> str:
        cause = next((f for f in found.findings if f.rule == found.primary), None)
        return render(cause.summary) if cause else redact(prefix or "")

    return Answer(
        command="doctor",
        data={**to_builtins(found), "fixed": changed},
        text=words,
        exit_code=ExitCode.FINDINGS if found.primary is not None else ExitCode.OK,
    )
