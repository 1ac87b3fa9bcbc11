"""A family of processes that does not listen to SIGTERM, and a look at whether any of it lives."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = 3  # the program, its child, and its child in a session of its own


def clinging(noted: Path) -> str:
    """The source of the program: it starts the others, all write their process ids into ``noted`` and sleep."""
    deaf = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"with open({str(noted)!r}, 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
    )
    child = f"{deaf}time.sleep(600)"
    return (
        f"{deaf}import subprocess\nsubprocess.Popen([{sys.executable!r}, '-c', {child!r}])\n"
        f"subprocess.Popen([{sys.executable!r}, '-c', {child!r}], start_new_session=True)\ntime.sleep(600)\n"
    )


def family(noted: Path, limit: float = 30.0) -> list[psutil.Process]:
    """The members, once all of them have written their ids."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ids = noted.read_text().split() if noted.exists() else []
        if len(ids) == MEMBERS:
            return [psutil.Process(int(one)) for one in ids]
        time.sleep(0.02)
    raise AssertionError(f"not all have started: {noted}")


def alive(processes: list[psutil.Process], within: float = 2.0) -> list[psutil.Process]:
    """Who of them still runs after at most ``within`` seconds."""
    deadline = time.monotonic() + within
    while (left := [one for one in processes if _runs(one)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
