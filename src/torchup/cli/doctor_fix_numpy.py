"""`torchup doctor --fix` for NumPy alone: NumPy 1 is put beside an old torch that cannot be had again.

Where the environment can be built anew it is (see `doctor_fix`). A conda environment is not torchup's to rebuild, and
a torch of years ago is in no index any more: there one package is exchanged, and put back if torch does not work then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.cli.answer import Answer
from torchup.doctor import diagnose
from torchup.doctor.live import facts_of
from torchup.encoding import to_builtins
from torchup.envs import registry
from torchup.envs.inspection import inspect_environment
from torchup.errors import ExitCode, InstallError, VerifyError
from torchup.i18n import text
from torchup.install.uv import uv_binary
from torchup.model import message
from torchup.privacy import redact
from torchup.report.doctor_text import command_line, doctor_text

if TYPE_CHECKING:
    from torchup.cli.doctor import Examined
    from torchup.cli.session import Session
    from torchup.doctor.facts import Facts
    from torchup.host import Host

WANTED = "numpy<2"
TIMEOUT = 1800.0  # seconds; 20 MB over a slow line, or a build from source where no wheel fits


def exchange_numpy(session: Session, examined: Examined, prefix: str) -> Answer | None:
    """Put NumPy 1 in; ``None``: the user did not want it.

    Raises `InstallError` where it cannot be installed and `VerifyError` where torch does not work with it; NumPy is
    then the version that it was.
    """
    host, python = session.host, str(examined.python)
    argv = install_command(host, python, WANTED)
    if session.dry_run:
        return _dry(argv, prefix)
    before = next(iter(examined.facts.versions("numpy")), None)
    question = message(
        "doctor.fix.numpy.ask",
        "put NumPy 1 into {path} in place of NumPy {version} (it is put back if torch does not work then)?",
        path=redact(prefix),
        version=before or "?",
    )
    if not session.confirm(question):
        return None
    try:
        with registry.lock(host, prefix):
            facts = _exchanged(host, examined, argv, before, prefix)
    except TimeoutError as error:
        raise registry.busy(prefix) from error
    return _done(session, facts, prefix)


def install_command(host: Host, python: str, requirement: str) -> tuple[str, ...]:
    """The environment's own pip, which knows its configuration; torchup's uv where it has none."""
    if host.run((python, "-I", "-m", "pip", "--version")).ok:
        return (python, "-I", "-m", "pip", "install", requirement)
    return (uv_binary(), "pip", "install", "--python", python, requirement)


def _exchanged(host: Host, examined: Examined, argv: tuple[str, ...], before: str | None, prefix: str) -> Facts:
    done = host.run(argv, timeout=TIMEOUT)
    facts = facts_of(examined.machine, inspect_environment(host, str(examined.python)))
    cured = facts.torch.import_error is None and "numpy-abi" not in {f.rule for f in diagnose(facts).findings}
    if done.ok and cured:
        return facts
    if before is not None and facts.versions("numpy") != (before,):
        host.run((*argv[:-1], f"numpy=={before}"), timeout=TIMEOUT)
    if done.ok:
        raise VerifyError(
            message(
                "doctor.fix.numpy.undone",
                "NumPy 1 did not help; NumPy {version} is back in {path}",
                version=before or "?",
                path=redact(prefix),
            )
        )
    lines = (done.stderr or done.stdout).strip().splitlines() or ["-"]
    raise InstallError(
        message("doctor.fix.numpy.failed", "NumPy 1 could not be installed into {path}", path=redact(prefix)),
        hint=message("doctor.fix.numpy.failed.hint", "its installer said: {line}", line=redact(lines[-1])[:300]),
    )


def _dry(argv: tuple[str, ...], prefix: str) -> Answer:
    return Answer(
        command="doctor",
        data={"fixed": False, "dry_run": True, "commands": [argv]},
        text=lambda: "\n".join(
            (
                text("doctor.fix.numpy.would", "would run in {path}:", path=redact(prefix)),
                f"    {redact(command_line(argv))}",
            )
        ),
    )


def _done(session: Session, facts: Facts, prefix: str) -> Answer:
    found = diagnose(facts)
    done = text(
        "doctor.fix.numpy.done",
        "NumPy {version} is in {path} now",
        version=next(iter(facts.versions("numpy")), "1"),
        path=redact(prefix),
    )
    return Answer(
        command="doctor",
        data={**to_builtins(found), "fixed": True},
        text=lambda: f"{done}\n\n{doctor_text(found, facts, session.style)}",
        exit_code=ExitCode.OK if found.primary is None else ExitCode.FINDINGS,
    )
