"""`torchup kernel`: the environments as Jupyter kernels."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, changing_options, common_options
from torchup.envs import jupyter, kernels, registry
from torchup.envs.paths import join, python_of
from torchup.envs.project import environment_name
from torchup.errors import InstallError, UsageError
from torchup.i18n import render, text
from torchup.model import Notice, message, verbatim
from torchup.report.kernel_text import list_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torchup.envs.kernels import Kernel
    from torchup.host import Host
    from torchup.model import Environment, Message


@click.group(
    cls=VerbGroup, name="kernel", help=text("kernel.help", "Use environments in Jupyter: add, list and remove kernels")
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


def _place(prefix: str, user: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a subcommand ``--user`` and ``--prefix`` with its own help: each subcommand has another default."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        with_user = click.option("--user", is_flag=True, help=user)(function)
        return click.option("--prefix", metavar="DIR", help=prefix)(with_user)

    return decorate


_target = _place(
    text(
        "kernel.option.prefix",
        "Folder of the hub or environment whose Jupyter gets the kernel (default: this user's Jupyter)",
    ),
    text("kernel.option.user", "Add the kernel to this user's Jupyter (the default)"),
)
_searched = _place(
    text(
        "kernel.option.search-prefix",
        "Folder of the hub or environment to search (default: every folder that Jupyter searches)",
    ),
    text(
        "kernel.option.search-user",
        "Search only this user's Jupyter (default: every folder that Jupyter searches)",
    ),
)


@command.command(
    name="add",
    help=text(
        "kernel.add.help",
        "Make a Jupyter kernel from an environment; torchup installs ipykernel there if it is missing",
    ),
)
@click.argument("environment", required=False)
@click.option(
    "--display-name",
    metavar="TEXT",
    help=text(
        "kernel.option.label",
        "Name shown in notebooks (default: torch's version, its variant and the environment's name)",
    ),
)
@_target
@common_options
@changing_options
def add_command(
    session: Session, environment: str | None, display_name: str | None, prefix: str | None, *, user: bool
) -> Answer:
    """`torchup kernel add ENVIRONMENT`."""
    folder = _folder(session.host, prefix, user=user)
    found = registry.find(session.host, environment_name(session.host, environment))
    python = registry.find_python(session.host, found.path) or python_of(found.path)
    missing = jupyter.missing_packages(session.host, found.path)
    if session.dry_run:
        return _would_add(found, folder, missing=missing)
    kernel = _add(session, found, python, folder, missing=missing, label=display_name)
    return Answer(
        command="kernel add",
        data={"kernel": kernel, "installed": missing},
        text=lambda: text(
            "kernel.added", "The kernel `{label}` is ready ({name} in {folder})",
            label=kernel.display_name, name=kernel.name, folder=folder,
        ),
    )  # fmt: skip


def _add(
    session: Session, found: Environment, python: str, folder: str, *, missing: tuple[str, ...], label: str | None
) -> Kernel:
    try:
        with registry.lock(session.host, found.path):
            if missing:
                listed = ", ".join(missing)
                said = message(
                    "kernel.installing", "installing {packages} in `{name}`", packages=listed, name=found.name
                )
                session.note(said)
                jupyter.add_packages(session.host, found.path, missing, lambda line: _detail(session, line))
            base = jupyter.own_kernelspec(session.host, python)
            return kernels.add(session.host, found, python, folder=folder, label=label, base=base)
    except TimeoutError as error:
        raise registry.busy(found.name) from error
    except OSError as error:
        hint = message(
            "kernel.cannot-write.hint",
            "check the permissions and the free space of that folder, or choose another folder with --user or "
            "--prefix DIR",
        )
        raise _cannot_write(folder, error, hint) from error


def _detail(session: Session, line: str) -> None:
    if session.verbose:
        session.note(verbatim(line))


def _would_add(found: Environment, folder: str, *, missing: tuple[str, ...]) -> Answer:
    name = kernels.kernel_name(found.name, found.path)
    path = join(folder, name, kernels.FILE_NAME)
    packages = ", ".join(missing)
    lines = [
        message("kernel.would-install", "would install {packages} into {path}", packages=packages, path=found.path)
    ]
    lines = [*(lines if missing else ()), message("kernel.would-write", "would write {path}", path=path)]
    return Answer(
        command="kernel add",
        data={"dry_run": True, "write": path, "install": missing},
        text=lambda: "\n".join(render(line) for line in lines),
    )


@command.command(name="list", help=text("kernel.list.help", "List kernels, and show which can no longer start"))
@_searched
@common_options
def list_command(session: Session, prefix: str | None, *, user: bool) -> Answer:
    """`torchup kernel list`."""
    found = _find(session.host, prefix, user=user)
    stale = [kernel for kernel in found if kernel.stale]
    place = ["--user"] if user else ["--prefix", prefix] if prefix is not None else []
    return Answer(
        command="kernel list",
        data={"kernels": found},
        text=lambda: list_text(found, session.style),
        notices=tuple(Notice(code="kernel.stale", level="warning", text=line) for line in _stale_lines(stale, place)),
    )


def _stale_lines(stale: Sequence[Kernel], place: Sequence[str]) -> Iterator[Message]:
    """What removes the kernels that cannot start: those that torchup made together, the others by name.

    ``place`` is the option that says where they were found; without it the commands would look elsewhere.
    """
    ours, others = [kernel for kernel in stale if kernel.ours], [kernel.name for kernel in stale if not kernel.ours]
    if ours:
        together = ["torchup", "kernel", "remove", "--stale"]
        yield message(
            "kernel.stale.ours",
            "run `{command}` to remove torchup's kernels that cannot start ({count})",
            command=shlex.join([*together, *place]),
            count=len(ours),
        )
    if others:
        by_name = ["torchup", "kernel", "remove"]
        yield message(
            "kernel.stale.others",
            "other programs made kernels that cannot start; run `{command}` to remove them",
            command=shlex.join([*by_name, *others, *place]),
        )


@command.command(
    name="remove",
    help=text(
        "kernel.remove.help", "Remove kernels by name or environment, or all torchup kernels that can no longer start"
    ),
)
@click.argument("names", nargs=-1)
@click.option(
    "--stale",
    is_flag=True,
    help=text("kernel.option.stale", "Remove all torchup kernels that can no longer start"),
)
@_searched
@common_options
@changing_options
def remove_command(session: Session, names: tuple[str, ...], prefix: str | None, *, stale: bool, user: bool) -> Answer:
    """`torchup kernel remove NAME...`."""
    if bool(names) == stale:
        raise UsageError(
            message(
                "kernel.remove.which",
                "`torchup kernel remove` needs --stale or names (of kernels or of environments), but not both",
            ),
            hint=message("kernel.unknown.hint", "run `torchup kernel list` to list the kernels"),
        )
    found = _find(session.host, prefix, user=user)
    chosen = _stale(found) if stale else tuple(kernel for name in names for kernel in _named(found, name))
    listed = ", ".join(kernel.name for kernel in chosen)
    if chosen and not session.dry_run:
        _confirm(session, listed, chosen)
        _remove(session.host, chosen)
    said = (
        message("kernel.remove.none", "nothing to remove")
        if not chosen
        else message("kernel.would-remove", "would remove {names}", names=listed)
        if session.dry_run
        else message("kernel.removed", "removed {names}", names=listed)
    )
    return Answer(
        command="kernel remove",
        data={"removed": [] if session.dry_run else chosen, "dry_run": session.dry_run, "found": chosen},
        text=lambda: render(said),
    )


def _confirm(session: Session, listed: str, chosen: tuple[Kernel, ...]) -> None:
    """Ask only for kernels that torchup did not make: the others can be added again at any time."""
    foreign = [kernel.name for kernel in chosen if not kernel.ours]
    question = message("kernel.remove.ask", "remove {names}, which torchup did not make?", names=", ".join(foreign))
    if foreign and not session.confirm(question):
        refused = message("kernel.remove.refused", "not removed: {names}", names=listed)
        raise UsageError(
            refused, hint=message("kernel.remove.refused.hint", "use --yes to remove kernels without a prompt")
        )


def _remove(host: Host, chosen: tuple[Kernel, ...]) -> None:
    for kernel in chosen:
        try:
            kernels.remove(host, kernel)
        except OSError as error:
            hint = message(
                "kernel.cannot-remove.hint", "run the command as the owner of that folder, or change its permissions"
            )
            raise _cannot_write(kernel.folder, error, hint) from error


def _named(found: tuple[Kernel, ...], name: str) -> tuple[Kernel, ...]:
    """Torchup's kernels of that name or environment; another's only when it cannot start any more."""
    fits = [kernel for kernel in found if name == kernel.name or (kernel.ours and name == kernel.environment)]
    allowed = tuple(kernel for kernel in fits if kernel.ours or kernel.stale)
    if allowed:
        return allowed
    if fits:
        refused = message(
            "kernel.remove.foreign", "the kernel `{name}` has no known problem and was not made by torchup", name=name
        )
        raise UsageError(
            refused,
            hint=message(
                "kernel.remove.foreign.hint", "run `jupyter kernelspec remove {name}` to remove the kernel", name=name
            ),
        )
    unknown = message("kernel.unknown", "there is no kernel `{name}`", name=name)
    raise UsageError(unknown, hint=message("kernel.unknown.hint", "run `torchup kernel list` to list the kernels"))


def _stale(found: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    return tuple(kernel for kernel in found if kernel.ours and kernel.stale)


def _find(host: Host, prefix: str | None, *, user: bool) -> tuple[Kernel, ...]:
    return kernels.find(host, (_folder(host, prefix, user=user),) if prefix is not None or user else ())


def _folder(host: Host, prefix: str | None, *, user: bool) -> str:
    if prefix is not None and user:
        raise UsageError(
            message("kernel.place.both", "--user and --prefix cannot be used together"),
            hint=message("kernel.place.both.hint", "leave out one of the two options"),
        )
    if prefix is None:
        return kernels.user_folder(host)
    absolute = prefix if prefix.startswith(("/", "\\")) or prefix[1:2] == ":" else join(host.cwd(), prefix)
    return kernels.prefix_folder(host.real_path(absolute))


def _cannot_write(path: str, error: OSError, hint: Message) -> InstallError:
    reason = message("kernel.cannot-write", "cannot change {path}: {error}", path=path, error=error.strerror or error)
    return InstallError(reason, hint=hint)
