"""Processes through the one door."""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from torchup.host import RealHost
from torchup.host.processes import clean_environment, decode
from torchup.host.windows_job import Job

HOST = RealHost()


def python(code: str) -> tuple[str, ...]:
    """Command line that runs a piece of Python."""
    return (sys.executable, "-I", "-c", code)


def test_streams_and_exit_code_are_kept_apart():
    """stdout, stderr and the exit code come back as they were."""
    completed = HOST.run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (completed.stdout, completed.stderr, completed.returncode, completed.ok) == ("out\n", "err\n", 3, False)


def test_missing_program_is_a_fact():
    """A program that is not there gives `missing`, not an exception."""
    assert HOST.run(("no-such-program-anywhere",)).missing


def test_limit_stops_the_whole_group(tmp_path):
    """At the limit the child and its own children end, and the answer says so."""
    marker = tmp_path / "grandchild"
    grandchild = tmp_path / "grandchild.py"
    grandchild.write_text(f"import pathlib, time; time.sleep(1.5); pathlib.Path({str(marker)!r}).touch()")
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, {str(grandchild)!r}]); time.sleep(60)"
    started = time.monotonic()
    completed = HOST.run(python(code), timeout=0.5)
    assert completed.timed_out
    assert completed.returncode is None
    assert time.monotonic() - started < 10
    time.sleep(1.5)
    assert not marker.exists()


def test_garbage_bytes_become_text():
    """Output that is not UTF-8 is decoded with replacement."""
    completed = HOST.run(python(r"import sys; sys.stdout.buffer.write(b'\xff\xfe\x00ok\x80')"))
    assert completed.ok
    assert isinstance(completed.stdout, str)
    assert "\ufffd" in decode(b"a\x80b")


def test_utf16_output_is_read():
    """A byte-order mark (PowerShell, wsl.exe) selects UTF-16."""
    assert decode("驱动 551\r\n".encode("utf-16")) == "驱动 551\n"


def test_lines_come_while_the_program_runs():
    """`on_line` hears of a line before the program ends."""
    heard: list[float] = []
    code = "import time; print('a', flush=True); time.sleep(0.5)"
    HOST.run(python(code), on_line=lambda _: heard.append(time.monotonic()))
    assert time.monotonic() - heard[0] > 0.3


def test_stdin_is_fed_and_otherwise_empty():
    """Given text reaches the child; without it the child reads an end, never the terminal."""
    echo = python("import sys; print(sys.stdin.read())")
    assert HOST.run(echo, stdin="你好").stdout == "你好\n"
    assert HOST.run(echo).stdout == "\n"


def test_environment_is_cleaned_and_overlaid(monkeypatch):
    """Variables that redirect Python or pip are gone; the overlay adds and removes."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("KEEP_ME", "1")
    environment = clean_environment({"ADDED": "2", "KEEP_ME": None})
    assert "PYTHONPATH" not in environment
    assert "KEEP_ME" not in environment
    assert environment["ADDED"] == "2"


@pytest.mark.skipif(os.name == "nt", reason="POSIX executables")
def test_current_folder_is_never_searched(monkeypatch, tmp_path):
    """A program in the current folder is not found, even when PATH names the folder as '.' or as nothing."""
    trap = tmp_path / "nvidia-smi"
    trap.write_text("#!/bin/sh\necho trapped\n")
    trap.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for entry in (".", "", "./"):
        monkeypatch.setenv("PATH", os.pathsep.join([entry, "/nonexistent"]))
        assert HOST.which("nvidia-smi") is None
        assert HOST.which("./nvidia-smi") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert HOST.which("nvidia-smi") == str(trap)


def test_endless_output_does_not_fill_memory(monkeypatch):
    """Only the first part of an endless output is kept, and the program is ended long before its limit."""
    monkeypatch.setattr("torchup.host.processes.OUTPUT_LIMIT", 1 << 16)
    started = time.monotonic()
    completed = HOST.run(python("while True: print('x' * 1000)"), timeout=60.0)
    assert (completed.flooded, completed.timed_out, completed.ok) == (True, False, False)
    assert len(completed.stdout) < 1 << 18
    assert time.monotonic() - started < 10


@pytest.mark.skipif(os.name == "nt", reason="POSIX process groups")
@pytest.mark.parametrize("ending", ["sys.exit(0)", "time.sleep(60)"], ids=["it ends", "it is stopped"])
def test_nothing_of_a_child_outlives_it(tmp_path, ending):
    """What a child started and left behind ends with it, even where it does not listen to SIGTERM."""
    marker = tmp_path / "alive"
    deaf = tmp_path / "deaf.py"
    deaf.write_text(
        "import pathlib, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\ntime.sleep(1.5)\npathlib.Path({str(marker)!r}).touch()\n"
    )
    code = (
        f"import pathlib, subprocess, sys, time; subprocess.Popen([sys.executable, {str(deaf)!r}])\n"
        f"while not pathlib.Path({str(tmp_path / 'ready')!r}).exists(): time.sleep(0.01)\n{ending}"
    )
    HOST.run(python(code), timeout=1.0)
    time.sleep(2.0)
    assert not marker.exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX executables")
def test_children_neither_search_nor_stand_in_the_users_folder(monkeypatch, tmp_path):
    """A program or module of a cloned project is not run by a child of ours: `PATH=.:$PATH` once ran `./uname`."""
    trap = tmp_path / "uname"
    trap.write_text("#!/bin/sh\necho trapped\n")
    trap.chmod(0o755)
    (tmp_path / "json.py").write_text("print('trapped')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
    code = "import json, os, subprocess; print(os.getcwd()); print(subprocess.check_output('uname', text=True))"
    shown = HOST.run((sys.executable, "-c", code)).stdout
    assert "trapped" not in shown
    assert str(tmp_path) not in shown


@pytest.mark.skipif(os.name == "nt", reason="a current folder cannot be removed there")
def test_a_deleted_current_folder_is_no_end(monkeypatch, tmp_path):
    """Where the user stands may be gone: torchup and its children go on."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert HOST.cwd() == os.sep
    assert HOST.real_path("x") == f"{os.sep}x"
    assert HOST.run(python("print(1)")).stdout == "1\n"


def test_attached_program_returns_its_own_code(tmp_path):
    """An attached program sees the user's environment and folder, and its exit code comes back."""
    code = f"import os, sys; sys.exit(7 if os.getcwd() == {str(tmp_path)!r} else 1)"
    assert HOST.run_attached(python(code), cwd=str(tmp_path)) == 7
    assert HOST.run_attached(("no-such-program-anywhere",)) == 127


def test_an_attached_program_leaves_stdout_alone_where_it_is_told(capfd):
    """Its output goes to stderr, so that stdout holds torchup's own answer and nothing else."""
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert HOST.run_attached(python(code), keep_stdout=True) == 0
    assert capfd.readouterr() == ("", "out\nerr\n")
    assert HOST.run_attached(python(code)) == 0
    assert capfd.readouterr() == ("out\n", "err\n")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_attached_program_gets_our_sigterm():
    """SIGTERM sent to torchup reaches the attached program, whose death is reported as 128 + signal."""
    script = "import os, signal, threading, time; time.sleep(30)"
    timer = threading.Timer(0.7, os.kill, (os.getpid(), 15))
    timer.start()
    assert HOST.run_attached(python(script)) == 128 + 15
    timer.join()


def test_paths_with_spaces_and_chinese_run(tmp_path):
    """A script below a path with spaces and Chinese characters runs."""
    folder = tmp_path / "我的 文件夹"
    folder.mkdir()
    script = folder / "脚 本.py"
    script.write_text("print('好')", encoding="utf-8")
    assert HOST.run((sys.executable, str(script)), cwd=str(folder)).stdout == "好\n"
    assert Path(HOST.real_path(str(script))).exists()


class Kernel:
    """A stand-in for Windows's kernel32: jobs that remember their limits and members, closed ones end them."""

    def __init__(self, refuses=""):
        self.jobs, self.refuses = {}, refuses
        for name in ("CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject", "CloseHandle"):
            setattr(self, name, Mock(side_effect=partial(self._call, name)))

    def _call(self, name, *arguments):
        if name == self.refuses:
            return 0
        if name == "CreateJobObjectW":
            self.jobs[7] = {"flags": 0, "members": [], "open": True}
            return 7
        job = self.jobs[arguments[0].value]
        if name == "SetInformationJobObject":
            kind, limits, size = arguments[1:]
            raw = bytes(limits._obj)
            assert (kind, size.value, len(raw)) == (9, len(raw), 144)  # JobObjectExtendedLimitInformation on 64 bits
            job["flags"] = int.from_bytes(raw[16:20], "little")
        elif name == "AssignProcessToJobObject":
            job["members"].append(arguments[1].value)
        else:
            job["open"] = False
        return 1


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the sizes are those of 64 bits")
def test_a_job_of_windows_ends_with_its_handle():
    """The child is a member of a job that the system kills when torchup closes it, or is killed itself."""
    process, kernel = Mock(_handle=42), Kernel()
    job = Job(process, kernel)
    assert kernel.jobs[7] == {"flags": 0x2000, "members": [42], "open": True}
    job.end()
    job.end()
    assert not kernel.jobs[7]["open"]
    assert kernel.CloseHandle.call_count == 1
    process.kill.assert_called()


@pytest.mark.parametrize("refuses", ["CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject"])
def test_without_a_job_the_child_itself_is_ended(refuses):
    """A system that refuses the job leaves no handle open, and the child still ends."""
    process, kernel = Mock(_handle=42), Kernel(refuses)
    Job(process, kernel).stop()
    process.kill.assert_called()
    process.wait.assert_called()
    assert not any(job["open"] for job in kernel.jobs.values())
