"""A child and everything that it starts, ended together: a session of POSIX here; `windows_job` has the other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import Protocol

TERMINATION_GRACE = 5.0  # seconds between asking a process group to end and killing it


class Group(Protocol):
    """A started child and its descendants."""

    def stop(self) -> None:
        """End all of it in a few seconds: ask where one can, then kill; the child is waited for."""
        ...

    def end(self) -> None:
        """Kill what is left of it at once; nothing left is fine."""
        ...


class Session:
    """A session of its own, whose leader is the child."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def stop(self) -> None:
        """See `Group.stop`."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return
            try:
                self._process.wait(TERMINATION_GRACE)
            except subprocess.TimeoutExpired:
                continue
            self.end()  # its own children may not have listened
            return

    def end(self) -> None:
        """See `Group.end`."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
