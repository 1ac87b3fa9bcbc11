"""Running programs: no shell, absolute paths, cleaned environment, a limit on every wait."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from typing import IO, TYPE_CHECKING

from torchup.host.base import Completed, Flooded
from torchup.host.files import decode
from torchup.host.groups import TERMINATION_GRACE, Session
from torchup.host.threads import thread
from torchup.host.ties import Tie, can_tie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torchup.host.groups import Group

# Variables that would make a child Python or pip act on another environment than the one it is run in.
STDERR = 2  # the file descriptor
REMOVED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
    "__PYVENV_LAUNCHER__",
    "UV_PYTHON",
)
# Tools are asked in English and UTF-8, so that one parser reads every machine.
ADDED = {
    "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8:replace",
    "NoDefaultCurrentDirectoryInExePath": "1",  # Windows: a program beside the user's files is not meant
}
OUTPUT_LIMIT = 32 * 1024 * 1024  # bytes of one stream; who prints more is ended: an installation prints 1 MB
# A child that may run for longer is tied to torchup's own life: a probe ends by itself before anybody would notice it.
LASTING = 30.0  # seconds
# The current folder of children: only an administrator writes there, so no program or module of a cloned project is
# found beside them, and it is there when the user's own has been deleted.
NEUTRAL = os.environ.get("SYSTEMROOT", "C:\\Windows") if sys.platform == "win32" else "/"


def clean_environment(overlay: Mapping[str, str | None] | None) -> dict[str, str]:
    """The child's environment: ours without `REMOVED`, with `ADDED`, then the overlay (``None`` removes)."""
    environment = {name: value for name, value in os.environ.items() if name not in REMOVED} | ADDED
    if "PATH" in environment:
        environment["PATH"] = os.pathsep.join(_folders(environment["PATH"]))
    for name, value in (overlay or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def _folders(path: str) -> list[str]:
    """The entries of a PATH that name a folder wherever one stands: ``.``, ``bin`` and nothing do not."""
    return [folder for folder in path.split(os.pathsep) if os.path.isabs(folder)]


def which(program: str) -> str | None:
    """Find a program on PATH, leaving out relative entries and the current folder."""
    if os.path.dirname(program):
        return program if os.path.isabs(program) and os.access(program, os.X_OK) else None
    folders = _folders(os.environ.get("PATH", ""))
    found = shutil.which(program, path=os.pathsep.join(folders)) if folders else None
    # Windows' own search looks into the current folder first, whatever path it is given.
    if found and os.path.dirname(os.path.abspath(found)) not in {os.path.abspath(folder) for folder in folders}:
        return None
    return found


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    environment: Mapping[str, str | None] | None,
    cwd: str | None,
    stdin: str | None,
    on_line: Callable[[str], None] | None,
) -> Completed:
    """See `Host.run`."""
    program = which(argv[0])
    if program is None:
        return Completed(argv=tuple(argv), missing=True)
    try:
        with _tie(wanted=timeout > LASTING) as tie:
            process = _start([program, *argv[1:]], environment, cwd, tie, has_stdin=stdin is not None)
            done = _attended(process, argv, stdin, timeout, on_line)
            if tie is not None:
                tie.child()
    except (OSError, ValueError) as error:
        return Completed(argv=tuple(argv), missing=isinstance(error, FileNotFoundError), stderr=str(error))
    return done


@contextlib.contextmanager
def _tie(*, wanted: bool) -> Iterator[Tie | None]:
    """What ends a child with torchup; ``None``: it needs none."""
    tie = Tie() if wanted and can_tie() else None
    try:
        yield tie
    finally:
        if tie is not None:
            tie.close()


def _attended(
    process: subprocess.Popen[bytes],
    argv: Sequence[str],
    stdin: str | None,
    timeout: float,
    on_line: Callable[[str], None] | None,
) -> Completed:
    """Feed a started child, read what it prints, and end what is left of it."""
    group, flooded = _group_of(process), threading.Event()
    try:
        streams = [_Reader(group, pipe, on_line, flooded) for pipe in (process.stdout, process.stderr)]
        timed_out = _feed_and_wait(process, group, stdin, timeout)
    except BaseException:
        group.stop()
        raise
    group.end()  # what it started and left behind: nothing of a child outlives it
    for stream in streams:
        stream.join(TERMINATION_GRACE)
    stdout, stderr = (stream.text() for stream in streams)
    if flooded.is_set():
        return Flooded(argv=tuple(argv), stdout=stdout, stderr=stderr)
    code = None if timed_out else process.returncode
    return Completed(argv=tuple(argv), returncode=code, stdout=stdout, stderr=stderr, timed_out=timed_out)


def run_attached(
    argv: Sequence[str], *, environment: Mapping[str, str | None] | None, cwd: str | None, keep_stdout: bool
) -> int:
    """See `Host.run_attached`. Handlers are set before the start, so that no signal falls between."""
    program = which(argv[0])
    if program is None:
        return 127  # what shells return for a command that is not there
    with _passing_on() as told, _tie(wanted=True) as tie:
        words = [program, *argv[1:]]
        child = subprocess.Popen(
            tie.words("attached", words) if tie is not None else words,
            env=_overlaid(environment),
            cwd=cwd,
            stdout=STDERR if keep_stdout else None,
            pass_fds=tie.descriptors if tie is not None else (),
        )
        told.begin(child, tie)
        code = child.wait()
    return 128 - code if code < 0 else code


class _Told:
    """Signals for a child: kept until it is there, then sent on."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._tied: int | None = None
        self._early: list[int] = []

    def begin(self, child: subprocess.Popen[bytes], tie: Tie | None) -> None:
        """The child is there, or what starts it: signals go to the program itself. Raises `OSError`: not started."""
        if tie is not None:
            tie.begun()
            try:
                self._tied = tie.child()
            except OSError:
                child.wait()  # the warden has nothing more to do
                raise
        self._child = child
        for number in self._early:
            self.take(number, None)

    def take(self, number: int, _: object) -> None:
        if self._child is None:
            self._early.append(number)
        elif self._tied is None:
            self._child.send_signal(number)
        elif self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._tied, number)


@contextlib.contextmanager
def _passing_on() -> Iterator[_Told]:
    """Pass signals on to a child. The terminal itself sends Ctrl-C to both; a second one would be one too many."""
    told = _Told()
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    handlers = {name: told.take for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)}
    previous = {getattr(signal, name): signal.signal(getattr(signal, name), take) for name, take in handlers.items()}
    for name in ("SIGINT", "SIGQUIT"):
        if hasattr(signal, name):
            number = getattr(signal, name)
            previous[number] = signal.signal(number, (lambda *_: None) if at_terminal else told.take)
    try:
        yield told
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _overlaid(environment: Mapping[str, str | None] | None) -> dict[str, str]:
    """The user's own environment, uncleaned: an attached program is the user's, not a probe."""
    merged: dict[str, str | None] = {**os.environ, **(environment or {})}
    return {name: value for name, value in merged.items() if value is not None}


def _start(
    argv: list[str], environment: Mapping[str, str | None] | None, cwd: str | None, tie: Tie | None, *, has_stdin: bool
) -> subprocess.Popen[bytes]:
    windows = sys.platform == "win32"
    process = subprocess.Popen(
        tie.words("group", argv) if tie is not None else argv,
        stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(environment),
        cwd=cwd or NEUTRAL,
        start_new_session=not windows,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if windows else 0,
        pass_fds=tie.descriptors if tie is not None else (),
    )
    if tie is not None:
        tie.begun()
    return process


def _group_of(process: subprocess.Popen[bytes]) -> Group:
    """The group of a child that was just started (with ``start_new_session`` where there is one)."""
    if sys.platform == "win32":
        from torchup.host.windows_job import Job  # ctypes is of use there alone

        return Job(process)
    return Session(process)


def _feed_and_wait(process: subprocess.Popen[bytes], group: Group, stdin: str | None, timeout: float) -> bool:
    """Wait for the end; stop the group at the limit. Returns whether the limit was hit."""
    if stdin is not None and process.stdin is not None:
        thread(_feed, process.stdin, stdin.encode()).start()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        group.stop()
        return True
    return False


def _feed(pipe: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(OSError), pipe:  # the child may close its end early; that is its right
        pipe.write(content)


class _Reader:
    """Drains one stream so that the child never blocks; at `OUTPUT_LIMIT` bytes the child is ended."""

    def __init__(
        self,
        group: Group,
        stream: IO[bytes] | None,
        on_line: Callable[[str], None] | None,
        flooded: threading.Event,
    ) -> None:
        self._group = group
        self._flooded = flooded
        self._stream = stream
        self._on_line = on_line
        self._chunks: list[bytes] = []
        self._kept = 0
        self._thread = thread(self._read)
        self._thread.start()

    def _read(self) -> None:
        if self._stream is None:
            return
        with contextlib.suppress(OSError, ValueError), self._stream:  # closed under us when the group is stopped
            for line in iter(partial(self._stream.readline, 1 << 16), b""):
                if self._kept >= OUTPUT_LIMIT:
                    self._flooded.set()
                    self._group.end()
                    return
                self._chunks.append(line)
                self._kept += len(line)
                if self._on_line is not None:
                    self._on_line(decode(line).rstrip("\r\n"))

    def join(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds for the stream's end."""
        self._thread.join(timeout)

    def text(self) -> str:
        """What was read, decoded."""
        return decode(b"".join(self._chunks))
