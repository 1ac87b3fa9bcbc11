"""Stand between torchup and a program: when torchup is gone, whatever ended it, the program and its children end too.

Run as ``python -I -S warden.py HOLD WORD KIND PROGRAM [ARGUMENT]...``; it needs the standard library alone.

- ``HOLD`` is a pipe whose other end torchup keeps open: its end of file says that torchup is gone. (The system's own
  signal for that, PR_SET_PDEATHSIG, is Linux's alone and comes when the *thread* ends that started the program.)
- ``WORD`` is a pipe into which goes ``pid NUMBER``, or ``errno NUMBER`` where the program did not start.
- ``KIND`` is ``group``: the program and this process are a session of their own; or ``attached``: they are in the
  group of the terminal, whose signals reach the program without help.

The exit status, a signal included, is the program's.
"""

from __future__ import annotations

# Little is imported, since this starts with every tool: `signal` would load `enum`, and `contextlib` a dozen modules.
import _signal as signal  # type: ignore[import-not-found]  # its types are those of `signal`
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 1.0  # seconds between asking and killing
STEP = 0.02  # seconds between two looks at who is left
# Whoever sends these means the program, which gets them itself.
HEARD = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCHLD")
    if hasattr(signal, name)
)
# Python ignores these, and a program must not inherit that.
RESET = tuple(getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name))
Family = dict[int, str]  # process -> when it was started, which tells it from a later one of the same number


def main(words: list[str]) -> int:
    """Start the program and watch both it and torchup."""
    hold, word, kind, argv = int(words[0]), int(words[1]), words[2], words[3:]
    for descriptor in (hold, word):
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # its only form
    heard = _hear()
    try:
        child = os.posix_spawn(argv[0], argv, os.environ, setsigdef=RESET)
    except OSError as error:
        _say(word, f"errno {error.errno}")
        return 127
    _say(word, f"pid {child}")
    _let_go()
    status = _watch(child, hold, heard)
    if status is None:
        _end(kind)
        return 1
    return _as(status)


def _hear() -> int:
    """A descriptor that becomes readable at every signal."""
    heard, wake = os.pipe()
    for descriptor in (heard, wake):
        os.set_blocking(descriptor, False)
    for number in HEARD:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    return heard


def _say(word: int, text: str) -> None:
    _try(os.write, word, text.encode())  # torchup may be gone already
    os.close(word)


def _try(call: Callable[..., object], *arguments: object) -> None:
    """Call something of the system; that it cannot be done does not matter."""
    try:  # noqa: SIM105  # see the imports
        call(*arguments)
    except (OSError, ValueError):
        pass


def _let_go() -> None:
    """Leave the program's streams to it: who reads them waits for their end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _watch(child: int, hold: int, heard: int) -> int | None:
    """The status that the program ended with; ``None``: torchup is gone."""
    poll = select.poll()
    for descriptor in (hold, heard):
        poll.register(descriptor, select.POLLIN)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        ready = {descriptor for descriptor, _ in poll.poll()}
        if hold in ready:
            return None
        if heard in ready:
            os.read(heard, 512)


def _end(kind: str) -> None:
    """Ask everyone below this process to end, then kill who is left, also who left the group."""
    mine = os.getpid()
    group = 0 if kind == "group" else None
    known = _below(mine)
    _send(known, group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while _left(known) and time.monotonic() < deadline:
        time.sleep(STEP)
    known.update(_below(mine))  # what they started when asked to end
    _send(_left(known), group, signal.SIGKILL)


def _send(family: Family, group: int | None, number: int) -> None:
    for process in family:
        _try(os.kill, process, number)
    if group is not None:
        _try(os.killpg, group, number)  # this process too, which only SIGKILL ends


def _left(family: Family) -> Family:
    """Those of a family that live."""
    now = {process: started for process, (_, started) in _processes().items()}
    return {process: started for process, started in family.items() if now.get(process) == started}


def _below(process: int) -> Family:
    """Everyone that a process started, and whom those started."""
    found, parents, everyone = Family(), {process}, _processes()
    while parents:
        children = {one for one, (parent, _) in everyone.items() if parent in parents and one not in found}
        found.update({one: everyone[one][1] for one in children})
        parents = children
    return found


def _processes() -> dict[int, tuple[int, str]]:
    """Every living process with its parent and its start."""
    if os.path.isdir("/proc/self"):
        return _of_proc()
    return _of_ps()


def _of_proc() -> dict[int, tuple[int, str]]:
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent, *rest = file.read().rpartition(b")")[2].split()
        except (OSError, ValueError):
            continue  # it has ended
        if state != b"Z":
            found[int(name)] = (int(parent), rest[17].decode())  # proc(5): starttime, the 22nd field
    return found


def _of_ps() -> dict[int, tuple[int, str]]:
    import subprocess  # only a macOS whose torchup was killed pays for it

    command = ("/bin/ps", "-axo", "pid=,ppid=,state=,lstart=")
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GRACE)
    found = {}
    for line in listed.stdout.splitlines():
        process, parent, state, started = (*line.split(None, 3), "", "", "", "")[:4]
        if process.isdigit() and parent.isdigit() and not state.startswith("Z"):
            found[int(process)] = (int(parent), started)
    return found


def _as(status: int) -> int:
    """End as the program did; a second dump of memory would only overwrite its own."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    import resource  # few programs die of a signal

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _try(signal.signal, -code, signal.SIG_DFL)  # SIGKILL cannot be set
    os.kill(os.getpid(), -code)
    return 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
