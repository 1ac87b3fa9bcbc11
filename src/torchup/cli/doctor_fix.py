"""`torchup doctor --fix`: hand the question and the progress over, and render what became of the repair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.cli.answer import Answer
from torchup.cli.install_progress import install_progress
from torchup.encoding import to_builtins
from torchup.errors import ExitCode
from torchup.i18n import render, text
from torchup.jobs.repair import Callbacks, Repair, RepairState, repair
from torchup.model import message
from torchup.privacy import redact
from torchup.report.doctor_text import command_line, doctor_text

if TYPE_CHECKING:
    from torchup.cli.session import Session
    from torchup.jobs.diagnose import Examined
    from torchup.model import Diagnosis

_DRY = (RepairState.PLANNED, RepairState.COMMANDS)
_FIXED = (RepairState.REBUILT, RepairState.EXCHANGED)


def fix(session: Session, examined: Examined, found: Diagnosis) -> Answer:
    """Repair, or say what would be done; exit 1 when the cause is still there afterwards."""
    callbacks = Callbacks(
        confirm=session.confirm,
        note=session.note,
        installing=lambda: install_progress(session),
        dry_run=session.dry_run,
    )
    done = repair(session.host, examined, found, callbacks)
    _tell(session, done)
    failed = done.diagnosis.primary is not None and done.state not in _DRY
    return Answer(
        command="doctor",
        data=_data(done),
        text=lambda: _words(session, done),
        exit_code=ExitCode.FINDINGS if failed else ExitCode.OK,
        notices=(*examined.notices, *done.notices),
    )


def _tell(session: Session, done: Repair) -> None:
    if done.state is RepairState.DECLINED:
        session.note(message("doctor.fix.declined", "the environment was not changed; use --yes to answer yes"))
    if done.state is RepairState.UNREPAIRED and done.diagnosis.primary is not None:
        session.note(
            message(
                "doctor.fix.outside",
                "`--fix` repairs only environments, not this cause; the diagnosis shows what you can do",
            )
        )


def _data(done: Repair) -> dict[str, Any]:
    if done.state is RepairState.PLANNED:
        return {"fixed": False, "dry_run": True, "plan": done.plan}
    if done.state is RepairState.COMMANDS:
        return {"fixed": False, "dry_run": True, "commands": done.commands}
    data = {**to_builtins(done.diagnosis), "fixed": done.state in _FIXED}
    return data | ({"environment": done.environment} if done.environment else {})


def _words(session: Session, done: Repair) -> str:
    path = redact(done.prefix or "")
    if done.state is RepairState.DECLINED:
        return _cause(done.diagnosis) or path
    if done.state is RepairState.PLANNED and done.plan is not None:
        build = done.plan.build.label
        first = text("doctor.fix.would", "would recreate {path} with torch {build}:", path=path, build=build)
        return _listed(first, [step.argv for step in done.plan.steps])
    if done.state is RepairState.COMMANDS:
        return _listed(text("doctor.fix.numpy.would", "would run in {path}:", path=path), done.commands)
    report = doctor_text(done.diagnosis, done.facts, session.style)
    return f"{_done(done, path)}\n\n{report}" if done.state in _FIXED else report


def _cause(found: Diagnosis) -> str | None:
    return next((render(f.summary) for f in found.findings if f.rule == found.primary), None)


def _listed(first: str, commands: Any) -> str:
    return "\n".join([first, *(f"    {redact(command_line(argv))}" for argv in commands)])


def _done(done: Repair, path: str) -> str:
    if done.state is RepairState.REBUILT:
        return text("doctor.fix.done", "repaired {path}; the previous environment is in {path}.previous", path=path)
    version = next(iter(done.facts.versions("numpy")), "1")
    return text("doctor.fix.numpy.done", "{path} now has NumPy {version}", version=version, path=path)
