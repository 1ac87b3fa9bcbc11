"""`torchup doctor`: name the one cause, show the evidence, give the command that fixes it."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from torchup.cli.answer import Answer
from torchup.cli.machine_options import machine_options
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.target import find_target, target_options
from torchup.cli.verb import Verb
from torchup.doctor import diagnose
from torchup.doctor.plugins import plugin_rules
from torchup.doctor.rules import RULES
from torchup.doctor.verdict import is_bad
from torchup.errors import ExitCode, UsageError
from torchup.i18n import text
from torchup.jobs.diagnose import (
    Examined,
    active_python,
    doctor_data,
    examine_here,
    examine_machine,
    examine_report,
    exit_code_of,
    python_on_path,
    safe,
)
from torchup.model import Notice, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.doctor.rule import Rule
    from torchup.model import Diagnosis, Message


REPORT_LIMIT = 16 * 1024 * 1024  # bytes; the rest of an endless one is not read


@click.command(
    "doctor",
    cls=Verb,
    help=text("doctor.help", "Find what is wrong with a PyTorch environment and how to fix it"),
)
@click.argument("unexpected", nargs=-1, metavar="", type=click.UNPROCESSED)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    help=text(
        "doctor.option.report",
        "File with a pasted report to diagnose; `-` is standard input (default: diagnose this machine)",
    ),
)
@partial(
    target_options,
    env_help=text(
        "doctor.option.env",
        "Environment to examine (default: TORCHUP_ENV or `env` in torchup.toml, else the active environment, else "
        "`default`, else the first Python on PATH)",
    ),
)
@machine_options
@click.option("--list", "listing", is_flag=True, help=text("doctor.option.list", "List the rules and exit"))
@click.option(
    "--only",
    multiple=True,
    metavar="RULE",
    help=text("doctor.option.only", "Start of the names of the rules to run (repeatable; default: all rules)"),
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    help=text("doctor.option.ignore", "Start of the names of the rules to skip (repeatable; default: none)"),
)
@click.option("--strict", is_flag=True, help=text("doctor.option.strict", "Exit with code 1 for warnings, too"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md"]),
    default="text",
    help=text(
        "doctor.option.format", "md: Markdown to paste into an issue, without user and host names (default: text)"
    ),
)
@click.option(
    "--deep",
    is_flag=True,
    help=text("doctor.option.deep", "Also hash every installed file, to find damage that does not change the size"),
)
@click.option("--fix", is_flag=True, help=text("doctor.option.fix", "Repair the environment after asking"))
@changing_options
@common_options
def command(session: Session, **options: Any) -> Answer:
    """Examine, diagnose, render; exit 1 when there is an error."""
    plugins = plugin_rules(session.host)
    rules = (*RULES, *plugins.rules)
    _check(options, rules)
    if options["listing"]:
        return _list(rules, plugins.notices)
    if options["machine_path"] and not options["recording"] and session.host.is_dir(options["machine_path"]):
        return _many(session, options, rules)
    examined = _examine(session, options)
    examined = replace(examined, notices=(*plugins.notices, *examined.notices))
    found = diagnose(examined.facts, rules=rules, only=options["only"], ignore=options["ignore"])
    if options["fix"]:
        from torchup.cli.doctor_fix import fix  # noqa: PLC0415  # loads the planner and the installers

        return fix(session, examined, found)
    return _answer(session, examined, found, options)


def _many(session: Session, options: dict[str, Any], rules: Sequence[Rule]) -> Answer:
    from torchup.cli.doctor_many import many  # noqa: PLC0415  # few have a folder of machines

    whole = not options["only"] and not options["ignore"]
    return many(
        session,
        options,
        rules,
        is_bad=lambda facts, found: is_bad(found, facts, strict=options["strict"], whole=whole),
        safe=safe,
    )


def _check(options: dict[str, Any], rules: Sequence[Rule]) -> None:
    for name in (*options["only"], *options["ignore"]):
        if not any(rule.slug.startswith(name) for rule in rules):
            text_ = message("doctor.rule.unknown", "no rule name starts with `{name}`", name=name)
            raise UsageError(
                text_, hint=message("doctor.rule.unknown.hint", "run `torchup doctor --list` to see all rules")
            )
    if options["unexpected"]:
        _unexpected(options["unexpected"][0])
    if options["reports"]:
        _check_report(options)
    if options["fix"]:
        _check_fix(options)


def _unexpected(word: str) -> None:
    raise UsageError(
        message("doctor.argument", "unexpected argument `{word}`", word=word),
        hint=message(
            "doctor.argument.hint",
            "run `torchup doctor --report {word}` if `{word}` is a file with a report",
            word=word,
        ),
    )


def _check_report(options: dict[str, Any]) -> None:
    if len(options["reports"]) > 1:
        raise UsageError(
            message("doctor.report.twice", "--report can be used only once"),
            hint=message(
                "doctor.report.twice.hint",
                "put reports of the same machine into one file, or run `torchup doctor --report FILE` once for "
                "each report",
            ),
        )
    if options["env"] or options["python"] or options["machine_path"] or options["recording"] or options["assumed"]:
        raise UsageError(
            message(
                "doctor.report.alone",
                "--report cannot be combined with --env, --python, --machine, --assume or --from",
            ),
            hint=message(
                "doctor.report.alone.hint", "leave out the other options: the report describes its own machine"
            ),
        )
    if options["fix"]:
        raise UsageError(
            message("doctor.fix.report", "torchup can repair an environment on this machine, not a report"),
            hint=message(
                "doctor.fix.report.hint", "run `torchup doctor --fix` on the machine that the report describes"
            ),
        )


def _check_fix(options: dict[str, Any]) -> None:
    """Only an environment of this machine as it is can be repaired."""
    others = {"--machine": options["machine_path"], "--from": options["recording"], "--assume": options["assumed"]}
    named = next((option for option, value in others.items() if value), None)
    if named is not None:
        raise UsageError(
            message("doctor.fix.elsewhere", "--fix cannot be combined with {option}", option=named),
            hint=message(
                "doctor.fix.elsewhere.hint",
                "leave out {option} to repair an environment of this machine, or --fix to see only the diagnosis",
                option=named,
            ),
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
    def words() -> str:
        from torchup.report.doctor_text import doctor_markdown, doctor_text  # noqa: PLC0415  # --json never needs it

        if options["form"] == "md":
            return doctor_markdown(found, examined.facts)
        return doctor_text(
            found, examined.facts, session.style, verbose=session.verbose, looked_at=_looked_at(examined)
        )

    def strong() -> str:
        from torchup.report.doctor_text import headline  # noqa: PLC0415  # --json never needs it

        return headline(found, session.style, live=examined.facts.live).partition(" ")[2]

    def html() -> str:
        from torchup.report.html_blocks import in_a_notebook  # noqa: PLC0415  # only a notebook needs it
        from torchup.report.html_doctor import doctor_html  # noqa: PLC0415  # same

        return in_a_notebook(doctor_html(found, examined.facts, looked_at=_looked_at(examined)))

    return Answer(
        command="doctor",
        data=doctor_data(found, examined.facts),
        text=words,
        strong=strong,
        html=html,
        document=options["form"] == "md",
        exit_code=_exit_code(examined, found, options),
        notices=examined.notices,
    )


def _exit_code(examined: Examined, found: Diagnosis, options: dict[str, Any]) -> ExitCode:
    whole = not options["only"] and not options["ignore"]
    return exit_code_of(found, examined, strict=options["strict"], whole=whole)


def _looked_at(examined: Examined) -> Message | None:
    """Which environment the answer is about; nothing for a report or another machine."""
    if examined.python is None:
        return None
    if examined.name is not None:
        return message(
            "doctor.looked-at.environment",
            "examined the environment `{name}` ({path})",
            name=examined.name,
            path=examined.python,
        )
    return message(
        "doctor.looked-at.python",
        "examined {path}; use --env NAME or --python PATH to examine another environment",
        path=examined.python,
    )


def _examine(session: Session, options: dict[str, Any]) -> Examined:
    if options["reports"]:
        return examine_report(read_report(session, options["reports"][0]))
    if options["machine_path"] or options["recording"] or options["assumed"]:
        return _pretended(session, options)
    target = _target(session, options["env"], options["python"])
    return examine_here(session.host, target, deep=options["deep"])


def read_report(session: Session, path: str) -> bytes:
    """The bytes of a report file, or of stdin."""
    if path == "-":
        raw = sys.stdin.buffer.read(REPORT_LIMIT) if sys.stdin is not None else b""
    else:
        raw = session.host.read_given(path, REPORT_LIMIT)
    if raw is None:
        raise UsageError(
            message("doctor.report.unreadable", "the report {path} cannot be read", path=path),
            hint=message(
                "doctor.report.unreadable.hint", "check the path, or use `-` to read a report from standard input"
            ),
        )
    return raw


def _pretended(session: Session, options: dict[str, Any]) -> Examined:
    """Another machine, or this one changed; of its environments only a Python that is named is looked at."""
    from torchup.cli.machine_options import named_machines  # noqa: PLC0415  # not for reports

    machine = named_machines(session.host, options["machine_path"], options["assumed"], options["recording"])[0].machine
    named = options["env"] or options["python"]
    target = find_target(session, options["env"], options["python"]) if named else None
    return examine_machine(session.host, machine, target.python if target else None)


def _target(session: Session, env: str | None, python: str | None) -> tuple[str, str | None] | None:
    """Path of the Python to examine and the name of its environment; ``None``: there is only torchup's own.

    Without options and settings (TORCHUP_ENV, torchup.toml; click has put them into ``env``): the active environment,
    else torchup's default one, else the first Python on PATH.
    """
    from torchup.envs import registry  # noqa: PLC0415  # not for reports

    named = env is not None or python is not None
    active = None if named else active_python(session.host)
    if active is not None:
        return active, None
    if named or registry.DEFAULT_NAME in registry.names(session.host):
        target = find_target(session, env, python)
        return target.python, target.name
    found = python_on_path(session.host)
    return None if found is None else (found, None)
