"""Jupyter kernels of environments: written, found, judged and removed without Jupyter being installed here.

A kernelspec of torchup's has a name that no other environment can have, starts the environment's Python by its full
path, and puts the environment's programs first on PATH, so that ``!pip`` in a notebook is the environment's own and not
that of the server. It never takes the name ``python3``.

Places and file format: Jupyter's documentation, "Common Directories and File Locations", "Making kernels for Jupyter".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE, to_json
from torchup.envs.activation import program_folders
from torchup.envs.distributions import versions
from torchup.envs.guard import VARIABLES, guard_url, has_guard
from torchup.envs.paths import is_windows_path, join, split
from torchup.errors import UsageError
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host
    from torchup.model import Environment

MARK = "torchup"  # key below ``metadata`` that says the kernelspec is torchup's
FILE_NAME = "kernel.json"


class Kernel(Value, frozen=True, kw_only=True):
    """A kernelspec on disk."""

    name: str
    folder: str
    display_name: str | None = None
    argv: tuple[str, ...] = ()
    environment: str | None = None  # the environment's name, for kernels of torchup's
    path: str | None = None  # the environment's folder
    ours: bool = False
    problem: str | None = None  # python-missing | environment-missing | ipykernel-missing | unreadable

    @property
    def stale(self) -> bool:
        """Whether it cannot start any more."""
        return self.problem is not None


# ---------------------------------------------------------------- the pure part


def kernel_name(name: str, path: str) -> str:
    """``torchup-default-1a2b3c``: the environment's name as Jupyter allows names, and a hash of its place."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.") or "env"
    return f"torchup-{slug}-{hashlib.sha256(path.encode()).hexdigest()[:6]}"


def display_name(environment: Environment) -> str:
    """``PyTorch 2.13 cpu (default)``."""
    short = ".".join((environment.torch or "").split(".")[:2])
    words = ("PyTorch", short, environment.variant or "", f"({environment.name})")
    return " ".join(word for word in words if word)


def kernelspec(
    environment: Environment,
    python: str,
    *,
    conda: bool,
    label: str | None = None,
    base: Mapping[str, Any] | None = None,
    guard: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Content of ``kernel.json``.

    ``${PATH}`` is filled in by Jupyter when the kernel starts, so that a later change of PATH is not lost.

    Args:
        environment: what the kernel runs in.
        python: its Python, an absolute path.
        conda: whether conda made it: then CONDA_PREFIX names it, else VIRTUAL_ENV, as their own activation does.
        label: what notebooks show, instead of `display_name`.
        guard: variables that keep torch when the notebook calls pip or uv.
        base: ipykernel's own kernelspec in that environment: its arguments and what it can do (debugger, encryption).
    """
    between = ";" if is_windows_path(environment.path) else ":"
    folders = between.join((*program_folders(environment.path, conda=conda), "${PATH}"))
    marker = "CONDA_PREFIX" if conda else "VIRTUAL_ENV"
    its = dict(base or {})
    arguments = its.get("argv") or [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    mark = {MARK: {"environment": environment.name, "path": environment.path}}
    return its | {
        "argv": [python, *arguments[1:]],
        "display_name": label or display_name(environment),
        "language": "python",
        "env": {"PATH": folders, marker: environment.path, **(guard or {})},
        "metadata": {**_table(its, "metadata"), **mark},
    }


def parse(name: str, folder: str, text: str) -> Kernel:
    """Read a ``kernel.json``; one that cannot be read is a kernel with that problem."""
    try:
        data = msgspec.json.decode(text, type=dict[str, Any])
        argv = msgspec.convert(data.get("argv", []), tuple[str, ...])
        label = msgspec.convert(data.get("display_name"), str | None)
    except msgspec.MsgspecError:
        return Kernel(name=name, folder=folder, problem="unreadable")
    mark = _table(_table(data, "metadata"), MARK)
    return Kernel(
        name=name,
        folder=folder,
        display_name=label,
        argv=argv,
        environment=_text(mark, "environment"),
        path=_text(mark, "path"),
        ours=bool(mark),
    )


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


# ---------------------------------------------------------------- where kernels lie


def user_folder(host: Host) -> str:
    """Jupyter's kernel folder of this user."""
    return join(_data_folder(host), "kernels")


def prefix_folder(prefix: str) -> str:
    """The kernel folder below an installation: an environment, a hub's, ``/usr/local``."""
    return join(prefix, "share", "jupyter", "kernels")


def search_folders(host: Host) -> tuple[str, ...]:
    """Where Jupyter looks, this user's first; without those inside environments."""
    environ = host.environ()
    windows = host.platform().system == "Windows"
    listed = environ.get("JUPYTER_PATH", "").split(";" if windows else ":")
    system = (
        (join(environ["PROGRAMDATA"], "jupyter"),)
        if windows and environ.get("PROGRAMDATA")
        else ("/usr/local/share/jupyter", "/usr/share/jupyter")
    )
    folders = (*(join(folder, "kernels") for folder in listed if folder), user_folder(host))
    return tuple(dict.fromkeys((*folders, *(join(folder, "kernels") for folder in system))))


def _data_folder(host: Host) -> str:
    environ, home, system = host.environ(), host.folders().home, host.platform().system
    if chosen := environ.get("JUPYTER_DATA_DIR"):
        return chosen
    if system == "Darwin":
        return join(home, "Library", "Jupyter")
    if system == "Windows":
        roaming = environ.get("APPDATA")
        return join(roaming, "jupyter") if roaming else join(home, ".jupyter", "data")
    return join(environ.get("XDG_DATA_HOME") or join(home, ".local", "share"), "jupyter")


# ---------------------------------------------------------------- finding, writing, removing


def find(host: Host, folders: tuple[str, ...] = ()) -> tuple[Kernel, ...]:
    """Every kernel in the folders (default: where Jupyter looks), judged; the same name twice is two kernels."""
    return tuple(
        judge(host, parse(name, join(folder, name), text))
        for folder in folders or search_folders(host)
        for name in host.list_dir(folder) or ()
        if (text := host.read_text(join(folder, name, FILE_NAME))) is not None
    )


def judge(host: Host, kernel: Kernel) -> Kernel:
    """Say why a kernel cannot start, by looking at files only (a kernel of another language is left alone)."""
    if kernel.problem is not None or not kernel.argv:
        return kernel
    program = kernel.argv[0]
    absolute = program.startswith("/") or is_windows_path(program)
    if kernel.ours and kernel.path is not None and not host.is_dir(kernel.path):
        return msgspec.structs.replace(kernel, problem="environment-missing")
    if absolute and not host.exists(program):
        return msgspec.structs.replace(kernel, problem="python-missing")
    if kernel.ours and kernel.path is not None and not has_ipykernel(host, kernel.path):
        return msgspec.structs.replace(kernel, problem="ipykernel-missing")
    return kernel


def has_ipykernel(host: Host, path: str) -> bool:
    """Whether the environment at ``path`` can be a kernel."""
    return "ipykernel" in versions(host, path)


def add(
    host: Host,
    environment: Environment,
    python: str,
    *,
    folder: str,
    label: str | None = None,
    base: Mapping[str, Any] | None = None,
) -> Kernel:
    """Write the environment's kernelspec into a kernel folder; an older one of the same environment is replaced.

    Raises:
        UsageError: something else has its name.
        OSError: the folder cannot be written.
    """
    name = kernel_name(environment.name, environment.path)
    target = join(folder, name)
    there = host.read_text(join(target, FILE_NAME))
    if there is not None and not parse(name, target, there).ours:
        text = message("kernel.taken", "{folder} exists and was not made by torchup", folder=target)
        raise UsageError(
            text, hint=message("kernel.taken.hint", "check what the folder contains, then remove the folder by hand")
        )
    conda = host.is_dir(join(environment.path, "conda-meta"))
    guard = dict.fromkeys(VARIABLES, guard_url(environment.path)) if has_guard(host, environment.path) else {}
    content = to_json(kernelspec(environment, python, conda=conda, label=label, base=base, guard=guard))
    host.write_text(join(target, FILE_NAME), content)
    return judge(host, parse(name, target, content))


def remove(host: Host, kernel: Kernel) -> None:
    """Remove a kernelspec's folder; raises `OSError`."""
    host.remove(kernel.folder)


def of_environment(host: Host, path: str, folders: tuple[str, ...] = ()) -> tuple[Kernel, ...]:
    """Torchup's kernels that run in the environment at ``path``."""
    return tuple(kernel for kernel in find(host, folders) if kernel.ours and kernel.path == path)


def refresh(host: Host, environment: Environment, python: str) -> tuple[Kernel, ...]:
    """Bring the labels of an environment's kernels up to date after it was replaced; returns those written.

    A label that the user chose stays. Raises `OSError`.
    """
    written = []
    for kernel in of_environment(host, environment.path):
        folder = split(kernel.folder)[0]
        base = _decoded(host.read_text(join(kernel.folder, FILE_NAME)) or "")
        if (kernel.display_name or "").startswith("PyTorch ") and kernel.display_name != display_name(environment):
            written.append(add(host, environment, python, folder=folder, base=base))
    return tuple(written)


def _decoded(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except UNREADABLE:
        return {}
