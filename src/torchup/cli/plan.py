"""`torchup plan`: which build fits, why, and why not the others. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from torchup.catalog.stored import stored_catalog
from torchup.cli.answer import Answer
from torchup.cli.machine_options import (
    NamedMachine,
    Unreadable,
    machine_options,
    machines_in,
    named_machines,
    one_machine_only,
)
from torchup.cli.request_options import request_options
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.encoding import to_builtins
from torchup.errors import ExitCode, NoBuildError, TorchupError, UsageError
from torchup.i18n import render, text
from torchup.model import Survey, message
from torchup.plan import resolve
from torchup.plan.exports import FLEET, LOCK, NAMES
from torchup.report.plan_text import Outcome, build_line, failure_of, outcomes_text, plan_data, plan_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Plan, Request


@click.command(
    cls=Verb,
    name="plan",
    help=text(
        "plan.help",
        "Show which build of torch fits a machine, why it fits, and why the others do not. Changes nothing.",
    ),
)
@request_options
@machine_options
@click.option(
    "--why-not",
    "asked",
    metavar="VARIANT|VERSION",
    help=text(
        "plan.option.why-not", "Build whose rejection to explain, e.g. cu132, 2.15 or 2.15.0+cu130 (default: none)"
    ),
)
@click.option(
    "--export",
    "export_kind",
    type=click.Choice((*NAMES, *FLEET)),
    metavar="FORMAT",
    help=text(
        "plan.option.export.fleet",
        "Format of the export to stdout: {names}; for one machine or a folder of machines: {fleet} (default: none)",
        names=", ".join(NAMES),
        fleet=", ".join(FLEET),
    ),
)
@click.option(
    "--sizes",
    is_flag=True,
    help=text("plan.option.sizes", "Resolve the plan to files and show their exact sizes (takes a few seconds)"),
)
@common_options
def command(
    session: Session,
    *,
    request: Request,
    machine_path: str | None,
    assumed: tuple[str, ...],
    recording: str | None,
    asked: str | None,
    export_kind: str | None,
    sizes: bool,
) -> Answer:
    """Plan for this machine, another one, or a folder of them."""
    catalog = current_catalog(session)
    if machine_path and not recording and session.host.is_dir(machine_path):
        machines = machines_in(session.host, machine_path, assumed)
        one_only = {"--export": bool(export_kind) and export_kind not in FLEET, "--why-not": asked is not None,
                    "--sizes": sizes}  # fmt: skip
        for option in (option for option, given in one_only.items() if given):
            raise one_machine_only(option, machine_path)
        return _many(session, machines, request, catalog, export_kind)
    target = named_machines(session.host, machine_path, assumed, recording)[0]
    survey = ask_sources(session, target, request, catalog)
    if asked is not None:
        return _why_not(asked, target, request, catalog, survey)
    if export_kind in FLEET:
        plan = resolve(target.machine, request, catalog, survey)
        return _export_fleet([Outcome(name=_called(target), machine=target.machine, plan=plan)], export_kind)
    if export_kind:
        return _export(session, target, resolve(target.machine, request, catalog, survey), export_kind)
    plan, destination = with_steps(session, resolve(target.machine, request, catalog, survey), here=target.here)

    def shown() -> str:
        return plan_text(
            plan,
            target.machine,
            session.style,
            destination=destination,
            verbose=session.verbose,
            here=target.here or target.recorded,
        )

    if sizes:
        from torchup.cli.plan_sizes import with_sizes  # noqa: PLC0415  # runs uv

        needs_network(request, "--sizes")
        return with_sizes(session, target, plan, shown)
    return Answer(
        command="plan",
        data=plan_data(plan, target.machine),
        text=shown,
        strong=lambda: build_line(plan),
        html=lambda: _html(plan, target.machine),
    )


def needs_network(request: Request, asked: str) -> None:
    """Raise `UsageError` where `--offline` meets an option that needs the network."""
    if request.offline:
        raise UsageError(
            message("plan.needs-network", "{option} needs the network, but --offline forbids it", option=asked),
            hint=message("plan.needs-network.hint", "leave out --offline"),
        )


def _html(plan: Plan, machine: Machine) -> str:
    from torchup.report.html_blocks import in_a_notebook  # noqa: PLC0415  # only a notebook needs it
    from torchup.report.html_plan import plan_html  # noqa: PLC0415  # same
    from torchup.report.plan_commands import install_lines  # noqa: PLC0415  # same

    return in_a_notebook(plan_html(plan, machine, install_lines(plan, machine)))


def _export(session: Session, target: NamedMachine, plan: Plan, kind: str) -> Answer:
    if kind == LOCK:
        from torchup.install.lock import lock  # noqa: PLC0415  # runs uv

        session.note(message("plan.locking", "resolving all dependencies with uv"))
        content = lock(session.host, plan, target.machine, here=target.here)
    else:
        from torchup.plan.export import export  # noqa: PLC0415  # loads parsers that a plan on screen does not need

        content = export(plan, target.machine, kind)
    return Answer(
        command="plan",
        data={"format": kind, "content": content},
        text=lambda: content.removesuffix("\n"),
        document=True,
    )


def _called(target: NamedMachine) -> str:
    """The name of one machine in a file for several: its file's, or that of this machine to itself."""
    return "localhost" if target.name == "-" else target.name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _export_fleet(outcomes: Sequence[Outcome], kind: str) -> Answer:
    """One file for every machine that has a plan; the others are named in it, and the exit code says so."""
    from torchup.plan.export import FLEET as WRITERS  # noqa: PLC0415  # only for these exports
    from torchup.plan.exports.fleet import LeftOut, Planned  # noqa: PLC0415  # same

    planned = [Planned(name=o.name, machine=o.machine, plan=o.plan) for o in outcomes if o.machine and o.plan]
    left_out = [LeftOut(name=o.name, why=o.failure or "") for o in outcomes if o.plan is None]
    if not planned:
        raise NoBuildError(
            message(
                "export.fleet.none",
                "no machine in the folder has a plan; the first reason is: {why}",
                why=left_out[0].why,
            ),
            hint=message(
                "export.fleet.none.hint", "run `torchup plan --machine DIR` to see the reason for each machine"
            ),
        )
    content = WRITERS[kind](planned, left_out)
    return Answer(
        command="plan",
        data={"format": kind, "content": content},
        text=lambda: content.removesuffix("\n"),
        document=True,
        exit_code=ExitCode.NO_BUILD if left_out else ExitCode.OK,
    )


def current_catalog(session: Session) -> Catalog:
    """The built-in catalogue with what this user's refreshes learned; a damaged file of those is named and left out."""
    return stored_catalog(session.host, session.note)


def ask_sources(session: Session, target: NamedMachine, request: Request, catalog: Catalog) -> Survey:
    """What this machine's sources answer; for a machine elsewhere, name a mirror and contact nothing."""
    if not target.here:
        return _told(session, target.machine, request, catalog)
    from torchup.sources.surveyor import survey  # noqa: PLC0415  # pretended machines never need it

    return survey(session.host, target.machine, request, catalog)


def _told(session: Session, machine: Machine, request: Request, catalog: Catalog) -> Survey:
    if not request.mirror:
        return Survey()
    from torchup.sources.elsewhere import mirror_alone  # noqa: PLC0415  # few name a mirror for another machine

    return mirror_alone(session.host, machine, request, catalog)


def with_steps(session: Session, plan: Plan, *, here: bool, name: str = "default") -> tuple[Plan, str | None]:
    """The plan with the commands that would carry it out, and the folder they would make (``None``: elsewhere)."""
    from torchup.envs.registry import environment_path  # noqa: PLC0415  # loads file locks
    from torchup.install import steps  # noqa: PLC0415  # same

    path = environment_path(session.host, name) if here else None
    return replace(plan, steps=steps(plan, path or f"envs/{name}")), path


def _why_not(asked: str, target: NamedMachine, request: Request, catalog: Catalog, survey: Survey) -> Answer:
    from torchup.compat.target import variant_name  # noqa: PLC0415  # same
    from torchup.plan.explain import why_not  # noqa: PLC0415  # only for --why-not

    found = why_not(asked, target.machine, request, catalog, survey)

    def lines() -> str:
        parts = [render(found.answer)]
        others = found.builds[1:] if found.answer.code == "plan.why-not.answer" else found.builds
        parts += [f"  {b.torch}+{variant_name(b.variant, target.machine)}  {render(b.detail)}" for b in others]
        if found.remedy is not None:
            parts.append(render(found.remedy))
        return "\n".join(parts)

    return Answer(command="plan", data={"why_not": found}, text=lines)


def _many(
    session: Session,
    machines: tuple[NamedMachine | Unreadable, ...],
    request: Request,
    catalog: Catalog,
    export_kind: str | None,
) -> Answer:
    outcomes = [_outcome(session, one, request, catalog) for one in machines]
    if export_kind:
        return _export_fleet(outcomes, export_kind)
    return Answer(
        command="plan",
        data={"machines": [_outcome_data(outcome) for outcome in outcomes]},
        text=lambda: outcomes_text(outcomes, session.style, verbose=session.verbose),
        exit_code=ExitCode.OK if all(outcome.plan for outcome in outcomes) else ExitCode.NO_BUILD,
    )


def _outcome(session: Session, one: NamedMachine | Unreadable, request: Request, catalog: Catalog) -> Outcome:
    if isinstance(one, Unreadable):
        return Outcome(name=one.name, failure=one.failure, hint=one.hint)
    survey = _told(session, one.machine, request, catalog)
    try:
        return Outcome(name=one.name, machine=one.machine, plan=resolve(one.machine, request, catalog, survey))
    except TorchupError as error:
        failure, hint = failure_of(error)
        return Outcome(name=one.name, machine=one.machine, failure=failure, hint=hint)


def _outcome_data(outcome: Outcome) -> dict[str, object]:
    return {
        "file": outcome.name,
        "plan": to_builtins(plan_data(outcome.plan, outcome.machine) if outcome.plan and outcome.machine else None),
        "error": outcome.failure,
        "hint": outcome.hint,
    }
