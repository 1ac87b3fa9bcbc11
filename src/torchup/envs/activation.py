"""Working in an environment: what a shell needs to activate it, what a program needs to run in it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.envs.guard import guard_variables
from torchup.envs.paths import is_windows_path, join, scripts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host

EXTENSIONS = ("", ".exe", ".bat", ".cmd")  # how Windows finds a program by its bare name


def hints(host: Host, path: str) -> dict[str, str]:
    """Shell -> command that activates the environment there; only shells whose script is there."""
    scripts = scripts_of(path)
    names = set(host.list_dir(scripts) or ())
    if host.is_dir(join(path, "conda-meta")) and "activate" not in names:
        return _conda_hints(host, path)
    powershell = next((name for name in ("Activate.ps1", "activate.ps1") if name in names), "")
    found = {
        "bash": ("activate", f"source {shlex.quote(join(scripts, 'activate'))}"),
        "zsh": ("activate", f"source {shlex.quote(join(scripts, 'activate'))}"),
        "fish": ("activate.fish", f"source {_fish(join(scripts, 'activate.fish'))}"),
        "powershell": (powershell, f"& {_powershell(join(scripts, powershell))}"),
        "cmd": ("activate.bat", f'"{join(scripts, "activate.bat")}"'),
    }
    shells = {shell: command for shell, (file, command) in found.items() if file in names}
    if not is_windows_path(path):
        shells.pop("cmd", None)
    return shells


def _conda_hints(host: Host, path: str) -> dict[str, str]:
    """By the conda or mamba that is there; torchup needs none, so without one: by hand what they would do."""
    tool = next((name for name in ("conda", "mamba", "micromamba") if host.which(name)), None)
    if tool is not None:
        return {shell: f"{tool} activate {_quoted(path)}" for shell in ("bash", "zsh", "fish", "powershell", "cmd")}
    folders = program_folders(path, conda=True)
    if is_windows_path(path):
        joined = ";".join(folders)
        added = _powershell(joined + ";")
        return {
            "powershell": f"$env:CONDA_PREFIX = {_powershell(path)}; $env:PATH = {added} + $env:PATH",
            "cmd": f'set "CONDA_PREFIX={path}" & set "PATH={joined};%PATH%"',
        }
    posix = f'export CONDA_PREFIX={shlex.quote(path)} PATH={shlex.quote(folders[0])}:"$PATH"'
    return {
        "bash": posix,
        "zsh": posix,
        "fish": f"set -gx CONDA_PREFIX {_fish(path)}; fish_add_path --path --prepend {_fish(folders[0])}",
    }


def program_folders(path: str, *, conda: bool) -> tuple[str, ...]:
    """The folders that activation puts first on PATH; conda has several on Windows."""
    if conda and is_windows_path(path):
        below = (("Library", "mingw-w64", "bin"), ("Library", "usr", "bin"), ("Library", "bin"), ("Scripts",), ("bin",))
        return (path, *(join(path, *parts) for parts in below))
    return (scripts_of(path),)


def shell_of(environ: Mapping[str, str], *, windows: bool) -> str:
    """The shell that this process was probably started from."""
    if windows:
        return "cmd" if "PROMPT" in environ and "PSMODULEPATH" not in {n.upper() for n in environ} else "powershell"
    name = environ.get("SHELL", "bash").rsplit("/", 1)[-1]
    return {"fish": "fish", "zsh": "zsh", "pwsh": "powershell"}.get(name, "bash")


def run_environment(host: Host, path: str) -> dict[str, str | None]:
    """Variables for a program that runs in the environment, as its activation script would set them."""
    between = ";" if is_windows_path(path) else ":"
    before = host.environ().get("PATH", "")
    conda = host.is_dir(join(path, "conda-meta"))
    folders = between.join(part for part in (*program_folders(path, conda=conda), before) if part)
    prefix = "CONDA_PREFIX" if conda else "VIRTUAL_ENV"
    return {"PATH": folders, prefix: path, "PYTHONHOME": None, **guard_variables(host, path)}


def program(host: Host, path: str, name: str) -> str | None:
    """Absolute path of a program: the environment's own, else one on PATH, else ``None``."""
    if "/" in name or "\\" in name:
        return host.which(name if name.startswith("/") or is_windows_path(name) else join(host.cwd(), name))
    folders = program_folders(path, conda=host.is_dir(join(path, "conda-meta")))
    own = (join(folder, name + extension) for folder in folders for extension in EXTENSIONS)
    return next((file for file in own if host.which(file)), None) or host.which(name)


def _quoted(path: str) -> str:
    return f'"{path}"' if is_windows_path(path) else shlex.quote(path)


def _fish(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _powershell(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
