"""`torchup doctor --machine DIR`: every machine of a folder, a few lines each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.cli.answer import Answer
from torchup.cli.machine_options import NamedMachine, Unreadable, machines_in, one_machine_only
from torchup.doctor.engine import diagnose
from torchup.encoding import to_builtins
from torchup.errors import ExitCode
from torchup.i18n import printable, render
from torchup.jobs.diagnose import examine_machine
from torchup.report.columns import fill
from torchup.report.doctor_text import headline
from torchup.report.style import Style, mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.cli.session import Session
    from torchup.doctor.facts import Facts
    from torchup.doctor.rule import Rule
    from torchup.model import Diagnosis


def many(
    session: Session,
    options: dict[str, Any],
    rules: Sequence[Rule],
    is_bad: Callable[[Facts, Diagnosis], bool],
    safe: Callable[[Diagnosis], Diagnosis],
) -> Answer:
    """Diagnose each machine of ``--machine DIR`` alone; exit 1 when one has an error, 2 when one cannot be read.

    Raises:
        UsageError: an option that is about one machine or an environment here.
    """
    folder = options["machine_path"]
    for name in ("env", "python"):
        if options[name]:
            raise one_machine_only(f"--{name}", folder)
    looked = [_look(session, one, options, rules) for one in machines_in(session.host, folder, options["assumed"])]
    bad = any(facts is not None and found is not None and is_bad(facts, found) for _, facts, found in looked)
    unread = any(isinstance(one, Unreadable) for one, _, _ in looked)
    return Answer(
        command="doctor",
        data={"machines": [_data(one, safe) for one in looked]},
        text=lambda: "\n".join(line for one in looked for line in _lines(one, session.style)),
        exit_code=ExitCode.USAGE if unread else ExitCode.FINDINGS if bad else ExitCode.OK,
    )


def _look(
    session: Session, one: NamedMachine | Unreadable, options: dict[str, Any], rules: Sequence[Rule]
) -> tuple[NamedMachine | Unreadable, Facts | None, Diagnosis | None]:
    if isinstance(one, Unreadable):
        return one, None, None
    facts = examine_machine(session.host, one.machine).facts
    return one, facts, diagnose(facts, rules=rules, only=options["only"], ignore=options["ignore"])


def _data(
    looked: tuple[NamedMachine | Unreadable, Facts | None, Diagnosis | None], safe: Callable[[Diagnosis], Diagnosis]
) -> dict[str, Any]:
    one, _, found = looked
    error, hint = (one.failure, one.hint) if isinstance(one, Unreadable) else (None, None)
    diagnosis = None if found is None else to_builtins(safe(found))
    return {"file": one.name, "diagnosis": diagnosis, "error": error, "hint": hint}


def _lines(looked: tuple[NamedMachine | Unreadable, Facts | None, Diagnosis | None], style: Style) -> list[str]:
    one, facts, found = looked
    if isinstance(one, Unreadable) or facts is None or found is None:
        why = one.failure if isinstance(one, Unreadable) else ""
        told = fill(printable(why), style.width, first="    ", rest="    ")
        return [f"{mark(style, 'error')} {printable(one.name)}", told]
    sign, _, told = headline(found, style, live=facts.live).partition(" ")
    lines = [f"{sign} {printable(one.name)}: {told}"]
    for finding in found.findings:
        words = printable(f"{render(finding.summary)}  [{finding.rule}]")
        lines.append(fill(words, style.width, first="    ", rest="      "))
    return lines
