"""Which environment the doctor looks at when none is named, and the Jupyter kernels that cannot start."""

from __future__ import annotations

import importlib.util
import posixpath
import re
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.versions import version_key
from torchup.cli.target import find_target
from torchup.envs import kernels, registry
from torchup.envs.paths import python_of
from torchup.errors import UsageError
from torchup.model import Notice, message

if TYPE_CHECKING:
    from torchup.cli.session import Session
    from torchup.doctor.facts import Facts
    from torchup.host import Host


def interpreter(session: Session, env: str | None, python: str | None) -> tuple[str, str | None]:
    """Path of the Python to examine, and the name of its environment where it is one of torchup's.

    Without options: the active environment (VIRTUAL_ENV, CONDA_PREFIX), unless it is the one that torchup itself was
    installed into and holds no torch; else torchup's own default one, else the first ``python3`` or ``python`` on PATH.
    Raises `UsageError` where there is none.
    """
    if env is not None or python is not None:
        target = find_target(session, env, python)
        return target.python, target.name
    host = session.host
    made = registry.get(host, registry.DEFAULT_NAME) is not None
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = host.environ().get(variable)
        found = _python_in(host, prefix)
        if found is not None and not (made and _holds_only_torchup(prefix or "")):
            return found, None
    if made:
        target = find_target(session, None, None)
        return target.python, target.name
    path = host.which("python3") or host.which("python")
    if path is None:
        raise UsageError(
            message("doctor.target.none", "there is no active environment and no Python on PATH"),
            hint=message("doctor.target.none.hint", "name one with --python PATH, or make one with `torchup up`"),
        )
    return path, None


def _holds_only_torchup(prefix: str) -> bool:
    """Whether this is the environment that torchup runs in, and torch is not there: nobody means that one."""
    return posixpath.normpath(prefix.replace("\\", "/")) == posixpath.normpath(
        sys.prefix.replace("\\", "/")
    ) and not importlib.util.find_spec("torch")


def _python_in(host: Host, prefix: str | None) -> str | None:
    if not prefix:
        return None
    found = registry.find_python(host, prefix)
    return found or (python_of(prefix) if host.exists(python_of(prefix)) else None)


def without_answer(host: Host, python: str, failure: str | None, facts: Facts) -> Facts:
    """The facts of a Python that could not be examined: its version at least. Raises `UsageError` if it does not run.

    What torchup runs inside wants Python 3.8; an older one is told by its version.
    """
    asked = host.run((python, "-V"))
    found = re.search(r"Python (\d+\.\d+[.\w]*)", asked.stdout + asked.stderr)
    if not asked.ok or found is None or version_key(found[1]) >= (3, 8):
        raise UsageError(
            message("doctor.target.mute", "{path} cannot be examined: {failure}", path=python, failure=failure or "-"),
            hint=message("doctor.target.mute.hint", "does `{path} -c pass` run?", path=python),
        )
    return replace(facts, python=replace(facts.python, version=found[1], path=python))


def stray_kernels(host: Host) -> tuple[Notice, ...]:
    """Jupyter kernels whose Python is gone: a notebook that starts one hangs without a reason."""
    return tuple(
        Notice(
            code="doctor.kernel.stray",
            level="warning",
            text=message(
                "doctor.kernel.stray",
                "the Jupyter kernel `{name}` cannot start ({problem}); `torchup kernel remove {name}` removes it",
                name=kernel.name,
                problem=kernel.problem,
            ),
        )
        for kernel in kernels.find(host)
        if kernel.problem in {"python-missing", "environment-missing"}
    )
