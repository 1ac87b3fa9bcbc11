"""What torchup asks of the machine, as one protocol; tests and recordings answer it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from torchup.host.partfile import PartFile
    from torchup.host.stream import Stream

PROBE_TIMEOUT = 10.0  # seconds; a healthy nvidia-smi answers in under 3, a hung driver never does


class Completed(Value, frozen=True, kw_only=True):
    """How a process ended. ``returncode`` is ``None`` when it never started or was stopped at its limit."""

    argv: tuple[str, ...]
    returncode: int | None = None
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False
    missing: bool = False  # no such program

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and returned 0."""
        return self.returncode == 0

    @property
    def flooded(self) -> bool:
        """Whether it printed without end and was stopped."""
        return False


class Flooded(Completed, frozen=True, kw_only=True):
    """The end of a process that printed without end; a recording keeps it as one that gave no answer."""

    @property
    def flooded(self) -> bool:
        """It did."""
        return True


GONE = frozenset({404, 410})  # statuses of a server that has no such file


class HttpResponse(Value, frozen=True, kw_only=True):
    """An answer from the network. ``status`` is ``None`` when there was none; ``error`` then says why.

    ``final_url`` of a failure is the last redirect that was followed, ``None`` where there was none.
    """

    url: str
    final_url: str | None = None  # after redirects
    status: int | None = None
    headers: dict[str, str] = {}  # names in lower case
    body: bytes = b""
    error: str | None = None
    seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer is a success."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  # HTTP's own range

    @property
    def gone(self) -> bool:
        """Whether the server says that there is no such file."""
        return self.status in GONE


class PlatformFacts(Value, frozen=True, kw_only=True):
    """What Python's platform module says, read once."""

    system: str  # Linux | Windows | Darwin
    machine: str  # x86_64, AMD64, arm64...
    release: str = ""
    version: str = ""
    python_version: str = ""
    python_executable: str = ""
    libc: tuple[str, str] = ("", "")
    mac_version: str = ""
    bits: int = 64
    free_threaded: bool = False


class StandardFolders(Value, frozen=True, kw_only=True):
    """Where torchup keeps its things; ``TORCHUP_HOME`` moves them all below one folder."""

    home: str  # the user's
    data: str  # environments, results
    cache: str
    config: str
    log: str


class Host(Protocol):
    """The machine. Paths are strings; a missing or unreadable thing is ``None`` or empty, never an exception.

    The methods that change the disk raise `OSError`; their callers turn it into a `TorchupError`.
    """

    # --- facts
    def platform(self) -> PlatformFacts:
        """The operating system and the running Python."""
        ...

    def folders(self) -> StandardFolders:
        """The standard folders."""
        ...

    def environ(self) -> Mapping[str, str]:
        """The process's environment variables, read-only."""
        ...

    def language(self) -> str:
        """The language tag that the operating system is set to; empty where only variables tell it (Linux)."""
        ...

    def cwd(self) -> str:
        """The current folder."""
        ...

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def cpu_count(self) -> tuple[int | None, int | None]:
        """Physical cores and the logical ones that this process may use."""
        ...

    def memory_total(self) -> int | None:
        """Bytes of physical memory."""
        ...

    def disk_free(self, path: str) -> int | None:
        """Free bytes on the file system that holds ``path`` or its nearest existing parent."""
        ...

    def same_disk(self, first: str, second: str) -> bool:
        """Whether two paths, or their nearest existing parents, lie on one file system."""
        ...

    # --- processes
    def which(self, program: str) -> str | None:
        """Absolute path of a program on PATH; the current folder is never searched."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = PROBE_TIMEOUT,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | None = None,
        stdin: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a program to its end or its limit (seconds); never raises for what the program does.

        ``environment`` is laid over the cleaned environment, ``None`` removes a name. ``on_line`` gets each line of
        either stream as it comes. The whole process group is stopped at the limit and on Ctrl-C.
        """
        ...

    def run_attached(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | None = None,
        keep_stdout: bool = False,
    ) -> int:
        """Run a program on this terminal, signals passed on; returns its exit code (128 + signal when killed).

        ``keep_stdout``: this process writes its answer to stdout, so the program's output goes to stderr.
        """
        ...

    # --- reading
    def read_bytes(self, path: str, limit: int | None = None) -> bytes | None:
        """A file's content (its first ``limit`` bytes)."""
        ...

    def read_part(self, path: str, start: int, length: int) -> tuple[bytes, int] | None:
        """``length`` bytes of a file from ``start`` on, and the size of the whole file in bytes."""
        ...

    def read_text(self, path: str, limit: int | None = None) -> str | None:
        """A file's text, UTF-8 with replacement, line ends made LF."""
        ...

    def read_given(self, path: str, limit: int) -> bytes | None:
        """The first ``limit`` bytes of what the user named himself: also a pipe (``<(command)``) or /dev/stdin."""
        ...

    def sha256(self, path: str) -> str | None:
        """SHA-256 of a file in hexadecimal, read piece by piece; ``None`` for what cannot be read."""
        ...

    def size(self, path: str) -> int | None:
        """Bytes of a file; ``None`` for anything but a regular file."""
        ...

    def list_dir(self, path: str) -> tuple[str, ...] | None:
        """Sorted names in a folder; ``None`` where there is none."""
        ...

    def exists(self, path: str) -> bool:
        """Whether anything is there (a broken link counts as nothing)."""
        ...

    def is_dir(self, path: str) -> bool:
        """Whether it is a folder."""
        ...

    def access(self, path: str) -> tuple[bool, bool] | None:
        """(readable, writable) for this user; ``None`` where nothing is."""
        ...

    def is_read_only(self, path: str) -> bool:
        """Whether a file's own mode forbids writing, for root too; what is not there is not read-only."""
        ...

    def size_and_age(self, path: str) -> tuple[int, float]:
        """Bytes of a file, and seconds since it was last written; (0, 0.0) where nothing is."""
        ...

    def real_path(self, path: str) -> str:
        """The path with every link followed."""
        ...

    # --- changing
    def write_text(self, path: str, text: str, *, private: bool = False) -> None:
        """Write atomically: a neighbour file, flushed to disk, renamed over; parents are made.

        ``private``: readable by this user alone.
        """
        ...

    def write_bytes(self, path: str, content: bytes) -> None:
        """Same for bytes."""
        ...

    def make_dirs(self, path: str) -> None:
        """Make a folder and its parents."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Rename; an existing file is replaced, an existing folder is an error."""
        ...

    def copy(self, source: str, target: str) -> None:
        """The same file at another path: a link to it where the file system has such, else a copy. Parents are made."""
        ...

    def exchange(self, first: str, second: str) -> bool:
        """Swap two paths in one atomic step; ``False``, with nothing changed, where the system cannot."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all in it (links are not followed); nothing there is fine."""
        ...

    def lock(self, path: str, timeout: float = 0.0) -> AbstractContextManager[object]:
        """Hold a lock file; raises `TimeoutError` when another process has it for longer than ``timeout`` seconds."""
        ...

    # --- network
    def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        limit: int = 64 * 1024 * 1024,
        certificate: str | None = None,
        proxy: str | None = None,
        verify: bool = True,
    ) -> HttpResponse:
        """GET one URL (http, https, file), at most ``limit`` bytes; never raises for what the network does.

        ``proxy`` replaces the usual proxy variables; ``verify=False`` accepts any certificate (pip's trusted-host).
        """
        ...

    def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float = 30.0,
        certificate: str | None = None,
        client_certificate: str | None = None,
        proxy: str | None = None,
        verify: bool = True,
    ) -> AbstractContextManager[Stream]:
        """GET one URL (http, https) and read its body piece by piece; ``timeout`` bounds each wait for bytes.

        Raises `StreamError` where nothing answers or the body breaks off. A redirect to another host carries no
        credentials along, and none leads out of TLS.
        """
        ...

    def part_file(self, path: str) -> PartFile:
        """Open a file that is written in pieces; made, with its parents, where it is not there. Raises `OSError`."""
        ...
