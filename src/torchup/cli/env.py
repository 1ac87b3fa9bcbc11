"""`torchup env`: the environments on this machine."""

from __future__ import annotations

import contextlib
import importlib
import re
from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.defaults import defaults_for
from torchup.cli.display import DISPLAY
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.target import environment_names
from torchup.envs import activation, guard, kernels, records, registry, transaction
from torchup.envs.project import environment_name
from torchup.errors import UsageError
from torchup.i18n import text
from torchup.install.guard import stopped
from torchup.install.keep import changes
from torchup.model import UNKNOWN, Notice, message
from torchup.report import env_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.model import Environment, Message

NOT_FOUND = 127  # what shells return for a command that is not there
NOT_RUNNABLE = 126  # and for one that the system refuses to start
_JUPYTER = frozenset({"jupyter", "jupyter-lab", "jupyter-notebook"})  # what `torchup lab` installs
_PIP = re.compile(r"pip[\d.]*")
NAME = click.argument("name", required=False, shell_complete=environment_names)


# Subcommands that need more rooms than the rest; imported when they are used.
LAZY = {
    "create": "torchup.cli.env_create",
    "repair": "torchup.cli.env_repair",
    "export": "torchup.cli.env_export",
    "bundle": "torchup.cli.env_bundle",
}


class _EnvGroup(VerbGroup):
    """A group of which some commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first use."""
        return ["create", *super().list_commands(ctx), "repair", "export", "bundle"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One subcommand."""
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        found: click.Command = importlib.import_module(LAZY[cmd_name]).command
        if isinstance(ctx.obj, Session):  # settings as defaults, as the rest of the verbs has them
            own = defaults_for(found, f"env {cmd_name}", ctx.obj.host)
            ctx.default_map = {**(ctx.default_map or {}), cmd_name: own}
        return found


@click.group(
    cls=_EnvGroup,
    name="env",
    help=text(
        "env.help",
        "Create, list, show, remove, roll back, repair, export, bundle and adopt environments, and run programs "
        "in them",
    ),
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(name="list", help=text("env.list.help", "List the environments"))
@common_options
def list_command(session: Session) -> Answer:
    """`torchup env list`."""
    environments = registry.list_environments(session.host)
    chosen = environment_name(session.host, None)
    return Answer(
        command="env list",
        data=environments,
        text=lambda: env_text.list_text(environments, chosen, session.style),
        notices=tuple(_unusable(session.host, environments)),
    )


@command.command(
    name="show",
    help=text("env.show.help", "Show what is in an environment, where it came from and when it was verified"),
)
@NAME
@common_options
def show_command(session: Session, name: str | None) -> Answer:
    """`torchup env show [NAME]`."""
    host = session.host
    environment = registry.find(host, environment_name(host, name))
    record = registry.read_record(host, environment.name)
    shells = activation.hints(host, environment.path)
    windows = host.platform().system == "Windows"
    mine = activation.shell_of(host.environ(), windows=windows)
    shown = shells if session.verbose else {shell: line for shell, line in shells.items() if shell == mine}
    data = {
        "environment": environment,
        "verification": record.verification if record else None,
        "activation": shells,
        "previous": _previous(host, environment),
    }
    return Answer(
        command="env show",
        data=data,
        text=lambda: env_text.show_text(
            environment,
            record.verification if record else None,
            shown,
            session.style,
            previous=_previous(host, environment),
        ),
    )


@command.command(
    name="remove",
    help=text(
        "env.remove.help", "Remove an environment and its previous version; the files of an adopted environment stay"
    ),
)
@click.argument("name", shell_complete=environment_names)
@changing_options
@common_options
def remove_command(session: Session, name: str) -> Answer:
    """`torchup env remove NAME`."""
    environment = registry.find_listed(session.host, registry.check_name(name))
    question = (
        message(
            "env.remove.forget", "remove `{name}` from torchup's list ({path} stays)?", name=name, path=environment.path
        )
        if environment.adopted
        else _delete(session.host, environment)
    )
    if session.dry_run:
        removed = () if environment.adopted else _paths(session.host, environment)
        return Answer(command="env remove", data={"would_remove": removed}, text=lambda: "\n".join(removed))
    agree(session, question)
    registry.remove(session.host, name)
    with contextlib.suppress(OSError):  # `kernel list` shows a stale one
        for kernel in kernels.of_environment(session.host, environment.path):
            kernels.remove(session.host, kernel)
    return Answer(
        command="env remove",
        data=environment,
        text=lambda: text("env.remove.done", "removed `{name}`", name=name),
    )


def _delete(host: Host, environment: Environment) -> Message:
    """The question before an environment is deleted: all that goes with it is named."""
    places = ", ".join(_paths(host, environment)) or environment.path
    ours = ", ".join(kernel.name for kernel in kernels.of_environment(host, environment.path))
    if not ours:
        return message("env.remove.ask", "delete `{name}` ({path})?", name=environment.name, path=places)
    return message(
        "env.remove.ask-kernels",
        "delete `{name}` ({path}) and its Jupyter kernels ({kernels})?",
        name=environment.name,
        path=places,
        kernels=ours,
    )


@command.command(name="rollback", help=text("env.rollback.help", "Restore the previous version of an environment"))
@NAME
@changing_options
@common_options
def rollback_command(session: Session, name: str | None) -> Answer:
    """`torchup env rollback [NAME]`."""
    host = session.host
    chosen = environment_name(host, name)
    before = registry.get(host, chosen)
    if session.dry_run:
        label = _previous(host, registry.find(host, chosen))
        would = text(
            "env.rollback.would",
            "`{name}` would have torch {torch} again",
            name=chosen,
            torch=label or UNKNOWN,
        )
        return Answer(command="env rollback", data={"would_restore": label or "-"}, text=lambda: would)
    after = registry.roll_back(host, chosen)
    with contextlib.suppress(OSError):  # kernels go on working; only their labels name the other torch
        kernels.refresh(host, after, registry.find_python(host, after.path) or registry.python_of(after.path))
    changed = changes(before.packages if before else {}, after.packages)
    label = env_text.torch_label(after)
    done = text("env.rollback.done", "`{name}` has torch {torch} again", name=chosen, torch=label)
    return Answer(
        command="env rollback",
        data={"environment": after, "changes": changed},
        text=lambda: f"{done}\n{env_text.changes_text(changed, session.style)}",
    )


@command.command(
    name="run",
    help=text("env.run.help", "Run a program in an environment: `torchup env run [NAME] -- python train.py`"),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[NAME] --",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="PROGRAM [ARGUMENT]...")
@click.pass_context
def run_command(context: click.Context, words: tuple[str, ...]) -> Answer:
    """`torchup env run [NAME] -- PROGRAM ...`: its exit code is the answer's, its output is all there is."""
    session = context.ensure_object(Session)
    name, argv = _split(words)
    chosen = environment_name(session.host, name)
    if name is None and argv[0] in (known := registry.names(session.host)) and chosen not in known:
        raise _no_separator(argv[0])  # no environment was named, and the one that is meant without a name is not there
    environment = registry.find(session.host, chosen)
    session.as_json = False  # stdout is the program's
    program = activation.program(session.host, environment.path, argv[0])
    if program is None and argv[0] in registry.names(session.host):
        raise _no_separator(argv[0])
    if program is None:
        session.note(message("env.run.no-program", "cannot find the program `{name}`", name=argv[0]))
        session.note(_how_to_get(argv[0], environment.name))
        return Answer(command="env run", data=None, text=str, exit_code=NOT_FOUND)
    _tell_drift(session, environment)
    overlay = activation.run_environment(session.host, environment.path)
    try:
        with DISPLAY.suspended():
            code = session.host.run_attached((program, *argv[1:]), environment=overlay)
    except OSError as error:
        why = error.strerror or str(error)
        session.note(message("env.run.refused", "cannot run {program}: {error}", program=program, error=why))
        return Answer(command="env run", data=None, text=str, exit_code=NOT_RUNNABLE)
    if code and "install" in argv and not argv[0].startswith("pip"):  # pip's own script says it
        session.note(stopped(guard.kept(session.host, environment.path).get("torch", ""), environment.name))
    return Answer(command="env run", data=None, text=str, exit_code=code)


def _no_separator(name: str) -> UsageError:
    """The name of an environment stands where a program belongs."""
    hint = message("env.run.separator.hint", "run `torchup env run {name} -- PROGRAM`", name=name)
    return UsageError(message("env.run.separator", "`--` is missing between the name and the program"), hint=hint)


def _how_to_get(program: str, name: str) -> Message:
    """What to type where a program is not there: Jupyter has verbs, Python has pip, others come with a package."""
    if program == "jupyterhub":
        return message("env.run.no-program.hub", "hint: run `torchup hub {name}` to start JupyterHub", name=name)
    if _PIP.fullmatch(program):
        return message(
            "env.run.no-program.pip",
            "hint: run `torchup env run {name} -- python -m ensurepip --default-pip` to install pip",
            name=name,
        )
    if program in _JUPYTER:
        return message(
            "env.run.no-program.jupyter",
            "hint: run `torchup lab {name}` to install and start JupyterLab",
            name=name,
        )
    return message(
        "env.run.no-program.hint",
        "hint: check the program's name or path, or install the package that provides the program: `torchup env "
        "run {name} -- python -m pip install PACKAGE`",
        name=name,
    )


def _tell_drift(session: Session, environment: Environment) -> None:
    """Say what of the environment is no longer what was verified, and which packages wanted that."""
    path = environment.path
    for change in guard.drift(session.host, path):
        known = {"environment": environment.name, "name": change.name, "before": change.before}
        session.note(
            message(
                "env.run.drift",
                "`{environment}` has {name} {after}, but torchup verified {name} {before}; run `torchup doctor "
                "--env {environment}` to see how to restore it",
                after=change.after,
                **known,
            )
            if change.after
            else message(
                "env.run.gone",
                "`{environment}` no longer has {name} {before}, which torchup verified; run `torchup doctor "
                "--env {environment}` to see how to restore it",
                **known,
            )
        )
    replaced = guard.replacement(session.host, path)
    if replaced is not None and replaced.wanted_by:
        names = ", ".join(replaced.wanted_by)
        session.note(
            message(
                "env.run.wanted-by",
                "these packages accept the torch that is there now but not the verified one: {packages}",
                packages=names,
            )
        )


@command.command(
    name="adopt",
    help=text("env.adopt.help", "Register an existing environment (venv, conda, pixi) without changing it"),
)
@click.argument("path")
@click.option(
    "--name",
    help=text(
        "env.adopt.name",
        "Name of the environment (default: its folder's name; if that starts with a dot, the parent folder's name)",
    ),
)
@common_options
def adopt_command(session: Session, path: str, name: str | None) -> Answer:
    """`torchup env adopt PATH`."""
    environment = registry.adopt(session.host, path, name)
    done = text(
        "env.adopt.done",
        "registered {path} as `{name}`; its files were not changed",
        name=environment.name,
        path=environment.path,
    )
    notices = () if environment.torch else (_no_torch(environment),)
    if environment.source == "pytorch":
        ended = message(
            "env.adopt.ended",
            "the conda channel `pytorch` of this environment has no torch newer than 2.5.1: run `torchup explain "
            "conda-channels-ended` to see what to do",
        )
        notices = (*notices, Notice(code="env.adopt.ended", level="warning", text=ended))
    return Answer(command="env adopt", data=environment, text=lambda: done, notices=notices)


def _split(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """``NAME -- PROGRAM ...`` or ``-- PROGRAM ...``; click has taken away a leading ``--``."""
    if "--" in words[:2]:
        at = words.index("--")
        name, argv = (words[0] if at else None), words[at + 1 :]
    else:
        name, argv = None, words
    if argv:
        return name, argv
    raise UsageError(
        message("env.run.nothing", "the command names no program to run"),
        hint=message("env.run.nothing.hint", "name a program: `torchup env run NAME -- python train.py`"),
    )


def agree(session: Session, question: Message) -> None:
    """Ask; raises `UsageError` where the answer is no."""
    if not session.confirm(question):
        raise UsageError(
            message("env.not-agreed", "nothing was changed"),
            hint=message("env.not-agreed.hint", "use --yes to answer yes"),
        )


def _previous(host: Host, environment: Environment) -> str | None:
    record = records.read(host, transaction.previous_of(environment.path))
    return env_text.torch_label(record.environment) if record else None


def _paths(host: Host, environment: Environment) -> tuple[str, ...]:
    previous = transaction.previous_of(environment.path)
    return tuple(path for path in (environment.path, previous) if host.exists(path))


def _unusable(host: Host, environments: Sequence[Environment]) -> Iterator[Notice]:
    """A warning for what cannot be used, and where the list itself cannot be read."""
    folder = registry.environments_folder(host)
    if host.is_dir(folder) and host.list_dir(folder) is None:
        yield _warning(message("env.list.unreadable", "the environments in {path} cannot be listed", path=folder))
    for environment in environments:
        if not host.is_dir(environment.path):
            yield _gone(environment)
        elif not environment.adopted and registry.get(host, environment.name) is None:
            yield _warning(
                message(
                    "env.list.unusable",
                    "the folder {path} of `{name}` cannot be read or is not an environment",
                    path=environment.path,
                    name=environment.name,
                )
            )


def _warning(value: Message) -> Notice:
    return Notice(code=value.code, level="warning", text=value)


def _gone(environment: Environment) -> Notice:
    text_value = message(
        "env.list.gone", "the folder {path} of `{name}` no longer exists", path=environment.path, name=environment.name
    )
    return Notice(code="env.list.gone", level="warning", text=text_value)


def _no_torch(environment: Environment) -> Notice:
    value = message("env.adopt.no-torch", "there is no torch in {path}", path=environment.path)
    return Notice(code="env.adopt.no-torch", level="warning", text=value)
