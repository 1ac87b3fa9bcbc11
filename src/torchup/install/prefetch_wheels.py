"""Before a package that is bound to torch is installed by itself: fetch what its step would install.

uv says what that is without doing it; each of those packages is then resolved to its exact file, in the places that the
step names. What cannot be fetched here the installer downloads, as it always could.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from torchup.envs.paths import join
from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.install import pip, uv
from torchup.install.downloading import WEB, Downloading, is_remote
from torchup.install.prefetch import folders, locked, perform_exact, told_cached
from torchup.install.space import check_space
from torchup.model import InstallerName, Step, message

if TYPE_CHECKING:
    from torchup.install.lockfile import LockedFile
    from torchup.install.prefetch import Staging

_WOULD = re.compile(r"(?m)^ \+ ([A-Za-z0-9][A-Za-z0-9._-]{0,100}==\S{1,100})$")  # not "(from file:...)"
_PLACES = frozenset({"--default-index", "--index", "--index-strategy", "--find-links"})
_INDEXES = _PLACES - {"--find-links", "--index-strategy"}
_ALONE = frozenset({"--no-index", "--offline"})
WANTED = "torchup-wanted.txt"


def fetched_wheels(staging: Staging, step: Step) -> Step:
    """A step after torch's: what it would install is fetched and installed, and the step finds it there.

    Raises:
        InstallError: there is too little space, or a file is not the promised one.
    """
    if "--no-build-isolation" in step.argv:
        return step  # to ask what it would install is to compile it
    try:
        _install(staging, step, _of_uv(staging, step))
    except NetworkError:
        return step  # the installer has logins that torchup does not know; if not, it fails in its own words
    except InstallError:
        if step.required:
            raise
    return step


def _of_uv(staging: Staging, step: Step) -> Step:
    """The same step as uv carries it out: pip cannot say what it would install from where."""
    if staging.plan.installer is InstallerName.UV:
        return step
    steps = pip.INSTALLER.steps(staging.plan, staging.path)
    return uv.INSTALLER.steps(staging.plan, staging.path)[steps.index(step)]


def _install(staging: Staging, step: Step, twin: Step) -> None:
    places = _places(twin)
    wanted = _would_install(staging, twin) if _lead_out(places) else []
    lock = locked(staging, _resolve(staging, twin, wanted, places)) if wanted else None
    downloading = Downloading(staging.host, staging.plan, staging.tell, staging.connections)
    files = [file for file in lock.files if is_remote(file)] if lock is not None else []
    have = told_cached(staging, step, [file for file in files if file.sha256], places)
    files = downloading.sized([file for file in files if file.sha256 not in have])
    if not files:
        return
    check_space(staging.host, downloading.reach, files, staging.path)
    found = downloading.fetch(files)
    here = [_hashed(file, found[downloading.order(file).key]) for file in files]
    options = folders(staging.plan, [found[downloading.order(file).key] for file in files])
    perform_exact(staging, step, here, options)


def _would_install(staging: Staging, twin: Step) -> list[str]:
    try:
        completed = staging.perform(msgspec.structs.replace(twin, argv=(*twin.argv, "--dry-run")))
    except InstallError:  # no uv, which pip does without
        return []
    return _WOULD.findall(completed.stderr) if completed.ok else []


def _resolve(staging: Staging, twin: Step, wanted: list[str], places: tuple[str, ...]) -> Step:
    path = join(staging.path, WANTED)
    return msgspec.structs.replace(
        twin,
        argv=("uv", "pip", "compile", path, "--no-config", "--no-header", "--no-annotate", "--quiet", "--no-deps",
              "--format", "pylock.toml", "--only-binary", ":all:", "--python", staging.path, *places),
        files={path: "".join(f"{line}\n" for line in wanted)},
        summary=message("install.step.resolve", "resolve the plan to exact files"),
        timeout=600.0,
    )  # fmt: skip


def _places(twin: Step) -> tuple[str, ...]:
    """The step's own options of where from."""
    named = [part for pair in pairwise(twin.argv) if pair[0] in _PLACES for part in pair]
    return (*named, *(word for word in twin.argv if word in _ALONE))


def _lead_out(places: tuple[str, ...]) -> bool:
    """Whether anything can come over the network: an index may list files of other hosts, a folder holds its own."""
    return any(word in _INDEXES or word.startswith(WEB) for word in places)


def _hashed(file: LockedFile, path: str) -> LockedFile:
    """A file whose page tells no hash is installed by the one that it has."""
    return msgspec.structs.replace(file, sha256=store.digest_of(path))
