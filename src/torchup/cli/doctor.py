"""``torchup doctor``: name the one cause, show the evidence, give the command."""

from __future__ import annotations

import sys

import click

from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.doctor import diagnose, parse_report
from torchup.doctor.clean import decode
from torchup.errors import ExitCode, UsageError
from torchup.i18n import text
from torchup.model import Severity, message


@click.command("doctor", help=text("doctor.help", "Find what is wrong with a PyTorch environment and how to fix it"))
@click.option(
    "--report", metavar="FILE", help=text("doctor.option.report", "Diagnose a pasted report instead (- reads stdin)")
)
@common_options
def command(session: Session, report: str | None) -> Answer:
    """Diagnose."""
    diagnosis = diagnose(parse_report(read_report(session, report or "-")))
    failed = any(finding.severity is Severity.ERROR for finding in diagnosis.findings)
    return Answer(
        command="doctor",
        data=diagnosis,
        text=lambda: str(diagnosis),
        exit_code=ExitCode.FINDINGS if failed else ExitCode.OK,
    )


def read_report(session: Session, path: str) -> str:
    """The text of a report file, or of stdin."""
    raw = sys.stdin.buffer.read() if path == "-" else session.host.read_bytes(path)
    if raw is None:
        raise UsageError(message("doctor.report.unreadable", "cannot read {path}", path=path))
    return decode(raw)
