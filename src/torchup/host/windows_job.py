"""A job object of Windows: the family of a process.

Windows has no signal that reaches a family of processes, but its jobs do more: the system ends every process of a job
when the last handle of it is closed, and so also when torchup itself is killed.
Source: https://learn.microsoft.com/windows/win32/procthread/job-objects
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
from typing import Any

from torchup.host.groups import TERMINATION_GRACE

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION (winnt.h)."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    )


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION (winnt.h)."""

    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class Job:
    """A job object; without one (the system refused it) only the child itself is ended.

    What the child starts in the instant before it is put into the job stays outside.
    """

    def __init__(self, process: subprocess.Popen[bytes], kernel: Any = None) -> None:
        self._process, self._kernel = process, kernel or getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009  # not on POSIX
        for name in ("CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject", "CloseHandle"):
            getattr(self._kernel, name).restype = ctypes.c_void_p if name == "CreateJobObjectW" else ctypes.c_int
        self._job: int | None = self._made()

    def _made(self) -> int | None:
        job: int | None = self._kernel.CreateJobObjectW(None, None)
        if not job:
            return None
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_CLOSE
        size = ctypes.c_uint32(ctypes.sizeof(limits))
        set_up = self._kernel.SetInformationJobObject(
            ctypes.c_void_p(job), _EXTENDED_LIMITS, ctypes.byref(limits), size
        )
        child = ctypes.c_void_p(int(getattr(self._process, "_handle", 0)))  # where the standard library keeps it
        if not set_up or not self._kernel.AssignProcessToJobObject(ctypes.c_void_p(job), child):
            self._kernel.CloseHandle(ctypes.c_void_p(job))
            return None
        return job

    def stop(self) -> None:
        """See `Group.stop`."""
        self.end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(TERMINATION_GRACE)

    def end(self) -> None:
        """See `Group.end`."""
        job, self._job = self._job, None
        if job is not None:
            self._kernel.CloseHandle(ctypes.c_void_p(job))
        with contextlib.suppress(OSError):  # it has ended
            self._process.kill()
