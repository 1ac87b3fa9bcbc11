"""The machine torchup runs on."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import sysconfig
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from torchup.host import files
from torchup.host.activity import activity
from torchup.host.base import PROBE_TIMEOUT, Completed, HttpResponse, PlatformFacts, StandardFolders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from torchup.host.partfile import PartFile
    from torchup.host.stream import Stream


class RealHost:
    """`Host` over the standard library, psutil and platformdirs. Safe to use from several threads."""

    def platform(self) -> PlatformFacts:
        """See `Host.platform`."""
        return _platform_facts()

    def folders(self) -> StandardFolders:
        """See `Host.folders`."""
        home = str(Path.home())
        if moved := os.environ.get("TORCHUP_HOME"):
            base = os.path.normpath(os.path.join(self.cwd(), os.path.expanduser(moved)))
            parts = {name: os.path.join(base, name) for name in ("data", "cache", "config", "log")}
            return StandardFolders(home=home, **parts)
        import platformdirs  # 10 ms that `--help` need not pay

        dirs = platformdirs.PlatformDirs("torchup", appauthor=False)
        return StandardFolders(
            home=home,
            data=dirs.user_data_dir,
            cache=dirs.user_cache_dir,
            config=dirs.user_config_dir,
            log=dirs.user_log_dir,
        )

    def environ(self) -> Mapping[str, str]:
        """See `Host.environ`."""
        return MappingProxyType(dict(os.environ))

    def language(self) -> str:
        """See `Host.language`."""
        from torchup.host.language import system_language  # most shells have a locale variable

        return system_language()

    def cwd(self) -> str:
        """See `Host.cwd`."""
        try:
            return os.getcwd()
        except OSError:  # it has been deleted under us
            return os.path.abspath(os.sep)

    def now(self) -> datetime:
        """See `Host.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Host.monotonic`."""
        return time.monotonic()

    def cpu_count(self) -> tuple[int | None, int | None]:
        """See `Host.cpu_count`."""
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        physical = files.linux_cores()  # psutil reads the same files, but its import costs 40 ms
        if physical is None:
            import psutil

            physical = psutil.cpu_count(logical=False)
        return physical, usable

    def memory_total(self) -> int | None:
        """See `Host.memory_total`."""
        with contextlib.suppress(ValueError, OSError, AttributeError):  # POSIX; psutil's import costs 40 ms
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        import psutil

        return int(psutil.virtual_memory().total)

    def disk_free(self, path: str) -> int | None:
        """See `Host.disk_free`."""
        return files.disk_free(path)

    def same_disk(self, first: str, second: str) -> bool:
        """See `Host.same_disk`."""
        return files.same_disk(first, second)

    def which(self, program: str) -> str | None:
        """See `Host.which`."""
        from torchup.host import processes  # subprocess costs 3 ms that `--help` need not pay

        return processes.which(program)

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
        from torchup.host import processes  # see `which`

        with activity("run", os.path.basename(argv[0])):
            return processes.run(argv, timeout=timeout, environment=environment, cwd=cwd, stdin=stdin, on_line=on_line)

    def run_attached(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | None = None,
        keep_stdout: bool = False,
    ) -> int:
        """See `Host.run_attached`."""
        from torchup.host import processes  # see `which`

        return processes.run_attached(argv, environment=environment, cwd=cwd, keep_stdout=keep_stdout)

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | None:
        """See `Host.read_bytes`."""
        return files.read_bytes(path, limit)

    def read_part(self, path: str, start: int, length: int) -> tuple[bytes, int] | None:
        """See `Host.read_part`."""
        return files.read_part(path, start, length)

    def read_text(self, path: str, limit: int | None = None) -> str | None:
        """See `Host.read_text`."""
        raw = files.read_bytes(path, limit)
        return None if raw is None else files.decode(raw)

    def read_given(self, path: str, limit: int) -> bytes | None:
        """See `Host.read_given`."""
        return files.read_given(path, limit)

    def sha256(self, path: str) -> str | None:
        """See `Host.sha256`."""
        return files.sha256(path)

    def size(self, path: str) -> int | None:
        """See `Host.size`."""
        return files.size(path)

    def list_dir(self, path: str) -> tuple[str, ...] | None:
        """See `Host.list_dir`."""
        return files.list_dir(path)

    def exists(self, path: str) -> bool:
        """See `Host.exists`."""
        return os.path.exists(path)

    def is_dir(self, path: str) -> bool:
        """See `Host.is_dir`."""
        return os.path.isdir(path)

    def access(self, path: str) -> tuple[bool, bool] | None:
        """See `Host.access`."""
        return files.access(path)

    def is_read_only(self, path: str) -> bool:
        """See `Host.is_read_only`."""
        return files.is_read_only(path)

    def size_and_age(self, path: str) -> tuple[int, float]:
        """See `Host.size_and_age`."""
        try:
            found = os.stat(path)
        except OSError:
            return 0, 0.0
        return found.st_size, max(0.0, time.time() - found.st_mtime)

    def real_path(self, path: str) -> str:
        """See `Host.real_path`."""
        return os.path.realpath(os.path.join(self.cwd(), path))

    def write_text(self, path: str, text: str, *, private: bool = False) -> None:
        """See `Host.write_text`."""
        files.write_bytes(path, text.encode(), private=private)

    def write_bytes(self, path: str, content: bytes) -> None:
        """See `Host.write_bytes`."""
        files.write_bytes(path, content)

    def make_dirs(self, path: str) -> None:
        """See `Host.make_dirs`."""
        os.makedirs(path, exist_ok=True)

    def rename(self, source: str, target: str) -> None:
        """See `Host.rename`."""
        files.rename(source, target)

    def copy(self, source: str, target: str) -> None:
        """See `Host.copy`."""
        files.copy(source, target)

    def exchange(self, first: str, second: str) -> bool:
        """See `Host.exchange`."""
        return files.exchange(first, second)

    def remove(self, path: str) -> None:
        """See `Host.remove`."""
        files.remove(path)

    def lock(self, path: str, timeout: float = 0.0) -> AbstractContextManager[object]:
        """See `Host.lock`."""
        return files.lock(path, timeout)

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
        """See `Host.fetch`."""
        from torchup.host import network  # urllib and ssl cost 40 ms; most verbs never use them

        with activity("ask", network.host_of(url)):
            return network.fetch(
                url, headers=headers, timeout=timeout, limit=limit, certificate=certificate, proxy=proxy, verify=verify
            )

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
        """See `Host.stream`."""
        from torchup.host.stream import open_stream  # only a download needs it

        return open_stream(
            url, headers=headers, timeout=timeout, certificate=certificate, client_certificate=client_certificate,
            proxy=proxy, verify=verify,
        )  # fmt: skip

    def part_file(self, path: str) -> PartFile:
        """See `Host.part_file`."""
        from torchup.host.partfile import PartFile  # see `stream`

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return PartFile(path)


@cache
def _platform_facts() -> PlatformFacts:
    return PlatformFacts(
        system=platform.system(),
        machine=platform.machine(),
        release=platform.release(),
        version=platform.version(),
        python_version=platform.python_version(),
        python_executable=sys.executable or "",
        libc=platform.libc_ver(),
        mac_version=platform.mac_ver()[0],
        bits=64 if sys.maxsize > 2**32 else 32,
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )
