"""`torchup fleet`: many machines at once, from the documents that `torchup detect --json` wrote on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.catalog.stored import stored_catalog
from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.machine_options import SIZE_LIMIT, Unreadable, machines_in, no_machines
from torchup.cli.request_options import request_options
from torchup.cli.session import Session, common_options
from torchup.encoding import UNREADABLE, from_builtins, to_builtins
from torchup.errors import ExitCode, TorchupError, UsageError
from torchup.i18n import printable, text
from torchup.model import Environment, Severity, message

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.cli.machine_options import NamedMachine
    from torchup.host import Host
    from torchup.model import Diagnosis, Request
    from torchup.report.fleet import Drift, Member

ENVIRONMENTS = ".env.json"  # what is behind a machine's name in the file of its `torchup env list --json`


@click.group(
    cls=VerbGroup,
    name="fleet",
    help=text("fleet.help", "Report on many machines: plans, drifts and findings on one page"),
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(
    name="report",
    help=text(
        "fleet.report.help",
        "Plan and diagnose every machine in FOLDER, and print a report or write it as one page. A file NAME.json "
        "is the output of `torchup detect --json` on a machine; NAME.env.json, if it exists, is the output of "
        "`torchup env list --json` there.",
    ),
)
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--html",
    "output",
    metavar="FILE",
    help=text("fleet.option.html", "File to write the page to (default: print text)"),
)
@request_options
@common_options
def report_command(session: Session, *, folder: str, output: str | None, request: Request) -> Answer:
    """`torchup fleet report FOLDER --html FILE`."""
    from torchup.report.fleet import drifts  # noqa: PLC0415  # only this verb needs it

    catalog = stored_catalog(session.host, session.note)
    named = [one for one in machines_in(session.host, folder, ()) if not one.name.endswith(ENVIRONMENTS)]
    if not named:
        raise no_machines(folder)
    members = [_member(session, folder, one, request, catalog) for one in named]
    found = drifts(members)
    if output is not None:
        _write(session.host, output, members, found)
    return Answer(
        command="fleet report",
        data={
            "file": output,
            "machines": [_data(one) for one in members],
            "drifts": to_builtins(found),
        },
        text=lambda: _text(members, found, output),
        exit_code=_exit_code(members),
    )


def _member(
    session: Session, folder: str, one: NamedMachine | Unreadable, request: Request, catalog: Catalog
) -> Member:
    from torchup.doctor import diagnose  # noqa: PLC0415  # only this verb needs it
    from torchup.jobs.diagnose import examine_machine  # noqa: PLC0415  # same
    from torchup.plan import resolve  # noqa: PLC0415  # same
    from torchup.report.fleet import Member  # noqa: PLC0415  # same
    from torchup.report.plan_text import failure_of  # noqa: PLC0415  # same

    name = one.name.removesuffix(".json")
    if isinstance(one, Unreadable):
        return Member(name=name, failure=one.failure, hint=one.hint)
    found = diagnose(examine_machine(session.host, one.machine).facts)
    there = _environments(session.host, f"{folder}/{name}{ENVIRONMENTS}")
    try:
        plan = resolve(one.machine, request, catalog)
    except TorchupError as error:
        failure, hint = failure_of(error)
        return Member(name=name, machine=one.machine, failure=failure, hint=hint, diagnosis=found, environments=there)
    return Member(name=name, machine=one.machine, plan=plan, diagnosis=found, environments=there)


def _environments(host: Host, path: str) -> tuple[Environment, ...]:
    """The environments of a machine, where their list was collected too.

    Raises:
        UsageError: the file is there and holds no such list.
    """
    content = host.read_text(path, SIZE_LIMIT)
    if content is None:
        return ()
    try:
        return from_builtins(msgspec.json.decode(content, type=dict[str, Any])["data"], tuple[Environment, ...])
    except (*UNREADABLE, KeyError) as error:
        raise UsageError(
            message("fleet.environments", "{path} is not the output of `torchup env list --json`", path=path),
            hint=message(
                "fleet.environments.hint", "write the file again with `torchup env list --json`, or remove it"
            ),
        ) from error


def _write(host: Host, path: str, members: list[Member], found: tuple[Drift, ...]) -> None:
    from torchup.report.fleet_page import fleet_page  # noqa: PLC0415  # only for --html

    try:
        host.write_text(path, fleet_page(members, found))
    except OSError as error:
        raise UsageError(
            message("fleet.write", "cannot write {path}: {reason}", path=path, reason=error.strerror or error),
            hint=message("fleet.write.hint", "choose another file with --html"),
        ) from error


def _data(one: Member) -> dict[str, Any]:
    from torchup.report.plan_text import plan_data  # noqa: PLC0415  # only this verb needs it

    plan = plan_data(one.plan, one.machine) if one.plan and one.machine else None
    return {
        "name": one.name, "machine": to_builtins(one.machine), "plan": to_builtins(plan), "error": one.failure,
        "hint": one.hint, "diagnosis": to_builtins(one.diagnosis), "environments": to_builtins(one.environments),
    }  # fmt: skip


def _exit_code(members: list[Member]) -> ExitCode:
    if any(one.plan is None for one in members):
        return ExitCode.NO_BUILD
    return ExitCode.FINDINGS if any(_has_error(one.diagnosis) for one in members) else ExitCode.OK


def _has_error(found: Diagnosis | None) -> bool:
    return found is not None and any(finding.severity is Severity.ERROR for finding in found.findings)


def _text(members: list[Member], found: tuple[Drift, ...], output: str | None) -> str:
    lines = []
    for one in members:
        causes = ", ".join(finding.rule for finding in one.diagnosis.findings) if one.diagnosis else ""
        told = one.label or one.failure or ""
        lines.append(printable(f"{one.name}: {told}" + (f"  [{causes}]" if causes else "")))
    lines += ["", *(printable(f"{drift.machine}: {drift.text}") for drift in found)] if found else []
    if output is not None:
        lines += ["", text("results.report.done", "wrote {file}; open it in any browser", file=output)]
    return "\n".join(lines)
