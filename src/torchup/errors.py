"""Every error a user can meet, with its exit code. The table here is the only one (docs/reference/exit-codes.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torchup.model import Message


class ExitCode(IntEnum):
    """The process's exit codes."""

    OK = 0
    FINDINGS = 1  # an error-level finding, or a comparison that regressed
    USAGE = 2  # usage or configuration
    NO_BUILD = 3  # no build fits, or the only one would leave a present GPU unused
    INSTALL = 4  # install failed and was rolled back
    VERIFY = 5  # verification failed
    BENCH = 6  # benchmark failed or missed its quality bar
    NETWORK = 7  # network or mirror
    INTERNAL = 70  # a defect of torchup; a log path is printed
    TIMEOUT = 124
    INTERRUPTED = 130


class TorchupError(Exception):
    """Base: a sentence the user can act on, a hint, and the exit code.

    Args:
        text: what happened, one sentence.
        hint: what to do next.
        code: stable code for the JSON envelope; defaults to the message's own.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, text: Message, *, hint: Message | None = None, code: str | None = None) -> None:
        super().__init__(str(text))
        self.text = text
        self.hint = hint
        self.code: str = code or text.code


class UsageError(TorchupError):
    """The command line, torchup.toml or a file given by the user is wrong."""

    exit_code = ExitCode.USAGE


class NoBuildError(TorchupError):
    """No published build fits this machine, or only one that leaves a present GPU unused."""

    exit_code = ExitCode.NO_BUILD


class InstallError(TorchupError):
    """An installation failed; the previous environment is as it was."""

    exit_code = ExitCode.INSTALL


class VerifyError(TorchupError):
    """The environment does not do what it should."""

    exit_code = ExitCode.VERIFY


class BenchError(TorchupError):
    """A benchmark failed or missed its quality bar."""

    exit_code = ExitCode.BENCH


class NetworkError(TorchupError):
    """An index, a mirror or a download did not answer as it should."""

    exit_code = ExitCode.NETWORK


class TimeLimitError(TorchupError):
    """Something took longer than its limit."""

    exit_code = ExitCode.TIMEOUT


class InterruptedByUserError(TorchupError):
    """Ctrl-C or SIGTERM; what was begun has been undone."""

    exit_code = ExitCode.INTERRUPTED
