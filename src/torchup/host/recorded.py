"""Recordings: write down what a machine answered, and answer the same on any other machine.

A recording is a folder with one file, ``recording.json`` (see `Recording`). What it does not hold did not exist:
an unrecorded program is missing, an unrecorded file is unreadable, an unrecorded address does not answer.
"""

from __future__ import annotations

import contextlib
import posixpath
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import from_json, to_json
from torchup.host.base import PROBE_TIMEOUT, Completed, HttpResponse, PlatformFacts, StandardFolders
from torchup.host.real import RealHost
from torchup.host.stream import StreamError
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from torchup.host.partfile import PartFile
    from torchup.host.stream import Stream

FILE_NAME = "recording.json"
VERSION = 1
SIZE_LIMIT = 64 * 1024 * 1024  # characters; the largest recording known has 2 MB


class Recording(Value, frozen=True, kw_only=True):
    """What a machine answered. ``note`` says which parts are a real machine's output and which were completed."""

    version: int = VERSION
    note: str = ""
    platform: PlatformFacts
    folders: StandardFolders = StandardFolders(
        home="/home/user", data="/home/user/.local/share/torchup", cache="/home/user/.cache/torchup",
        config="/home/user/.config/torchup", log="/home/user/.local/state/torchup/log",
    )  # fmt: skip
    cwd: str = "/home/user"
    environ: dict[str, str] = {}
    cpu_count: tuple[int | None, int | None] = (None, None)
    memory_total: int | None = None
    disk_free: int | None = None
    programs: dict[str, str] = {}  # name -> absolute path
    commands: tuple[Completed, ...] = ()
    files: dict[str, str | None] = {}  # path -> text; None: there, but unreadable
    directories: dict[str, tuple[str, ...]] = {}
    accesses: dict[str, tuple[bool, bool]] = {}
    links: dict[str, str] = {}  # path -> where its links lead, where that is elsewhere
    responses: tuple[HttpResponse, ...] = ()


class RecordedHost:
    """`Host` over a `Recording`. The clock stands still; nothing can be changed."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._commands = {command.argv: command for command in recording.commands}
        self._responses = {response.url: response for response in recording.responses}

    def platform(self) -> PlatformFacts:
        """See `Host.platform`."""
        return self.recording.platform

    def folders(self) -> StandardFolders:
        """See `Host.folders`."""
        return self.recording.folders

    def environ(self) -> Mapping[str, str]:
        """See `Host.environ`."""
        return self.recording.environ

    def language(self) -> str:
        """See `Host.language`; a recording's reader has a language of his own."""
        return ""

    def cwd(self) -> str:
        """See `Host.cwd`."""
        return self.recording.cwd

    def now(self) -> datetime:
        """The epoch: a replay has no time of its own."""
        return datetime.fromtimestamp(0, UTC)

    def monotonic(self) -> float:
        """Always 0."""
        return 0.0

    def cpu_count(self) -> tuple[int | None, int | None]:
        """See `Host.cpu_count`."""
        return self.recording.cpu_count

    def memory_total(self) -> int | None:
        """See `Host.memory_total`."""
        return self.recording.memory_total

    def disk_free(self, path: str) -> int | None:
        """See `Host.disk_free`; one figure for every path."""
        del path
        return self.recording.disk_free

    def same_disk(self, first: str, second: str) -> bool:
        """See `Host.same_disk`; a recording has one."""
        del first, second
        return True

    def which(self, program: str) -> str | None:
        """See `Host.which`."""
        if "/" in program or "\\" in program:
            return program if program in self.recording.programs.values() else None
        return self.recording.programs.get(program)

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
        """The recorded end of the same command line."""
        del timeout, environment, cwd, stdin
        completed = self._commands.get(tuple(argv), Completed(argv=tuple(argv), missing=True))
        if on_line is not None:
            for line in (completed.stdout + completed.stderr).splitlines():
                on_line(line)
        return completed

    def run_attached(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | None = None,
        keep_stdout: bool = False,
    ) -> int:
        """Nothing can be run in a recording: 127, as shells say."""
        del argv, environment, cwd, keep_stdout
        return 127

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | None:
        """See `Host.read_bytes`."""
        text = self.recording.files.get(path)
        return None if text is None else text.encode()[:limit]

    def read_part(self, path: str, start: int, length: int) -> tuple[bytes, int] | None:
        """See `Host.read_part`."""
        content = self.read_bytes(path)
        return None if content is None else (content[start : start + length], len(content))

    def read_text(self, path: str, limit: int | None = None) -> str | None:
        """See `Host.read_text`."""
        text = self.recording.files.get(path)
        return None if text is None else text[:limit]

    def read_given(self, path: str, limit: int) -> bytes | None:
        """See `Host.read_given`."""
        return self.read_bytes(path, limit)

    def sha256(self, path: str) -> str | None:
        """See `Host.sha256`."""
        import hashlib  # 3 ms that every command would pay

        content = self.read_bytes(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def size(self, path: str) -> int | None:
        """See `Host.size`."""
        content = self.read_bytes(path)
        return None if content is None else len(content)

    def list_dir(self, path: str) -> tuple[str, ...] | None:
        """See `Host.list_dir`; folders that hold recorded files need no listing of their own."""
        if path in self.recording.directories:
            return self.recording.directories[path]
        prefix = path.rstrip("/") + "/"
        known = (*self.recording.files, *self.recording.directories)
        names = {name[len(prefix) :].split("/")[0] for name in known if name.startswith(prefix)}
        return tuple(sorted(names)) if names else None

    def exists(self, path: str) -> bool:
        """See `Host.exists`."""
        known = path in self.recording.files or path in self.recording.accesses
        listed = posixpath.basename(path) in self.recording.directories.get(posixpath.dirname(path), ())
        return known or listed or self.is_dir(path)

    def is_dir(self, path: str) -> bool:
        """See `Host.is_dir`."""
        return self.list_dir(path) is not None

    def access(self, path: str) -> tuple[bool, bool] | None:
        """See `Host.access`."""
        return self.recording.accesses.get(path) or ((True, False) if self.exists(path) else None)

    def is_read_only(self, path: str) -> bool:
        """See `Host.is_read_only`."""
        del path
        return True

    def size_and_age(self, path: str) -> tuple[int, float]:
        """What was recorded of a file has no age."""
        return len(self.recording.files.get(path) or ""), 0.0

    def real_path(self, path: str) -> str:
        """See `Host.real_path`."""
        return self.recording.links.get(path, path)

    def write_text(self, path: str, text: str, *, private: bool = False) -> None:
        """Refused: a recording is read-only."""
        del text, private
        raise PermissionError(path)

    def write_bytes(self, path: str, content: bytes) -> None:
        """Refused: a recording is read-only."""
        del content
        raise PermissionError(path)

    def make_dirs(self, path: str) -> None:
        """Refused: a recording is read-only."""
        raise PermissionError(path)

    def rename(self, source: str, target: str) -> None:
        """Refused: a recording is read-only."""
        del target
        raise PermissionError(source)

    def copy(self, source: str, target: str) -> None:
        """Refused: a recording is read-only."""
        del source
        raise PermissionError(target)

    def exchange(self, first: str, second: str) -> bool:
        """Refused: a recording is read-only."""
        del second
        raise PermissionError(first)

    def remove(self, path: str) -> None:
        """Refused: a recording is read-only."""
        raise PermissionError(path)

    @contextlib.contextmanager
    def lock(self, path: str, timeout: float = 0.0) -> Iterator[object]:
        """Return at once: a recording has no other processes."""
        del timeout
        yield path

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
        """The recorded answer, or none."""
        del headers, timeout, certificate, proxy, verify
        response = self._responses.get(url, HttpResponse(url=url, error="not in the recording"))
        return HttpResponse(
            **{name: getattr(response, name) for name in response.__struct_fields__} | {"body": response.body[:limit]}
        )

    def stream(self, url: str, **_: object) -> AbstractContextManager[Stream]:
        """Refused: a recording holds no downloads."""
        raise StreamError(f"{url} is not in the recording")

    def part_file(self, path: str) -> PartFile:
        """Refused: a recording is read-only."""
        raise PermissionError(path)


class RecordingHost(RealHost):
    """The real machine, every answer kept for `recording`; changes, locks and downloads are not recorded."""

    def __init__(self) -> None:
        self._programs: dict[str, str] = {}
        self._commands: dict[tuple[str, ...], Completed] = {}
        self._files: dict[str, str | None] = {}
        self._directories: dict[str, tuple[str, ...]] = {}
        self._accesses: dict[str, tuple[bool, bool]] = {}
        self._links: dict[str, str] = {}
        self._disk_free: int | None = None

    def which(self, program: str) -> str | None:
        """See `Host.which`."""
        found = super().which(program)
        if found is not None:
            self._programs[program] = found
        return found

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
        """See `Host.run`."""
        completed = super().run(argv, timeout=timeout, environment=environment, cwd=cwd, stdin=stdin, on_line=on_line)
        if not completed.missing:
            self._commands[tuple(argv)] = completed
        return completed

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | None:
        """See `Host.read_bytes`."""
        raw = super().read_bytes(path, limit)
        self._keep_text(path, None if raw is None else raw.decode("utf-8", errors="replace"))
        return raw

    def read_text(self, path: str, limit: int | None = None) -> str | None:
        """See `Host.read_text`."""
        text = super().read_text(path, limit)
        self._keep_text(path, text)
        return text

    def list_dir(self, path: str) -> tuple[str, ...] | None:
        """See `Host.list_dir`."""
        names = super().list_dir(path)
        if names is not None:
            self._directories[path] = names
        return names

    def exists(self, path: str) -> bool:
        """See `Host.exists`."""
        found = super().exists(path)
        if found:
            self._accesses.setdefault(path, super().access(path) or (False, False))
        return found

    def access(self, path: str) -> tuple[bool, bool] | None:
        """See `Host.access`."""
        found = super().access(path)
        if found is not None:
            self._accesses[path] = found
        return found

    def real_path(self, path: str) -> str:
        """See `Host.real_path`."""
        real = super().real_path(path)
        if real != path:
            self._links[path] = real
        return real

    def disk_free(self, path: str) -> int | None:
        """See `Host.disk_free`."""
        self._disk_free = super().disk_free(path)
        return self._disk_free

    def _keep_text(self, path: str, text: str | None) -> None:
        if text is not None or super().exists(path):
            self._files[path] = text

    def recording(self, note: str = "", environ: Mapping[str, str] | None = None) -> Recording:
        """Everything asked so far. ``environ`` holds the variables to keep, never the whole environment."""
        return Recording(
            note=note,
            platform=self.platform(),
            folders=self.folders(),
            cwd=self.cwd(),
            environ=dict(environ or {}),
            cpu_count=self.cpu_count(),
            memory_total=self.memory_total(),
            disk_free=self._disk_free,
            programs=self._programs,
            commands=tuple(self._commands.values()),
            files=self._files,
            directories=self._directories,
            accesses=self._accesses,
            links=self._links,
        )


def load_recording(text: str) -> Recording:
    """Read ``recording.json``; raises `msgspec.DecodeError` on what is not one, or one of another version."""
    recording = from_json(text, Recording)
    if recording.version != VERSION:
        raise msgspec.ValidationError(f"Expected `{VERSION}`, got `{recording.version}` - at `$.version`")
    return recording


def dump_recording(recording: Recording) -> str:
    """Write ``recording.json``, keys in a stable order."""
    return to_json(recording)
