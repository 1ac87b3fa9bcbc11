"""Run a file of `torchup/worker` under an environment's own Python and read its one JSON line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torchup.host import Completed, Host

WORKER_FOLDER = Path(__file__).parents[1] / "worker"


class WorkerAnswer(Value, frozen=True, kw_only=True):
    """How a worker ended. ``data`` is its JSON object, ``None`` when it crashed, hung or said nothing."""

    data: dict[str, Any] | None
    returncode: int | None
    timed_out: bool
    stderr: str  # its last lines: the reason of a crash
    flooded: bool = False  # it printed without end and was stopped


def run_worker(
    host: Host,
    python: str,
    script: str,
    arguments: Sequence[str] = (),
    *,
    timeout: float,
    environment: Mapping[str, str | None] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> WorkerAnswer:
    """Run ``worker/script`` in a fresh, isolated (``-I``) process of ``python``.

    The last line of stdout that is a JSON object is the answer; ``on_line`` sees every line as it comes, so a worker
    may report progress as earlier JSON lines. ``timeout`` is in seconds.
    """
    # Byte code is written: the first import of torch compiles thousands of files, and the next ones need not.
    argv = (python, "-I", str(WORKER_FOLDER / script), *arguments)
    return read_answer(host.run(argv, timeout=timeout, environment=environment, on_line=on_line))


def read_answer(completed: Completed, key: str | None = None) -> WorkerAnswer:
    """What a finished worker said, however it was started.

    Several processes that share one stdout end in any order: ``key`` then names what the answer's object holds.
    """
    return WorkerAnswer(
        data=_last_object(completed.stdout, key),
        returncode=completed.returncode,
        timed_out=completed.timed_out,
        flooded=completed.flooded,
        stderr="\n".join(completed.stderr.splitlines()[-40:]),
    )


def _last_object(stdout: str, key: str | None) -> dict[str, Any] | None:
    for line in reversed(stdout.splitlines()):
        if line.startswith("{" if key is None else f'{{"{key}"'):
            try:
                return msgspec.json.decode(line, type=dict[str, Any])
            except UNREADABLE:
                return None
    return None
