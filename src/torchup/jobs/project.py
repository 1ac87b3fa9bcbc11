"""Read a project's files, plan for its machines, compute the edits; write them, and undo what was written."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.compat.questions import load_compat
from torchup.detect.pretend import assume
from torchup.encoding import UNREADABLE, from_json, to_json
from torchup.errors import UsageError
from torchup.model import InstallerName, Machine, Os, Request, Survey, Value, message
from torchup.plan.together import together
from torchup.project.check import Flaw, check
from torchup.project.declared import Declared, declared, lowest_python, torch_specifier
from torchup.project.edits import conda, pdm, pixi, poetry, requirements, uv
from torchup.project.kinds import Kind, kind_of, project_files
from torchup.project.original import SIZE_LIMIT, Original, difference, read_original, restored
from torchup.project.tables import load_tables
from torchup.project.wanted import FAMILY, Slot, slots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.project.labels import Labels

KEPT = 20  # how many syncs of one file can be undone
EDITORS: dict[Kind, Callable[[str, str, Sequence[Slot], Labels], str]] = {
    Kind.UV: uv.edit, Kind.PLAIN: uv.edit, Kind.POETRY: poetry.edit, Kind.PDM: pdm.edit, Kind.PIXI: pixi.edit,
    Kind.CONDA: conda.edit, Kind.REQUIREMENTS: requirements.edit,
}  # fmt: skip


class ProjectFile(Value, frozen=True, kw_only=True):
    """A file of the project: where it lies, what it is, what it says."""

    name: str
    path: str  # with every link followed: this is what is written
    kind: Kind
    original: Original
    found: Declared


class Edit(Value, frozen=True, kw_only=True):
    """What is to become of a file; ``before`` and ``after`` are its bytes."""

    name: str
    path: str
    before: bytes
    after: bytes
    difference: str
    slots: tuple[Slot, ...]
    kind: Kind | None = None  # of an undo unknown: no build is chosen

    @property
    def changes(self) -> bool:
        """Whether anything would be written."""
        return self.before != self.after


class Kept(Value, frozen=True, kw_only=True):
    """What was in a file before a sync (Base64), and the SHA-256 of what the sync wrote."""

    before: str
    wrote: str


class History(Value, frozen=True, kw_only=True):
    """Every sync of one file that can be undone, the oldest first."""

    path: str
    syncs: tuple[Kept, ...] = ()


class Target(Value, frozen=True, kw_only=True):
    """A machine that the file is to serve. ``survey``: what its sources answered, for this one."""

    name: str
    machine: Machine
    survey: Survey = Survey()


# ---------------------------------------------------------------- reading


def read_project(host: Host, folder: str, files: Sequence[str], tool: Kind | None) -> tuple[ProjectFile, ...]:
    """The files of a folder that are named, or all that are known.

    Raises:
        UsageError: none is there, one is a link out of the folder, does not parse, or belongs to two tools.
    """
    names = tuple(files) or project_files(host.list_dir(folder) or ())
    if not names:
        raise UsageError(
            message("project.none", "there is no project file in {folder}", folder=folder),
            hint=message(
                "project.none.hint",
                "run `torchup plan --export pyproject > pyproject.toml` in that folder to write one",
            ),
        )
    return tuple(_read(host, folder, name, tool) for name in names)


def _read(host: Host, folder: str, name: str, tool: Kind | None) -> ProjectFile:
    shown = posixpath.join(folder, name) if folder != "." else name
    path = host.real_path(posixpath.join(folder, name))
    inside = host.real_path(folder).rstrip("/\\")
    if not path.startswith((f"{inside}/", f"{inside}\\")):
        if ".." in name.replace("\\", "/").split("/"):
            raise UsageError(
                message("project.outside", "{path} is outside the folder", path=shown),
                hint=message("project.outside.hint", "give the folder that contains the file as FOLDER"),
            )
        raise UsageError(
            message("project.link", "{path} leads to {target}, which is outside the folder", path=shown, target=path),
            hint=message("project.link.hint", "run the command in the folder that contains the target"),
        )
    content = host.read_bytes(path, SIZE_LIMIT + 1)
    if content is None:
        raise _missing(shown, there=host.exists(path))
    original = read_original(shown, content)
    kind = tool if tool is not None and name.endswith("pyproject.toml") else kind_of(shown, original.text)
    found = declared(kind, shown, original.text)
    return ProjectFile(name=name, path=path, kind=kind, original=original, found=found)


def _missing(shown: str, *, there: bool) -> UsageError:
    """A file that is not there, or one that is there and cannot be read."""
    if there:
        return UsageError(
            message("project.unreadable", "{path} cannot be read", path=shown),
            hint=message("project.unreadable.hint", "check that it is a file and that you have permission to read it"),
        )
    return UsageError(
        message("project.missing", "{path} does not exist", path=shown),
        hint=message("project.missing.hint", "check the name, or leave out --file to use every known project file"),
    )


def with_torch(files: Sequence[ProjectFile]) -> tuple[ProjectFile, ...]:
    """The files that a sync is about: those that ask for torch; where none does, the only one.

    Raises:
        UsageError: none asks for torch, and there are several.
    """
    asking = tuple(one for one in files if asks_for_torch(one))
    if asking or len(files) == 1:
        return asking or tuple(files)
    names = ", ".join(one.name for one in files)
    raise UsageError(
        message("project.which", "none of these files lists torch: {names}", names=names),
        hint=message("project.which.hint", "use `--file NAME` to choose one, e.g. `--file {name}`", name=files[0].name),
    )


def asks_for_torch(one: ProjectFile) -> bool:
    """Whether a file has torch among its packages."""
    if any(wish.name in FAMILY for wish in one.found.wishes):
        return True
    if one.kind is Kind.PIXI:
        return pixi.uses_conda(one.original.path, one.original.text) and _names_pytorch(one)
    return any(conda.conda_name(spec) in conda.CHOOSING for spec in one.found.conda)


def _names_pytorch(one: ProjectFile) -> bool:
    return any(f"{name} =" in one.original.text for name in conda.CHOOSING)


def flaws(one: ProjectFile, catalog: Catalog) -> tuple[Flaw, ...]:
    """What is wrong with a file as it stands."""
    return check(one.found, catalog, load_compat())


# ---------------------------------------------------------------- planning


def targets_named(text: str) -> tuple[Target, ...]:
    """The machines of ``--for mac,linux-cuda='GTX 1080',cpu``.

    Raises:
        UsageError: a name that is not in the table, or an unknown card.
    """
    tables = load_tables()
    rows = {row.name: row for row in tables.target}
    found = []
    for part in (piece.strip() for piece in text.split(",") if piece.strip()):
        name, _, card = part.partition("=")
        for one in tables.group.get(name, (name,)):
            row = rows.get(one)
            if row is None:
                known = ", ".join((*rows, *tables.group))
                raise UsageError(
                    message("project.target", "there is no kind of machine `{name}`", name=name),
                    hint=message("project.target.hint", "choose one of: {names}", names=known),
                )
            gpu = card.strip().strip("'\"") or row.gpu
            items = [f"os={row.os.value}", f"arch={row.arch}", *([f"gpu={gpu}"] if gpu else [])]
            machine = assume(Machine(os=Os.LINUX, arch="x86_64"), items)
            found.append(Target(name=one, machine=machine))
    return tuple(found)


def edit_of(one: ProjectFile, targets: Sequence[Target], request: Request, catalog: Catalog) -> Edit:
    """The edit that makes a file serve these machines.

    Raises:
        NoBuildError, NetworkError: a machine gets no build within what the file and the request allow.
        UsageError: the file has no room for these builds.
    """
    wanted = [_request(one, target, request) for target in targets]
    machines, surveys = [target.machine for target in targets], [target.survey for target in targets]
    plans = together(machines, wanted, catalog, surveys)
    slots = slots_of(list(zip(machines, plans, strict=True)), catalog)
    text = EDITORS[one.kind](one.original.path, one.original.text, slots, load_compat())
    after = one.original.content if text == one.original.text else restored(one.original, text)
    return Edit(name=one.name, path=one.path, kind=one.kind, before=one.original.content, after=after, slots=slots,
                difference=difference(one.original, text))  # fmt: skip


def _request(one: ProjectFile, target: Target, request: Request) -> Request:
    """The request within what the file allows: its torch, its Python, its companions, conda where it is conda's."""
    del target
    companions = tuple(sorted({wish.name for wish in one.found.wishes if wish.name in FAMILY[1:]}))
    by_conda = (one.kind is Kind.CONDA and not conda.uses_pip(one.original.text)) or (
        one.kind is Kind.PIXI and pixi.uses_conda(one.original.path, one.original.text)
    )
    return replace(
        request,
        torch=request.torch or torch_specifier(one.found),
        python=request.python or lowest_python(one.found),
        require=request.require or companions,
        installer=InstallerName.CONDA if by_conda else None,
    )


# ---------------------------------------------------------------- writing


def write(host: Host, edits: Sequence[Edit]) -> None:
    """Write every file, each in one step; what was there is kept, so that it can be undone.

    Raises:
        UsageError: a file cannot be written; those before it are put back.
    """
    for one in edits:
        if host.is_read_only(one.path):
            raise UsageError(
                message("project.read-only", "{path} is read-only", path=one.name),
                hint=message("project.read-only.hint", "make the file writable first; torchup changed nothing"),
            )
    done: list[Edit] = []
    try:
        for one in edits:
            _refuse_raced(host, one)
            _remember(host, one)
            host.write_bytes(one.path, one.after)
            done.append(one)
    except OSError as error:
        _put_back(host, done)
        raise UsageError(
            message("project.write", "{path} cannot be written: {reason}", path=edits[len(done)].name,
                    reason=error.strerror or error),
            hint=message("project.write.hint",
                "check the permissions of the folder and the free space; torchup changed nothing"),
        ) from error  # fmt: skip
    except BaseException:
        _put_back(host, done)
        raise


def _refuse_raced(host: Host, one: Edit) -> None:
    if host.read_bytes(one.path) != one.before:
        raise UsageError(
            message("project.raced", "{path} was changed by another program at the same time", path=one.name),
            hint=message("project.raced.hint", "run the command again; torchup changed nothing"),
        )


def _put_back(host: Host, done: Sequence[Edit]) -> None:
    for one in done:
        host.write_bytes(one.path, one.before)
        _forget_last(host, one.path)


def _history_path(host: Host, path: str) -> str:
    return f"{host.folders().data}/projects/{hashlib.sha256(path.encode()).hexdigest()[:32]}.json"


def _history(host: Host, path: str) -> History:
    text = host.read_text(_history_path(host, path))
    try:
        found = from_json(text, History) if text is not None else History(path=path)
    except UNREADABLE:
        found = History(path=path)
    return found if found.path == path else History(path=path)


def _remember(host: Host, one: Edit) -> None:
    found = _history(host, one.path)
    kept = Kept(before=base64.b64encode(one.before).decode(), wrote=hashlib.sha256(one.after).hexdigest())
    _store(host, History(path=one.path, syncs=(*found.syncs, kept)[-KEPT:]))


def _forget_last(host: Host, path: str) -> None:
    found = _history(host, path)
    _store(host, replace(found, syncs=found.syncs[:-1]))


def _store(host: Host, found: History) -> None:
    path = _history_path(host, found.path)
    if found.syncs:
        host.write_text(path, to_json(found), private=True)
    else:
        host.remove(path)


def undo_of(host: Host, folder: str, files: Sequence[str]) -> tuple[Edit, ...]:
    """The edits that take back the last sync of each file.

    Raises:
        UsageError: there is nothing to undo, or a file was changed since.
    """
    names = tuple(files) or project_files(host.list_dir(folder) or ())
    found = [edit for name in names if (edit := _undo(host, folder, name)) is not None]
    if not found:
        raise UsageError(
            message("project.undo.none", "there is no sync to undo in {folder}", folder=folder),
            hint=message(
                "project.undo.none.hint",
                "check the folder and --file; only changes that `torchup project sync` made can be undone",
            ),
        )
    return tuple(found)


def _undo(host: Host, folder: str, name: str) -> Edit | None:
    path = host.real_path(posixpath.join(folder, name))
    found = _history(host, path)
    if not found.syncs:
        return None
    content = host.read_bytes(path, SIZE_LIMIT * 2) or b""
    if hashlib.sha256(content).hexdigest() != found.syncs[-1].wrote:
        raise UsageError(
            message("project.undo.changed", "{path} was changed after the sync", path=name),
            hint=message("project.undo.changed.hint", "undo your own change first, or undo the sync by hand"),
        )
    try:
        before = base64.b64decode(found.syncs[-1].before, validate=True)
    except binascii.Error:
        return None
    was = Original(path=name, content=content, text=content.decode("utf-8", "replace").replace("\r\n", "\n"))
    told = difference(was, before.decode("utf-8", "replace").replace("\r\n", "\n"))
    return Edit(name=name, path=path, before=content, after=before, difference=told, slots=())


def carry_out_undo(host: Host, edits: Sequence[Edit]) -> None:
    """Put back what was there before the last sync.

    Raises:
        UsageError: a file cannot be written.
    """
    for one in edits:
        try:
            host.write_bytes(one.path, one.after)
        except OSError as error:
            raise UsageError(
                message("project.write", "{path} cannot be written: {reason}", path=one.name,
                        reason=error.strerror or error),
                hint=message("project.undo.hint",
                    "check the permissions of the file and the free space, then run the command again; torchup "
                    "still has the content from before the sync"),
            ) from error  # fmt: skip
        _forget_last(host, one.path)
