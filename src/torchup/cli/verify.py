"""`torchup verify`: prove that the PyTorch of an environment works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options
from torchup.cli.target import find_target, target_options
from torchup.cli.verb import Verb
from torchup.envs.verification import TIMEOUT, verify_environment
from torchup.errors import ExitCode
from torchup.i18n import text
from torchup.model import Readiness, Rung, RungStatus, verbatim
from torchup.report.verify_text import rung_line, verdict, verify_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.envs.damage import Damage
    from torchup.model import Notice, Verification


@click.command(
    cls=Verb,
    name="verify",
    help=text("verify.help", "Verify an environment by running kernels, not only by calling is_available()"),
)
@target_options
@click.option(
    "--compile/--no-compile",
    "compile_rung",
    default=True,
    help=text(
        "verify.option.compile", "Whether to try torch.compile as well (default: yes); a failure is only a warning"
    ),
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    default=TIMEOUT,
    show_default=True,
    help=text("verify.option.timeout", "Time limit for all checks, in seconds"),
)
@click.option(
    "--deep",
    is_flag=True,
    help=text("verify.option.deep", "Also hash every installed file, to find damage that does not change the size"),
)
@common_options
def command(
    session: Session, env: str | None, python: str | None, timeout: float, *, compile_rung: bool, deep: bool
) -> Answer:
    """Parse, climb, render; exit 5 when a rung failed."""
    target = find_target(session, env, python)
    damage: list[Damage] = []
    result = verify_environment(
        session.host,
        target.python,
        expected=target.build,
        timeout=timeout,
        compile_rung=compile_rung,
        deep=deep,
        on_rung=_reporter(session),
        on_damage=damage.extend,
    )
    if session.verbose:
        result = replace(result, readiness=_readiness(session, target.python))
    return Answer(
        command="verify",
        data=result,
        text=lambda: verify_text(result, session.style, watched=session.interactive and sys.stdout.isatty()),
        strong=lambda: verdict(result),
        exit_code=ExitCode.OK if result.passed else ExitCode.VERIFY,
        notices=_restoring(session, target.python, damage) if damage or not _started(result) else (),
    )


def _started(result: Verification) -> bool:
    """Whether the Python of the environment ran at all."""
    return not any(rung.detail is not None and rung.detail.code == "not-started" for rung in result.rungs)


def _restoring(session: Session, python: str, damage: Sequence[Damage]) -> tuple[Notice, ...]:
    """What restores the files."""
    from torchup.jobs.restoring import restoring  # noqa: PLC0415  # loads the doctor, for damage alone

    return restoring(session.host, python, damage)


def _readiness(session: Session, python: str) -> tuple[Readiness, ...]:
    """What torch.compile needs, held against what is there."""
    from torchup.detect import detect_machine  # noqa: PLC0415  # only for -v
    from torchup.jobs.state import compile_readiness  # noqa: PLC0415  # same

    return compile_readiness(session.host, python, detect_machine(session.host))


def _reporter(session: Session) -> Callable[[Rung], None] | None:
    """Rungs as they end, for a person who watches; a report that goes elsewhere has them all again."""
    if not session.interactive:
        return None

    def tell(rung: Rung) -> None:
        if rung.status != RungStatus.SKIP:
            session.note(verbatim(rung_line(rung, session.style)))

    return tell
