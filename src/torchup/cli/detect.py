"""`torchup detect`: what this machine has, where each fact comes from; record it, or replay a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.detect import detect_machine
from torchup.encoding import UNREADABLE, decode_problem
from torchup.errors import TorchupError, UsageError
from torchup.host import RecordedHost, RecordingHost
from torchup.i18n import text
from torchup.model import Notice, message
from torchup.report.detect_text import machine_text

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Machine


@click.command(
    cls=Verb,
    name="detect",
    help=text("detect.help", "Show this machine's system, GPUs, drivers and Pythons, and the source of each fact."),
)
@click.option(
    "--record",
    metavar="DIR",
    help=text("detect.option.record", "Folder for a redacted recording that can be replayed (default: none)"),
)
@click.option(
    "--from",
    "source",
    metavar="DIR",
    help=text("detect.option.from", "Folder with the recording to replay (default: detect this machine)"),
)
@common_options
def command(session: Session, record: str | None, source: str | None) -> Answer:
    """Detect, and answer with the machine."""
    if record and source:
        raise UsageError(
            message("detect.record-or-from", "--record and --from cannot be used together"),
            hint=message(
                "detect.record-or-from.hint",
                "leave out --from to record this machine, or leave out --record to replay the recording",
            ),
        )
    if record:
        machine, notices = _record(record, session)
    else:
        machine, notices = detect_machine(recorded_host(session.host, source) if source else session.host), ()
    return Answer(
        command="detect",
        data={"machine": machine},
        text=lambda: machine_text(machine, session.style, verbose=session.verbose),
        notices=notices,
        html=lambda: _html(machine),
    )


def _html(machine: Machine) -> str:
    from torchup.report.html_blocks import in_a_notebook  # noqa: PLC0415  # only a notebook needs it
    from torchup.report.html_detect import detect_html  # noqa: PLC0415  # same

    return in_a_notebook(detect_html(machine))


def recorded_host(host: Host, folder: str) -> RecordedHost:
    """The machine in a folder's ``recording.json`` (or that file itself); raises `UsageError` where there is none."""
    from torchup.host.recorded import (  # noqa: PLC0415  # only a recording pays for it
        FILE_NAME,
        SIZE_LIMIT,
        load_recording,
    )

    path = folder if folder.endswith(".json") else f"{folder.rstrip('/')}/{FILE_NAME}"
    content = host.read_text(path, SIZE_LIMIT)
    if content is None:
        raise UsageError(
            message("detect.from.missing", "{folder} contains no recording", folder=folder),
            hint=message("detect.from.missing.hint", "run `torchup detect --record DIR` to write a recording"),
        )
    try:
        return RecordedHost(load_recording(content))
    except UNREADABLE as error:
        raise UsageError(
            message(
                "detect.from.invalid", "{path} is not a recording: {reason}", path=path, reason=decode_problem(error)
            ),
            hint=message("detect.from.invalid.hint", "record the machine again, or undo edits made by hand"),
        ) from error


def _record(folder: str, session: Session) -> tuple[Machine, tuple[Notice, ...]]:
    from torchup.detect.record import record_machine  # noqa: PLC0415  # only --record needs it

    try:
        machine, path = record_machine(RecordingHost(), folder)
    except OSError as error:
        raise UsageError(
            message(
                "detect.record.failed", "the recording cannot be written: {reason}", reason=error.strerror or error
            ),
            hint=message("detect.record.failed.hint", "choose a folder that you can write to and that has free space"),
        ) from error
    except UNREADABLE as error:
        raise TorchupError(
            message(
                "detect.record.invalid", "the recording cannot be replayed: {reason}", reason=decode_problem(error)
            ),
            hint=message(
                "detect.record.invalid.hint",
                "run the command again; if the error remains, report it to torchup's developers with this output",
            ),
        ) from error
    del session
    done = message(
        "detect.recorded",
        "recorded this machine in {path}; user and host names, the home folder, UUIDs and serial numbers are replaced",
        path=path,
    )
    return machine, (Notice(code="detect.recorded", text=done),)
