"""The guard of an environment: later installations with pip or uv cannot exchange torch in silence.

A constraints file names torch, its companions and the wheels that are bound to it, at the versions that were verified.
pip finds it by the environment's own configuration file, whatever starts pip; uv, and pip of another Python, by the
variables that activation, kernels and `env run` set. Both tools then say who wants which torch, and stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.packages import load_packages
from torchup.envs.guard import FILE_NAME, guard_url
from torchup.envs.paths import is_windows_path, join, scripts_of
from torchup.i18n import render
from torchup.install.guard_scripts import DEACTIVATE_BAT, SCRIPTS, guarded, guarded_pip
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host
    from torchup.model import Environment, Message

COMPANIONS = ("torch", "torchvision", "torchaudio")
_BOUND = frozenset({"matched", "stable"})  # kinds of packages whose file is for one torch or one CUDA major


def guarded_names(packages: Mapping[str, str]) -> dict[str, str]:
    """Of an environment's packages (name -> version) those that must stay as they are, torch first."""
    tables = load_packages()
    bound = [name for name in packages if (known := tables.get(name)) is not None and known.kind in _BOUND]
    return {name: packages[name] for name in (*COMPANIONS, *sorted(bound)) if name in packages}


def guard_text(name: str, packages: Mapping[str, str], constraints: tuple[str, ...] = ()) -> str:
    """The constraints file; the user's own lines follow, because pip reads one such setting only.

    Args:
        name: of the environment.
        packages: installed distributions, name -> version.
        constraints: requirement lines of the user's own constraint files.
    """
    own = guarded_names(packages)
    mine = [line for line in constraints if not line.lower().startswith(tuple(own))]
    head = f"# Kept by torchup; `torchup up --env {name} --with PACKAGE` changes it on purpose."
    return "\n".join((head, *(f"{name}=={version}" for name, version in own.items()), *mine)) + "\n"


def write_guard(host: Host, staged: str, environment: Environment, constraints: tuple[str, ...] = ()) -> None:
    """Guard an environment that is built at ``staged`` and will lie at its own path. Raises `OSError`."""
    packages, target = environment.packages, environment.path
    if "torch" not in packages:
        return
    host.write_text(join(staged, FILE_NAME), guard_text(environment.name, packages, constraints))
    configuration = "pip.ini" if is_windows_path(target) else "pip.conf"
    host.write_text(join(staged, configuration), f"[install]\nconstraint = {guard_url(target)}\n")
    _patch_scripts(host, staged, guard_url(target))
    _patch_pip(host, staged, packages["torch"], environment.name)


def _patch_scripts(host: Host, staged: str, url: str) -> None:
    """Activation sets the variables, deactivation puts back what was there."""
    folder = scripts_of(staged)
    for name in host.list_dir(folder) or ():
        script = SCRIPTS.get(name)
        before = host.read_text(join(folder, name)) if script is not None else None
        if script is not None and before is not None:
            host.write_text(join(folder, name), guarded(script, before, url))
        elif name == "deactivate.bat" and (content := host.read_text(join(folder, name))) is not None:
            host.write_text(join(folder, name), content.rstrip("\n") + "\n" + DEACTIVATE_BAT)


def _patch_pip(host: Host, staged: str, version: str, environment: str) -> None:
    """Scripts of pip say after a failure how torch is changed on purpose; a launcher of Windows stays as it is."""
    folder = scripts_of(staged)
    for name in host.list_dir(folder) or ():
        if name.startswith("pip") and "." not in name.removeprefix("pip3."):
            content = host.read_bytes(join(folder, name), 1 << 16)
            changed = guarded_pip(content, render(stopped(version, environment))) if content else None
            if changed is not None:
                host.write_bytes(join(folder, name), changed)


def stopped(version: str, name: str) -> Message:
    """What is said after an installation that the guard may have stopped in the environment of this name."""
    return message(
        "guard.stopped",
        "torchup keeps torch {version} in this environment; if a package needs another torch, run `torchup up "
        "--env {name} --with PACKAGE`",
        version=version,
        name=name,
    )
