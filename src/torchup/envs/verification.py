"""The verification ladder from the outside: run it in a fresh child, and name the rung when the child dies or hangs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.compat.questions import load_compat
from torchup.encoding import UNREADABLE, from_builtins
from torchup.envs.worker import run_worker
from torchup.model import Build, Rung, TorchInfo, Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.envs.worker import WorkerAnswer
    from torchup.host import Host

TIMEOUT = 300.0  # seconds; a first CUDA context with a cold driver cache and torch.compile take up to two minutes
DETAIL_LIMIT = 600  # characters of a dead child's last words


def verify_environment(
    host: Host,
    python: str,
    *,
    expected: Build | None = None,
    timeout: float = TIMEOUT,
    compile_rung: bool = True,
    only_compile: bool = False,
    on_rung: Callable[[Rung], None] | None = None,
) -> Verification:
    """Climb the ladder in the environment of ``python``; never raises for what torch does.

    Args:
        host: the machine.
        python: the environment's interpreter.
        expected: the planned build; its version, variant and companions are then checked too.
        timeout: seconds for the whole ladder; the rung that hangs is reported as failed.
        compile_rung: whether to try torch.compile, which takes tens of seconds on a slow machine.
        only_compile: climb only to the import and torch.compile: the rest was proved just now.
        on_rung: called with each rung as it ends.
    """
    request = {
        "torch": expected.torch if expected else None,
        "variant": expected.variant if expected else None,
        "companions": expected.companions if expected else {},
        "compile": compile_rung,
        "only_compile": only_compile,
        "runs_on": {} if only_compile else load_compat().runs_on(),
    }
    collector = _Collector(on_rung)
    answer = run_worker(host, python, "verify.py", (json.dumps(request),), timeout=timeout, on_line=collector.line)
    rungs = tuple(collector.rungs)
    if answer.data is None or "torch" not in answer.data:
        rungs = (*rungs, _last_words(collector.begun, answer))
    return Verification(
        passed=bool(rungs) and all(rung.status != "fail" for rung in rungs),
        torch=_torch_info(answer.data or {}),
        rungs=rungs,
    )


class _Collector:
    """Gathers the rungs from the worker's lines; lines of other origin are passed over."""

    def __init__(self, on_rung: Callable[[Rung], None] | None) -> None:
        self.rungs: list[Rung] = []
        self.begun: dict[str, Any] | None = None
        self._on_rung = on_rung

    def line(self, text: str) -> None:
        """One line of the child's output."""
        if not text.startswith(('{"begin"', '{"rung"')):
            return
        try:
            parsed = msgspec.json.decode(text, type=dict[str, dict[str, Any]])
            if "begin" in parsed:
                self.begun = parsed["begin"]
                return
            rung = from_builtins(parsed["rung"], Rung)
        except (*UNREADABLE, KeyError):
            return
        self.begun = None
        self.rungs.append(rung)
        if self._on_rung is not None:
            self._on_rung(rung)


def _last_words(begun: dict[str, Any] | None, answer: WorkerAnswer) -> Rung:
    """The rung that was under way when the child ended without an answer."""
    at = begun or {"name": "import", "proves": "Python of the environment starts"}
    return Rung(
        name=str(at.get("name")),
        status="warn" if at.get("soft") else "fail",
        device=at.get("device"),
        proves=at.get("proves"),
        detail=_how_it_ended(answer),
    )


def _how_it_ended(answer: WorkerAnswer) -> str:
    if answer.timed_out:
        return "did not come back within the time limit"
    reason = answer.stderr.strip()[-DETAIL_LIMIT:] or "without a word"
    if answer.returncode is None:
        return f"could not be started: {reason}"
    if answer.returncode < 0:
        return f"the process was ended by signal {-answer.returncode}: {reason}"
    return f"the process ended with code {answer.returncode}: {reason}"


def _torch_info(data: dict[str, Any]) -> TorchInfo:
    try:
        return from_builtins(data.get("torch") or {}, TorchInfo)
    except msgspec.ValidationError:
        return TorchInfo()
