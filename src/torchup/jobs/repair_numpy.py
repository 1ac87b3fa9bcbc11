"""Install NumPy 1 beside an old torch that is no longer available.

Where the environment can be rebuilt it is (see `repair`). A conda environment is not torchup's to rebuild, and a torch
of years ago is in no index any more: there one package is exchanged, and put back if torch does not work then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor import diagnose
from torchup.doctor.live import facts_of
from torchup.envs import registry
from torchup.envs.inspection import inspect_environment
from torchup.errors import InstallError, VerifyError
from torchup.install.uv import uv_binary
from torchup.model import message
from torchup.privacy import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.doctor.facts import Facts
    from torchup.host import Host
    from torchup.jobs.diagnose import Examined
    from torchup.model import Message

WANTED = "numpy<2"
TIMEOUT = 1800.0  # seconds; 20 MB over a slow line, or a build from source where no wheel fits


def exchange_numpy(host: Host, examined: Examined, prefix: str, confirm: Callable[[Message], bool]) -> Facts | None:
    """Put NumPy 1 in and look again; ``None``: the user did not want it.

    Raises `InstallError` where it cannot be installed and `VerifyError` where torch does not work with it; NumPy is
    then the version that it was.
    """
    before = next(iter(examined.facts.versions("numpy")), None)
    if not confirm(_question(before, prefix)):
        return None
    try:
        with registry.lock(host, prefix):
            return _exchanged(host, examined, before, prefix)
    except TimeoutError as error:
        raise registry.busy(prefix) from error


def _question(before: str | None, prefix: str) -> Message:
    if before is None:
        return message("doctor.fix.numpy.ask-unknown", "install NumPy 1 in {path}?", path=redact(prefix))
    return message(
        "doctor.fix.numpy.ask",
        "replace NumPy {version} in {path} with NumPy 1 (torchup restores the old version if torch still does "
        "not work)?",
        path=redact(prefix),
        version=before,
    )


def numpy_command(host: Host, python: str) -> tuple[str, ...]:
    """The environment's own pip, which knows its configuration; torchup's uv where it has none."""
    if host.run((python, "-I", "-m", "pip", "--version")).ok:
        return (python, "-I", "-m", "pip", "install", WANTED)
    return (uv_binary(), "pip", "install", "--python", python, WANTED)


def _exchanged(host: Host, examined: Examined, before: str | None, prefix: str) -> Facts:
    argv = numpy_command(host, str(examined.python))
    done = host.run(argv, timeout=TIMEOUT)
    facts = facts_of(examined.machine, inspect_environment(host, str(examined.python)))
    cured = facts.torch.import_error is None and "numpy-abi" not in {f.rule for f in diagnose(facts).findings}
    if done.ok and cured:
        return facts
    restored = before is None or facts.versions("numpy") == (before,)
    if not restored:
        restored = host.run((*argv[:-1], f"numpy=={before}"), timeout=TIMEOUT).ok
    if done.ok:
        raise VerifyError(_undone(before if restored else None, prefix))
    lines = (done.stderr or done.stdout).strip().splitlines()
    raise InstallError(
        message("doctor.fix.numpy.failed", "NumPy 1 could not be installed into {path}", path=redact(prefix)),
        hint=_last_line(lines[-1]) if lines else None,
    )


def _undone(restored: str | None, prefix: str) -> Message:
    """That it was in vain, and which NumPy is there now; ``None``: the new one."""
    if restored is None:
        return message(
            "doctor.fix.numpy.stays", "NumPy 1 did not help; it is still installed in {path}, because the old "
            "version is unknown or could not be restored", path=redact(prefix),
        )  # fmt: skip
    return message(
        "doctor.fix.numpy.undone",
        "NumPy 1 did not help; NumPy {version} was restored in {path}",
        version=restored,
        path=redact(prefix),
    )


def _last_line(line: str) -> Message:
    return message(
        "doctor.fix.numpy.failed.hint",
        "solve the installer's problem and repeat the command, or run `torchup up` to make a new environment; "
        "the installer said: {line}",
        line=redact(line)[:300],
    )
