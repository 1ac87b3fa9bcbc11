"""`torchup doctor`: name the one cause, show the evidence, give the command that fixes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from torchup.cli.answer import Answer
from torchup.cli.machine_options import machine_options
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.target import target_options
from torchup.cli.verb import Verb
from torchup.doctor import diagnose, parse_report
from torchup.doctor.clean import decode, has_words
from torchup.doctor.plugins import plugin_rules
from torchup.doctor.rules import RULES
from torchup.encoding import to_builtins
from torchup.errors import ExitCode, UsageError
from torchup.i18n import text
from torchup.model import Notice, Severity, Value, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.doctor.facts import Facts
    from torchup.doctor.rule import Rule
    from torchup.model import Diagnosis, Finding, Machine, Message


REPORT_LIMIT = 16 * 1024 * 1024  # bytes; the rest of an endless one is not read


class Examined(Value, frozen=True, kw_only=True):
    """What was looked at: the facts, and for a live environment the machine, the interpreter and stray kernels."""

    facts: Any  # Facts, which caches derived values and so is no plain field type
    machine: Any = None
    python: str | None = None
    name: str | None = None
    notices: tuple[Any, ...] = ()


@click.command(
    "doctor",
    cls=Verb,
    help=text("doctor.help", "Find what is wrong with a PyTorch environment and how to fix it"),
)
@click.option(
    "--report", metavar="FILE", help=text("doctor.option.report", "Diagnose a pasted report (- reads stdin) instead")
)
@target_options
@machine_options
@click.option("--list", "listing", is_flag=True, help=text("doctor.option.list", "List the rules and run nothing"))
@click.option(
    "--only",
    multiple=True,
    metavar="RULE",
    help=text("doctor.option.only", "Run only rules that begin so (repeatable)"),
)
@click.option(
    "--ignore", multiple=True, metavar="RULE", help=text("doctor.option.ignore", "Leave out rules that begin so")
)
@click.option("--strict", is_flag=True, help=text("doctor.option.strict", "Warnings too make the exit code 1"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md"]),
    default="text",
    help=text("doctor.option.format", "md: Markdown to paste into an issue, without names of users and hosts"),
)
@click.option("--fix", is_flag=True, help=text("doctor.option.fix", "Repair the environment, after asking"))
@changing_options
@common_options
def command(session: Session, **options: Any) -> Answer:
    """Examine, diagnose, render; exit 1 when there is an error."""
    plugins = plugin_rules(session.host)
    rules = (*RULES, *plugins.rules)
    _check(options, rules)
    if options["listing"]:
        return _list(rules, plugins.notices)
    examined = _examine(session, options)
    examined = replace(examined, notices=(*plugins.notices, *examined.notices))
    found = diagnose(examined.facts, rules=rules, only=options["only"], ignore=options["ignore"])
    if options["fix"]:
        from torchup.cli.doctor_fix import fix  # noqa: PLC0415  # loads the planner and the installers

        return fix(session, examined, found)
    return _answer(session, examined, found, options)


def _check(options: dict[str, Any], rules: Sequence[Rule]) -> None:
    for name in (*options["only"], *options["ignore"]):
        if not any(rule.slug.startswith(name) for rule in rules):
            text_ = message("doctor.rule.unknown", "no rule begins with `{name}`", name=name)
            raise UsageError(text_, hint=message("doctor.rule.unknown.hint", "`torchup doctor --list` names them all"))
    if options["report"] and (options["env"] or options["python"] or options["machine_path"] or options["recording"]):
        raise UsageError(
            message("doctor.report.alone", "--report is about another machine: it goes with no target"),
            hint=message("doctor.report.alone.hint", "leave out --env, --python, --machine and --from"),
        )
    if options["fix"] and options["report"]:
        raise UsageError(
            message("doctor.fix.report", "a report cannot be repaired, only an environment here"),
            hint=message("doctor.fix.report.hint", "on that machine: `torchup doctor --fix`"),
        )


def _list(rules: Sequence[Rule], notices: tuple[Notice, ...]) -> Answer:
    rows = [{"rule": rule.slug, "family": rule.family, "severity": str(rule.severity)} for rule in rules]
    return Answer(
        command="doctor",
        data={"rules": rows},
        text=lambda: "\n".join(f"{row['rule']:<32} {row['severity']:<8} {row['family']}" for row in rows),
        notices=notices,
    )


def _answer(session: Session, examined: Examined, found: Diagnosis, options: dict[str, Any]) -> Answer:
    facts: Facts = examined.facts

    def words() -> str:
        from torchup.report.doctor_text import doctor_markdown, doctor_text  # noqa: PLC0415  # --json never needs it

        if options["form"] == "md":
            return doctor_markdown(found, facts)
        return doctor_text(found, facts, session.style, verbose=session.verbose, looked_at=_looked_at(examined))

    return Answer(
        command="doctor",
        data={**to_builtins(safe(found)), "versions": _versions(facts)},
        text=words,
        exit_code=ExitCode.FINDINGS if is_bad(found.findings, strict=options["strict"]) else ExitCode.OK,
        notices=examined.notices,
    )


def _looked_at(examined: Examined) -> Message | None:
    """Which environment the answer is about; nothing for a report or another machine."""
    if examined.python is None:
        return None
    if examined.name is not None:
        return message(
            "doctor.looked-at.environment",
            "looked at the environment `{name}` ({path})",
            name=examined.name,
            path=examined.python,
        )
    return message(
        "doctor.looked-at.python", "looked at {path}; --env NAME or --python PATH name another", path=examined.python
    )


def is_bad(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Whether the exit code is 1."""
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(finding.severity in bad for finding in findings)


def safe(found: Diagnosis) -> Diagnosis:
    """The diagnosis without names of users, hosts and homes in a rule's own error text."""
    from torchup.privacy import redact  # noqa: PLC0415  # only an answer pays for it

    outcomes = tuple(replace(o, detail=redact(o.detail)) if o.detail else o for o in found.outcomes)
    return replace(found, outcomes=outcomes)


def _versions(facts: Facts) -> dict[str, str | None]:
    from torchup.doctor.panel import panel  # noqa: PLC0415  # reads a table

    values: dict[str, str | None] = to_builtins(panel(facts))
    return values


def _examine(session: Session, options: dict[str, Any]) -> Examined:
    if options["report"]:
        return _reported(read_report(session, options["report"]))
    if options["machine_path"] or options["recording"] or options["assumed"]:
        return _pretended(session, options)
    return _live(session, options["env"], options["python"])


def _reported(words: str) -> Examined:
    """The facts of a report; one that says nothing is no sign of health, and a file without words is a mistake."""
    from torchup.doctor.facts import Facts as Known  # noqa: PLC0415  # only a report pays for it

    facts = parse_report(words)
    if replace(facts, text="") != Known():
        return Examined(facts=facts)
    nothing = message("doctor.report.nothing", "nothing in this report is known to torchup")
    hint = message(
        "doctor.report.nothing.hint",
        "paste what one of these prints: `torchup doctor --format md`, `python -m torch.utils.collect_env`,"
        " `nvidia-smi`, `pip list`, or the whole error message",
    )
    if not has_words(facts.text):
        raise UsageError(nothing, hint=hint)
    told = (nothing, hint)  # a question in prose, or another program's trouble: the environment is not accused
    return Examined(facts=facts, notices=tuple(Notice(code=part.code, level="warning", text=part) for part in told))


def read_report(session: Session, path: str) -> str:
    """The text of a report file, or of stdin."""
    if path == "-":
        raw = sys.stdin.buffer.read(REPORT_LIMIT) if sys.stdin is not None else b""
    else:
        raw = session.host.read_given(path, REPORT_LIMIT)
    if raw is None:
        raise UsageError(
            message("doctor.report.unreadable", "the report {path} cannot be read", path=path),
            hint=message("doctor.report.unreadable.hint", "`-` reads a report from standard input"),
        )
    return decode(raw)


def _pretended(session: Session, options: dict[str, Any]) -> Examined:
    """Another machine, or this one changed: its rules only, since its environments cannot be entered."""
    from torchup.cli.machine_options import named_machines  # noqa: PLC0415  # not for reports
    from torchup.doctor.live import facts_of  # noqa: PLC0415  # same

    machine = named_machines(session.host, options["machine_path"], options["assumed"], options["recording"])[0].machine
    inspection = None
    if options["env"] or options["python"]:
        from torchup.cli.doctor_target import interpreter  # noqa: PLC0415  # only a named environment pays for it
        from torchup.envs.inspection import inspect_environment  # noqa: PLC0415  # same

        inspection = inspect_environment(session.host, interpreter(session, options["env"], options["python"])[0])
    return Examined(facts=facts_of(machine, inspection), machine=machine)


def _live(session: Session, env: str | None, python: str | None) -> Examined:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for reports

    from torchup.cli.doctor_target import interpreter, stray_kernels, without_answer  # noqa: PLC0415  # same
    from torchup.detect import detect_machine  # noqa: PLC0415  # same
    from torchup.doctor.live import facts_of  # noqa: PLC0415  # same
    from torchup.envs.inspection import inspect_environment  # noqa: PLC0415  # same

    path, name = interpreter(session, env, python)
    with ThreadPoolExecutor(max_workers=1) as pool:  # the machine is asked while torch is imported
        detected = pool.submit(detect_machine, session.host)
        inspection = inspect_environment(session.host, path)
        machine: Machine = detected.result()
    notices: tuple[Notice, ...] = stray_kernels(session.host)
    facts = facts_of(machine, inspection)
    if inspection.python is None:
        facts = without_answer(session.host, path, inspection.failure, facts)
    return Examined(facts=facts, machine=machine, python=path, name=name, notices=notices)
