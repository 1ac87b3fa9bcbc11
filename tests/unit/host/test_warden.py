"""Programs that run for long end with torchup, and are otherwise as they were without a warden."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from support.clinging import alive, clinging, family
from torchup.host import RealHost, warden

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows ends jobs by itself")
HOST = RealHost()
LONG = 100.0  # seconds: a limit that a warden is used for


def python(code: str) -> tuple[str, ...]:
    """Command line that runs a piece of Python."""
    return (sys.executable, "-I", "-c", code)


@pytest.mark.parametrize("how", ["run", "run_attached"])
def test_a_family_ends_with_torchup(tmp_path, how):
    """A killed torchup takes with it what it waits for: children that are deaf, and one that left the group."""
    noted = tmp_path / "processes"
    call = f"HOST.{how}({python(clinging(noted))!r}{', timeout=100' if how == 'run' else ''})"
    code = f"from torchup.host import RealHost; HOST = RealHost(); {call}"
    with subprocess.Popen([sys.executable, "-c", code]) as torchup:
        members = family(noted)
        members += psutil.Process(torchup.pid).children(recursive=True)
        torchup.kill()
    assert alive(members) == []


@pytest.mark.parametrize("timeout", [LONG, 1.0])
def test_a_warden_changes_nothing(timeout, tmp_path):
    """Streams, input, folder, exit code and deadly signal are the program's own, with a warden and without."""
    echo = "import os, sys; print(os.getcwd(), sys.stdin.read()); print('err', file=sys.stderr); sys.exit(3)"
    done = HOST.run(python(echo), timeout=timeout, stdin="你好", cwd=str(tmp_path))
    assert (done.stdout, done.stderr, done.returncode) == (f"{tmp_path} 你好\n", "err\n", 3)
    dead = HOST.run(python("import os; os.kill(os.getpid(), 11)"), timeout=timeout)
    assert (dead.returncode, dead.timed_out) == (-signal.SIGSEGV, False)
    default = "import signal; print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    assert HOST.run(python(default), timeout=timeout).stdout == "True\n"
    descriptors = "import os; print(sorted(int(one) for one in os.listdir('/dev/fd'))[:4])"
    assert HOST.run(python(descriptors), timeout=timeout).stdout == "[0, 1, 2, 3]\n"  # 3: the listing itself


@pytest.mark.parametrize("timeout", [LONG, 1.0])
def test_a_program_that_cannot_start_is_a_fact(tmp_path, timeout):
    """What the system refuses to run gives the same answer with a warden and without."""
    program = tmp_path / "program"
    program.write_text("#!/nowhere/python\n")
    program.chmod(0o755)
    done = HOST.run((str(program),), timeout=timeout)
    assert (done.returncode, done.missing, done.ok) == (None, True, False)
    program.write_bytes(b"\x7fELF")
    done = HOST.run((str(program),), timeout=timeout)
    assert (done.returncode, done.missing, "format" in done.stderr.lower()) == (None, False, True)


def test_a_limit_ends_a_guarded_program(monkeypatch):
    """The limit reaches the program and its child through the warden."""
    monkeypatch.setattr("torchup.host.processes.LASTING", 0.1)
    code = "import subprocess, sys, time\nprint(subprocess.Popen(['sleep', '600']).pid, flush=True)\ntime.sleep(60)"
    done = HOST.run(python(code), timeout=1.0)
    assert (done.timed_out, done.returncode) == (True, None)
    assert not psutil.pid_exists(int(done.stdout)) or psutil.Process(int(done.stdout)).status() == "zombie"


class OnTerminal:
    """A command whose terminal is ours."""

    def __init__(self, command):
        self._master, slave = os.openpty()
        own = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", own, *command], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._seen = ""

    def send(self, text):
        """Type."""
        os.write(self._master, text.encode())

    def wait_for(self, text):
        """Read until it is there."""
        deadline = time.monotonic() + 20
        while text not in self._seen and time.monotonic() < deadline:
            self._seen += os.read(self._master, 65536).decode()
        assert text in self._seen


def test_the_terminal_still_speaks_to_an_attached_program():
    """Ctrl-C comes once, is the program's alone to answer, and the program reads what is typed."""
    program = (
        "import signal, sys, time\ncount = []\nsignal.signal(signal.SIGINT, lambda *_: count.append(1))\n"
        "print('ready', flush=True)\ntyped = sys.stdin.readline().strip()\n"
        "print('typed', typed, 'interrupts', len(count), flush=True)\nsys.exit(5)\n"
    )
    code = f"import sys; from torchup.host import RealHost; sys.exit(RealHost().run_attached({python(program)!r}))"
    terminal = OnTerminal([sys.executable, "-c", code])
    terminal.wait_for("ready")
    terminal.send("\x03")
    time.sleep(0.2)
    terminal.send("hello\n")
    terminal.wait_for("typed hello interrupts 1")
    assert terminal.process.wait(20) == 5


@pytest.mark.skipif(not os.path.exists("/bin/ps"), reason="no ps")  # noqa: PTH110  # asked before any fixture
def test_macos_is_asked_by_ps():
    """Where there is no /proc, `ps` names parents, and starts that tell a process from a later one of its number."""
    first, second = warden._of_ps(), warden._of_ps()
    mine = os.getpid()
    assert first[mine] == second[mine]
    assert first[mine][0] == os.getppid()
    assert first[mine][1]
