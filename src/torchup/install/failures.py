"""From what uv and pip print when they fail to a sentence, a hint and the exit code. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from torchup.errors import InstallError, NetworkError, TorchupError
from torchup.model import Message, message, verbatim

if TYPE_CHECKING:
    from torchup.host import Completed
    from torchup.model import Step


class _Kind(NamedTuple):
    pattern: re.Pattern[str]
    error: type[TorchupError]
    text: Message
    hint: Message


def _kind(pattern: str, error: type[TorchupError], text: Message, hint: Message) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE), error, text, hint)


NETWORK = message("install.failed.network", "a package source did not answer as expected")
NETWORK_HINT = message(
    "install.failed.network.hint",
    "check the network, run `torchup plan` to see the sources, or use another source with --mirror",
)
# First match wins: a full disk also looks like a failed download, a wrong hash also like a broken archive.
# Patterns from the messages of uv 0.13 and pip 22 to 26 met in this project's fault tests.
KINDS = (
    _kind(
        r"no space left on device|os error 28\b|disk quota exceeded|not enough space on the disk|os error 112\b",
        InstallError,
        message("install.failed.disk-full", "the disk is full"),
        message(
            "install.failed.disk-full.hint", "free some space, or put the environment on another disk with --path DIR"
        ),
    ),
    _kind(
        r"hash mismatch|do not match the hashes|HashMismatch",
        InstallError,
        message("install.failed.hash", "hash mismatch in a downloaded file"),
        message(
            "install.failed.hash.hint",
            "try again, or use another source with --mirror: a mirror or a proxy may have changed or damaged the file",
        ),
    ),
    _kind(
        r"deserialize cache entry|failed to (read|open).*\bcache\b",
        InstallError,
        message("install.failed.cache", "the installer's download cache is damaged"),
        message("install.failed.cache.hint", "empty the cache with `uv cache clean` or `pip cache purge`"),
    ),
    _kind(
        # pip reports a source that does not answer only in warnings, and then that it found nothing
        r"(?s:connection broken by.*from versions: none)",
        NetworkError,
        NETWORK,
        NETWORK_HINT,
    ),
    _kind(
        r"badzipfile|bad zip|invalid zip|zip file|invalid wheel|\.whl is invalid|invalid package format"
        r"|failed to (extract|unzip|read meta)|central directory|corrupt|deflate",
        InstallError,
        message("install.failed.archive", "a downloaded file is damaged or is not a wheel"),
        message("install.failed.archive.hint", "try again, or use another source with --mirror"),
    ),
    _kind(
        r"no solution found|could not find a version that satisfies|no matching distribution|resolutionimpossible"
        r"|conflicting dependencies|was not found in the package registry|was not found in the provided package",
        InstallError,
        message(
            "install.failed.no-solution",
            "these sources do not have all the requested packages in versions that fit together",
        ),
        message(
            "install.failed.no-solution.hint",
            "check the names and versions of the packages; run `torchup plan` to see the sources",
        ),
    ),
    _kind(
        r"no interpreter found|no python .{0,200}(found|available)|python downloads are",
        InstallError,
        message("install.failed.python", "the installer could not find or download the planned Python"),
        message(
            "install.failed.python.hint",
            "install the planned Python, choose an installed one with --python, or set UV_PYTHON_INSTALL_MIRROR "
            "to a mirror of Python builds",
        ),
    ),
    _kind(
        r"ensurepip is not|no module named ensurepip|python3?-venv|no module named venv",
        InstallError,
        message(
            "install.failed.ensurepip",
            "this Python cannot make environments with pip: its ensurepip or venv module is missing",
        ),
        message(
            "install.failed.ensurepip.hint", "install the python3-venv package (Debian, Ubuntu), or use --installer uv"
        ),
    ),
    _kind(
        r"permission denied|os error 13\b|read-only file system|os error 30\b",
        InstallError,
        message("install.failed.permission", "the installer could not write to a folder"),
        message(
            "install.failed.permission.hint",
            "set TORCHUP_HOME to a folder that you can write to (`torchup up` and `torchup env create` also "
            "accept --path DIR)",
        ),
    ),
    _kind(
        r"failed to (fetch|download)|error sending request|connect|timed? ?out|dns|http status|http error"
        r"|ssl|certificate|read error|end of file before message|network|max retries exceeded|proxy",
        NetworkError,
        NETWORK,
        NETWORK_HINT,
    ),
)
OTHER = message("install.failed.other", "the installer failed")
COMPILING = "install.step.compile"  # the step that takes hours without a network


def explain(step: Step, completed: Completed) -> TorchupError:
    """The error for a step that failed: what went wrong, what to do, and the tool's last words."""
    words = "\n".join((completed.stderr.strip() or completed.stdout.strip()).splitlines()[-12:])
    if completed.timed_out:
        text = message(
            "install.failed.timeout", "the step did not finish within {seconds} s", seconds=round(step.timeout)
        )
        if step.summary.code == COMPILING:
            return InstallError(_sentence(step, text, words), hint=_compile_less(step), code=text.code)
        return NetworkError(_sentence(step, text, words), hint=NETWORK_HINT, code=text.code)
    everything = f"{completed.stdout}\n{completed.stderr}"
    for kind in KINDS:
        if kind.pattern.search(everything):
            return kind.error(_sentence(step, kind.text, words), hint=kind.hint, code=kind.text.code)
    return InstallError(_sentence(step, OTHER, words), hint=_other_installer(step), code=OTHER.code)


def explain_addition(step: Step, completed: Completed) -> TorchupError:
    """The same where packages are added to an environment that is there: no option chooses a source or a place."""
    error = explain(step, completed)
    return type(error)(error.text, hint=_OF_ADDITIONS.get(error.code, error.hint), code=error.code)


_REPEAT = message("install.addition.hint", "correct what the installer reported, then repeat the command")
_ONLINE = message("install.addition.network.hint", "check the network, then repeat the command")
_OF_ADDITIONS = {
    "install.failed.disk-full": message("install.addition.disk-full.hint", "free some space, then repeat the command"),
    "install.failed.permission": message(
        "install.addition.permission.hint",
        "run the command as the owner of the environment's folder, or change the permissions of the folder",
    ),
    **dict.fromkeys(("install.failed.python", "install.failed.ensurepip", "install.failed.other"), _REPEAT),
    **dict.fromkeys(
        ("install.failed.network", "install.failed.timeout", "install.failed.hash", "install.failed.archive"), _ONLINE
    ),
}


def _other_installer(step: Step) -> Message:
    """The one that has not failed."""
    uv_failed = posixpath.basename(step.argv[0]).removesuffix(".exe") == "uv"
    return message(
        "install.failed.other.hint",
        "use `--installer {installer}` to try another installer",
        installer="pip" if uv_failed else "uv",
    )


def _compile_less(step: Step) -> Message:
    package = dict(step.summary.values)["package"]
    return message(
        "install.failed.compile.hint",
        "set MAX_JOBS to run more compilers at a time, or leave out --build: `torchup wheel {package}` shows the "
        "torch builds that have a wheel of the package",
        package=package,
    )


def _sentence(step: Step, text: Message, words: str) -> Message:
    return message(
        "install.failed", "could not {step}: {reason}\n{words}", step=step.summary, reason=text, words=verbatim(words)
    )
