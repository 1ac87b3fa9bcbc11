"""The environments that torchup knows: those below the data folder, those made elsewhere, those adopted."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import to_json
from torchup.envs import distributions, records, transaction
from torchup.envs.conda_prefix import read_prefix
from torchup.envs.paths import is_windows_path, join, python_of, scripts_of, split
from torchup.errors import InstallError, UsageError
from torchup.model import Environment, InstallerName, message
from torchup.near_names import did_you_mean

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torchup.host import Host

__all__ = [
    "adopt", "check_name", "environment_path", "environments_folder", "find", "find_python", "get", "list_environments",
    "lock", "point_to", "python_of", "remove", "roll_back", "scripts_of",
]  # fmt: skip

DEFAULT_NAME = "default"
# Letters and digits of any script; no leading dot or dash, nothing that a shell or Windows treats specially.
_NAME = re.compile(r"[^\W_](?:[\w.-]{0,62}[\w])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|.*\.(?:previous|staging)", re.IGNORECASE)


def check_name(name: str) -> str:
    """Return an environment's name if it may be one; raises `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            message("envs.name.invalid", "`{name}` is not a valid environment name", name=name),
            hint=message(
                "envs.name.invalid.hint",
                "use up to 64 letters, digits, `-`, `_` or `.`, with a letter or digit first and last",
            ),
        )
    if _RESERVED.fullmatch(name):
        raise UsageError(
            message("envs.name.reserved", "the environment name `{name}` is reserved", name=name),
            hint=message(
                "envs.name.reserved.hint",
                "choose another name: Windows reserves con, nul and the like; torchup reserves names that end in "
                "`.previous` or `.staging`",
            ),
        )
    return name


def environments_folder(host: Host) -> str:
    """Where environments live unless ``--path`` says otherwise."""
    return join(host.folders().data, "envs")


def environment_path(host: Host, name: str, path: str | None = None) -> str:
    """Where the environment of a name is, or would be made; ``path`` (absolute or not) puts it elsewhere."""
    check_name(name)
    if path is not None:
        return _absolute(host, path)
    pointer = _pointer(host, name)
    if pointer is not None and pointer.path is not None:
        return pointer.path
    return join(environments_folder(host), name)


def get(host: Host, name: str) -> Environment | None:
    """The environment of a name, or ``None``."""
    target = environment_path(host, name)
    if not host.exists(target):
        _heal(host, target)
    if not host.is_dir(target):
        return None
    record = read_record(host, name)
    if record is not None:
        return msgspec.structs.replace(record.environment, name=name, path=target)
    return Environment(name=name, path=target) if find_python(host, target) else None


def read_record(host: Host, name: str) -> records.Record | None:
    """What was written down about an environment; ``None`` where nothing was."""
    pointer = _pointer(host, name)
    if pointer is not None and pointer.environment.adopted:
        return pointer
    return records.read(host, environment_path(host, name))


def find(host: Host, name: str) -> Environment:
    """The environment of a name; raises `UsageError` with a guess where there is none."""
    found = get(host, name)
    if found is not None:
        return found
    if name in names(host):
        raise _unusable(_bare(host, name))
    hint = did_you_mean(name, names(host)) or (
        message("envs.unknown.hint", "run `torchup env list` to list the environments, or `torchup up` to make one")
    )
    raise UsageError(message("envs.unknown", "there is no environment `{name}`", name=name), hint=hint)


def _unusable(environment: Environment) -> UsageError:
    """The error for an environment that is known and cannot be looked at."""
    name = environment.name
    text = message(
        "envs.unusable", "the folder of `{name}` is missing, cannot be read or holds no environment: {path}",
        name=name, path=environment.path,
    )  # fmt: skip
    hint = message(
        "envs.unusable.hint", "restore the folder, or run `torchup env remove {name}` to remove what is left", name=name
    )
    if environment.adopted:
        hint = message(
            "envs.unusable.adopted", "restore the folder, or run `torchup env remove {name}` to remove `{name}` from "
            "torchup's list", name=name,
        )  # fmt: skip
    return UsageError(text, hint=hint)


def names(host: Host) -> tuple[str, ...]:
    """Names of all environments, also of those whose folder no longer exists."""
    folder = environments_folder(host)
    inside = {
        entry
        for entry in host.list_dir(folder) or ()
        if _NAME.fullmatch(entry) and not _RESERVED.fullmatch(entry) and _is_place(host, join(folder, entry))
    }
    elsewhere = {
        entry.removesuffix(".json") for entry in host.list_dir(_pointers(host)) or () if entry.endswith(".json")
    }
    return tuple(sorted(inside | {name for name in elsewhere if _NAME.fullmatch(name)}))


def list_environments(host: Host) -> tuple[Environment, ...]:
    """All environments by name; one whose folder is gone or cannot be read has no ``python``."""
    return tuple(get(host, name) or _bare(host, name) for name in names(host))


def _bare(host: Host, name: str) -> Environment:
    """An environment of which only the name and the place are known."""
    pointer = _pointer(host, name)
    adopted = pointer is not None and pointer.environment.adopted
    return Environment(name=name, path=environment_path(host, name), adopted=adopted)


def _is_place(host: Host, path: str) -> bool:
    """Whether a folder is there, or a link that once led to one."""
    return host.is_dir(path) or transaction.dangles(host, path)


def lock(host: Host, target: str) -> AbstractContextManager[object]:
    """Hold the lock of the environment at ``target``; raises `TimeoutError` if another torchup has it, or `OSError`."""
    # One flat folder of locks: a lock beside the target would be litter in a user's project.
    # The hash tells places apart, the rest is for people; a whole path may be longer than a file's name can be.
    place = host.real_path(target)
    key = f"{re.sub(r'[^a-zA-Z0-9]+', '-', place)[-40:]}-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    return host.lock(join(host.folders().data, "locks", f"{key}.lock"))


def point_to(host: Host, environment: Environment) -> None:
    """Remember an environment outside the data folder, or an adopted one; raises `OSError`."""
    if environment.adopted or split(environment.path)[0] != environments_folder(host):
        record = records.Record(environment=environment, path=environment.path)
        host.write_text(join(_pointers(host), f"{environment.name}.json"), to_json(record))


def remove(host: Host, name: str) -> Environment:
    """Remove an environment with its previous version; an adopted one is only forgotten. Raises `InstallError`."""
    environment = find_listed(host, name)
    target = environment.path
    try:
        with lock(host, target):
            if not environment.adopted:
                if transaction.dangles(host, target):
                    host.remove(target)
                transaction.recover(host, target)
                transaction.discard(host, transaction.previous_of(target), target)
                transaction.discard(host, target, target)
            host.remove(join(_pointers(host), f"{name}.json"))
    except TimeoutError as error:
        raise busy(name) from error
    except OSError as error:
        raise transaction.in_use(target, error) from error
    return environment


def find_listed(host: Host, name: str) -> Environment:
    """As `find`, but also finds an environment whose folder no longer exists."""
    return next((e for e in list_environments(host) if e.name == name), None) or find(host, name)


def roll_back(host: Host, name: str) -> Environment:
    """Swap an environment with its previous version; raises `UsageError` where there is none."""
    target = environment_path(host, name)
    try:
        with lock(host, target):
            transaction.check_link(host, target)
            transaction.recover(host, target)
            if not host.exists(transaction.previous_of(target)):
                find(host, name)
                text = message("envs.no-previous", "`{name}` has no previous version", name=name)
                hint = message(
                    "envs.no-previous.hint",
                    "run `torchup up --env NAME --torch VERSION` to install the torch that you want; torchup "
                    "then keeps the current environment as the previous version",
                )
                raise UsageError(text, hint=hint)
            transaction.roll_back(host, target)
    except TimeoutError as error:
        raise busy(name) from error
    except OSError as error:
        raise transaction.in_use(target, error) from error
    return find(host, name)


def adopt(host: Host, path: str, name: str | None = None) -> Environment:
    """Take an existing environment (venv, uv, conda, pixi) as it is; nothing in it is changed.

    Without a name it is called as its folder is, or as the folder above a ``.venv``. Raises `UsageError`.
    """
    target = _absolute(host, path)
    name = name or next((part for part in _last_parts(target) if not part.startswith(".")), "adopted")
    python = find_python(host, target)
    if python is None:
        text = message("envs.adopt.no-python", "{path} is not an environment: it contains no Python", path=target)
        hint = message(
            "envs.adopt.no-python.hint", "use the top folder of the environment, which contains `bin` or `Scripts`"
        )
        raise UsageError(text, hint=hint)
    if check_name(name) in names(host):
        text = message("envs.exists", "there is already an environment `{name}`", name=name)
        raise UsageError(text, hint=message("envs.exists.hint", "choose another name with --name"))
    packages = distributions.versions(host, target)
    public, _, variant = (packages.get("torch") or "").partition("+")
    conda = read_prefix(host, target)
    environment = Environment(
        name=name,
        path=target,
        python=python_version(host, target),
        torch=public or (conda.torch if conda else None),
        variant=variant or (conda.variant if conda else None),
        installer=InstallerName.CONDA if conda else None,
        source=conda.channel if conda else None,
        adopted=True,
        created_at=host.now().isoformat(timespec="seconds"),
        packages=packages,
    )
    point_to(host, environment)
    return environment


def find_python(host: Host, path: str) -> str | None:
    """The Python that lies in the environment at ``path`` (venv, or conda on Windows), or ``None``."""
    candidates = (python_of(path), join(path, "bin", "python"), join(path, "bin", "python3"), join(path, "python.exe"))
    return next((candidate for candidate in candidates if host.exists(candidate)), None)


def python_version(host: Host, path: str) -> str | None:
    """Version of an environment's Python: from ``pyvenv.cfg``, else from its library folder's name."""
    text = host.read_text(join(path, "pyvenv.cfg")) or ""
    if match := re.search(r"^version(?:_info)?\s*=\s*(\d+(?:\.\d+)+)", text, re.MULTILINE):
        return match[1]
    folders = host.list_dir(join(path, "lib")) or ()
    return next((m[1] for folder in folders if (m := re.fullmatch(r"python(\d+\.\d+)t?", folder))), None)


def busy(name: str) -> InstallError:
    """The error when another torchup holds the environment's lock."""
    text = message("envs.busy", "another torchup process is working on the environment `{name}`", name=name)
    return InstallError(text, hint=message("envs.busy.hint", "wait until that process has finished, then try again"))


def _heal(host: Host, target: str) -> None:
    """Bring back an environment that a kill between two renames left aside; the owner of the lock does it itself."""
    try:
        with lock(host, target):
            transaction.recover(host, target)
    except (TimeoutError, OSError):
        return


def _pointers(host: Host) -> str:
    return join(environments_folder(host), ".elsewhere")


def _pointer(host: Host, name: str) -> records.Record | None:
    return records.load(host, join(_pointers(host), f"{name}.json"))


def _last_parts(path: str) -> tuple[str, str]:
    parent, last = split(path)
    return last, split(parent)[1]


def _absolute(host: Host, path: str) -> str:
    expanded = join(host.folders().home, path[2:]) if path.startswith(("~/", "~\\")) else path
    rooted = expanded.startswith("/") or is_windows_path(expanded)
    whole = expanded if rooted else join(host.cwd(), expanded)
    # Links are followed for the parent only: the environment itself is what is renamed.
    parent, last = split(whole)
    if last in {"", ".", ".."}:
        return host.real_path(whole)
    return join(host.real_path(parent), last)
