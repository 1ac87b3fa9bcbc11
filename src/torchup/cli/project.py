"""`torchup project`: the right build in the project's own file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, changing_options, common_options, say
from torchup.encoding import to_builtins
from torchup.errors import ExitCode, UsageError
from torchup.i18n import render, text
from torchup.model import Request, Secret, Severity, message
from torchup.report.severities import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torchup.catalog.types import Catalog
    from torchup.jobs.project import Edit, ProjectFile, Target
    from torchup.project.check import Flaw

_TOOLS = ("uv", "poetry", "pdm", "pixi")


@click.group(
    cls=VerbGroup,
    name="project",
    help=text(
        "project.help",
        "Write the right build of torch into your project's own file: pyproject.toml (uv, Poetry, PDM, pixi), "
        "pixi.toml, environment.yml, requirements.txt",
    ),
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


def _file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a subverb the folder, ``--file`` and ``--tool``."""
    decorated = function
    for option in reversed((
        click.argument("folder", default=".", metavar="[FOLDER]"),
        click.option(
            "--file", "files", multiple=True, metavar="NAME",
            help=text("project.option.file",
                "File to use in the folder (repeatable; default: every known project file; for sync, those that "
                "list torch)"),
        ),
        click.option(
            "--tool", type=click.Choice(_TOOLS),
            help=text("project.option.tool",
                "Tool to use; required if pyproject.toml has tables of several tools (default: the only one)"),
        ),
    )):  # fmt: skip
        decorated = option(decorated)
    return decorated


def _target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a subverb the machines to serve, and what is wanted for them."""
    decorated = function
    for option in reversed((
        click.option(
            "--for", "kinds", metavar="NAMES",
            help=text(
                "project.option.for",
                "Kinds of machines, e.g. mac,linux-cuda,cpu or linux-cuda='GTX 1080' (default for sync: this "
                "machine)",
            ),
        ),
        click.option(
            "--machine", "machine_path", metavar="FILE|DIR",
            help=text(
                "project.option.machine",
                "Machine to support: FILE from `torchup detect --json`, or all machines in DIR (default for "
                "sync: this machine)"
            ),
        ),
        click.option(
            "--torch", metavar="VERSION",
            help=text("cli.request.torch",
                "torch version to install, e.g. 2.14, 2.14.1 or '>=2.12' (default: the newest that fits)"),
        ),
        click.option(
            "--python", metavar="VERSION",
            help=text("cli.request.python",
                "Python version, e.g. 3.12 or 3.14t (default: the newest installed one that fits, else the "
                "newest up to 3.14)"),
        ),
        click.option(
            "--mirror", metavar="NAME|URL", envvar="TORCHUP_MIRROR",
            help=text("cli.request.mirror",
                "Mirror to install from: a name from `torchup mirror list` or a URL (default: none)"),
        ),
        click.option("--offline", is_flag=True, help=text("cli.request.offline", "Do not access the network")),
    )):  # fmt: skip
        decorated = option(decorated)
    return decorated


@command.command(
    name="show", help=text("project.show.help", "Show which torch the project's files require. Changes nothing.")
)
@_file_options
@common_options
def show_command(session: Session, folder: str, files: tuple[str, ...], tool: str | None) -> Answer:
    """`torchup project show [FOLDER]`."""
    found = _read(session, folder, files, tool)
    return Answer(command="project show", data={"files": [_data(one) for one in found]},
                  text=lambda: "\n\n".join(_shown(one) for one in found))  # fmt: skip


@command.command(
    name="check",
    help=text(
        "project.check.help",
        "Check the project's files, e.g. in CI, and exit with code 1 if something is wrong. With --for or "
        "--machine, also check that the files support these machines.",
    ),
)
@_file_options
@_target_options
@common_options
def check_command(session: Session, folder: str, files: tuple[str, ...], tool: str | None, **wanted: Any) -> Answer:
    """`torchup project check [FOLDER]`."""
    from torchup.jobs.project import flaws  # noqa: PLC0415  # parsers that other verbs do not need

    found = _read(session, folder, files, tool)
    catalog = _catalog(session)
    listed = [(one.name, flaw) for one in found for flaw in flaws(one, catalog)]
    if wanted["kinds"] or wanted["machine_path"]:
        command = _sync_line(folder, files, tool, wanted)
        listed += [(edit.name, _not_planned(edit, command)) for edit in _edits(session, found, wanted) if edit.changes]
    bad = any(flaw.severity is not Severity.INFO for _, flaw in listed)
    return Answer(
        command="project check",
        data={"flaws": [{"file": name, **to_builtins(flaw)} for name, flaw in listed]},
        text=lambda: _flaws_text(listed, [one.name for one in found]),
        exit_code=ExitCode.FINDINGS if bad else ExitCode.OK,
    )


@command.command(
    name="sync",
    help=text(
        "project.sync.help",
        "Write the planned build into the project's file; only entries that concern torch change. torchup shows "
        "the difference and asks first. Without --for or --machine, the file supports this machine.",
    ),
)
@_file_options
@_target_options
@click.option("--undo", is_flag=True, help=text("project.option.undo", "Undo the last sync"))
@changing_options
@common_options
def sync_command(
    session: Session, folder: str, files: tuple[str, ...], tool: str | None, *, undo: bool, **wanted: Any
) -> Answer:
    """`torchup project sync [FOLDER]`."""
    from torchup.jobs import project  # noqa: PLC0415  # parsers that other verbs do not need

    if undo:
        edits: Sequence[Edit] = project.undo_of(session.host, folder, files)
    else:
        edits = _edits(session, _read(session, folder, files, tool), wanted)
    changed = [edit for edit in edits if edit.changes]
    written = bool(changed) and not session.dry_run and _agreed(session, changed)
    if written and undo:
        project.carry_out_undo(session.host, changed)
    elif written:
        project.write(session.host, changed)
    return Answer(
        command="project sync",
        data={"files": [_edit_data(edit) for edit in edits], "written": written, "dry_run": session.dry_run},
        text=lambda: _synced(edits, folder, written=written, undo=undo),
    )


# ---------------------------------------------------------------- what the subverbs share


def _catalog(session: Session) -> Catalog:
    from torchup.catalog.stored import stored_catalog  # noqa: PLC0415  # `show` needs none

    return stored_catalog(session.host, session.note)


def _read(session: Session, folder: str, files: Sequence[str], tool: str | None) -> tuple[ProjectFile, ...]:
    from torchup.jobs.project import read_project  # noqa: PLC0415  # parsers that other verbs do not need
    from torchup.project.kinds import Kind  # noqa: PLC0415  # same

    return read_project(session.host, folder, files, Kind(tool) if tool else None)


def _edits(session: Session, found: Sequence[ProjectFile], wanted: dict[str, Any]) -> list[Edit]:
    from torchup.jobs.project import edit_of, with_torch  # noqa: PLC0415  # parsers that other verbs do not need

    catalog = _catalog(session)
    request = Request(torch=wanted["torch"], python=wanted["python"], mirror=Secret.of(wanted["mirror"]),
                      offline=wanted["offline"])  # fmt: skip
    targets = _targets(session, request, catalog, wanted)
    return [edit_of(one, targets, request, catalog) for one in with_torch(found)]


def _targets(session: Session, request: Request, catalog: Catalog, wanted: dict[str, Any]) -> list[Target]:
    """The machines to serve: kinds, files, or this one with what its sources answer."""
    from torchup.cli.machine_options import Unreadable, machines_in, named_machines  # noqa: PLC0415  # not for `show`
    from torchup.cli.plan import ask_sources  # noqa: PLC0415  # same
    from torchup.jobs.project import Target, targets_named  # noqa: PLC0415  # same

    host, path = session.host, wanted["machine_path"]
    named = list(targets_named(wanted["kinds"])) if wanted["kinds"] else []
    if path and host.is_dir(path):
        for one in machines_in(host, path, ()):
            if isinstance(one, Unreadable):
                raise UsageError(
                    message("project.machine", "{name}: {why}", name=one.name, why=one.failure),
                    hint=message("project.machine.hint", "correct or remove the machine file"),
                )
            named.append(Target(name=one.name, machine=one.machine))
    elif path or not named:
        one = named_machines(host, path, (), None)[0]
        named.append(Target(name=one.name, machine=one.machine, survey=ask_sources(session, one, request, catalog)))
    return named


def _agreed(session: Session, edits: Sequence[Edit]) -> bool:
    """Show the difference, then ask; a session that is not interactive is an error, not a silent no."""
    if not session.as_json:
        say("\n".join(edit.difference for edit in edits) + "\n")
    names = ", ".join(edit.name for edit in edits)
    if session.confirm(message("project.ask", "write {names}?", names=names)):
        return True
    raise UsageError(
        message("env.not-agreed", "nothing was changed"), hint=message("env.not-agreed.hint", "use --yes to answer yes")
    )


def _sync_line(folder: str, files: Sequence[str], tool: str | None, wanted: dict[str, Any]) -> str:
    """The sync that writes what was checked: the same folder, files and machines. A mirror's login is left out."""
    from torchup.sources.private import shown  # noqa: PLC0415  # only for a difference

    mirror = shown(Secret(wanted["mirror"])) if wanted["mirror"] else None
    options = {
        "--tool": tool, "--for": wanted["kinds"], "--machine": wanted["machine_path"], "--torch": wanted["torch"],
        "--python": wanted["python"], "--mirror": mirror,
    }  # fmt: skip
    words = ["torchup", "project", "sync", *([folder] if folder != "." else [])]
    words += [word for name in files for word in ("--file", name)]
    words += [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join([*words, *(["--offline"] if wanted["offline"] else [])])


def _not_planned(edit: Edit, command: str) -> Flaw:
    from torchup.project.check import Flaw  # noqa: PLC0415  # only for a difference

    builds = ", ".join(dict.fromkeys(slot.label for slot in edit.slots))
    return Flaw(
        rule="not-as-planned",
        severity=Severity.ERROR,
        summary=message("project.flaw.planned", "the file does not contain what these machines need: {builds}",
                        builds=builds),
        fix=message("project.fix.sync-machines", "run `{command}` to write the planned builds", command=command),
    )  # fmt: skip


# ---------------------------------------------------------------- answers


def _data(one: ProjectFile) -> dict[str, Any]:
    return {"file": one.name, "kind": one.kind.value, "packages": to_builtins(one.found.wishes),
            "indexes": to_builtins(one.found.places), "conda": to_builtins(one.found.conda)}  # fmt: skip


def _edit_data(edit: Edit) -> dict[str, Any]:
    return {
        "file": edit.name, "changed": edit.changes, "difference": edit.difference,
        "builds": [
            {"torch": slot.torch, "variant": slot.variant, "platforms": sorted(slot.platforms), "extra": slot.extra,
             "index": slot.index}
            for slot in edit.slots
        ],
    }  # fmt: skip


def _shown(one: ProjectFile) -> str:
    lines = [f"{one.name} ({one.kind.value})"]
    for wish in one.found.wishes:
        everywhere = len(wish.platforms) >= 6  # noqa: PLR2004  # all that uv resolves for
        where = text("project.everywhere", "every platform") if everywhere else ", ".join(wish.platforms)
        place = wish.index or text("project.anywhere", "no index of its own")
        extra = f" [{wish.extra}]" if wish.extra else ""
        lines.append(f"  {wish.name}{wish.specifier}{extra}  {place}  {where}")
    lines += [f"  {spec}" for spec in one.found.conda if spec.split("=")[0].strip() in _CONDA_SHOWN]
    if len(lines) == 1:
        lines.append("  " + text("project.no-torch", "does not list torch"))
    return "\n".join(lines)


_CONDA_SHOWN = ("pytorch", "pytorch-gpu", "pytorch-cpu", "torchvision", "torchaudio", "pytorch-cuda", "cuda-version")


def _flaws_text(listed: Sequence[tuple[str, Flaw]], names: Sequence[str]) -> str:
    if not listed:
        return text("project.sound", "torchup found no problem in {names}", names=", ".join(names))
    lines = []
    for name, flaw in listed:
        said = text(
            "project.flaw",
            "{file}: {severity}: {summary}",
            file=name,
            severity=SEVERITIES[flaw.severity],
            summary=flaw.summary,
        )
        lines += [f"{said}  [{flaw.rule}]", f"    {render(flaw.fix)}"]
    return "\n".join(lines)


def _synced(edits: Sequence[Edit], folder: str, *, written: bool, undo: bool) -> str:
    changed = [edit for edit in edits if edit.changes]
    if not changed:
        return text("project.sync.same", "nothing to change: {names}", names=", ".join(edit.name for edit in edits))
    if not written:
        return "\n".join(edit.difference for edit in changed)
    names = ", ".join(edit.name for edit in changed)
    if undo:
        return text("project.sync.undone", "restored {names}", names=names)
    lines = [
        text(
            "project.sync.done",
            "wrote {names}; run `{command}` to restore the previous content",
            names=names,
            command=shlex.join(["torchup", "project", "sync", *([folder] if folder != "." else []), "--undo"]),
        )
    ]
    lines += [_chosen(edit) for edit in changed]
    for edit in changed:
        lines += _which_build(edit)
    return "\n".join(lines)


def _which_build(edit: Edit) -> Iterator[str]:
    """How one of several builds of a platform is chosen, in the words of the file's tool."""
    from torchup.project.kinds import Kind  # noqa: PLC0415  # parsers that other verbs do not need

    names = sorted({slot.extra for slot in edit.slots if slot.extra})
    if names and edit.kind is Kind.PIXI:
        yield text("project.sync.environments",
            "a platform has several builds: use one of them with `pixi run -e NAME` (names: {names})",
            names=", ".join(names))  # fmt: skip
    elif names:
        yield text("project.sync.extras",
            "a platform has several builds: install the project with only one of --extra {names}",
            names=", --extra ".join(names))  # fmt: skip


def _chosen(edit: Edit) -> str:
    rows = [f"  {slot.label}: {', '.join(sorted(slot.platforms))}" for slot in edit.slots]
    return "\n".join(rows)
