"""The verification ladder from the outside: run it in a fresh child, and name the rung when the child dies or hangs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.compat.questions import load_compat
from torchup.encoding import UNREADABLE, from_builtins
from torchup.envs import records, suspects
from torchup.envs.damage import DamageKind, blocking_start_files, find_damage, prefix_of, said_of
from torchup.envs.distributions import site_packages
from torchup.envs.worker import run_worker
from torchup.i18n.sentences import raised
from torchup.model import Build, Rung, RungStatus, Said, TorchInfo, Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.envs.damage import Damage
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
    deep: bool = False,
    on_rung: Callable[[Rung], None] | None = None,
    on_damage: Callable[[tuple[Damage, ...]], None] | None = None,
) -> Verification:
    """Climb the ladder in the environment of ``python``; never raises for what torch does.

    Args:
        host: the machine.
        python: the environment's interpreter.
        expected: the planned build; its version, variant and companions are then checked too.
        timeout: seconds for the whole ladder; the rung that hangs is reported as failed.
        compile_rung: whether to try torch.compile, which takes tens of seconds on a slow machine.
        only_compile: climb only to the import and torch.compile: the rest was proved just now.
        deep: hash every installed file; without it sizes are compared, and hashes where torch cannot be imported.
        on_rung: called with each rung as it ends.
        on_damage: called with the files that are not as they were installed, where there are any.
    """
    files = () if only_compile else _files(host, prefix_of(python), on_damage, deep=deep)
    if on_rung is not None:
        for rung in files:
            on_rung(rung)
    if blocked := _does_not_start(host, python, files):
        return Verification(passed=False, rungs=(*files, blocked))
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
    rungs = (*files, *collector.rungs)
    if answer.data is None or "torch" not in answer.data:
        rungs = (*rungs, _last_words(collector.begun, answer))
    if files and not deep and _not_imported(rungs) and files[0].status is RungStatus.PASS:
        hashed = _files(host, prefix_of(python), on_damage, deep=True)
        rungs = (*hashed, *rungs[len(files) :])
        if on_rung is not None and hashed[0].status is not RungStatus.PASS:
            on_rung(hashed[0])
    return Verification(
        passed=bool(rungs) and all(rung.status != RungStatus.FAIL for rung in rungs),
        torch=_torch_info(answer.data or {}),
        rungs=rungs,
    )


def _files(
    host: Host, prefix: str, on_damage: Callable[[tuple[Damage, ...]], None] | None, *, deep: bool
) -> tuple[Rung, ...]:
    """The rung about the files; none where there are none to compare."""
    if not any(True for _ in site_packages(host, prefix)):
        return ()
    started = host.monotonic()
    found = find_damage(host, prefix, deep=deep)
    if deep and records.read(host, prefix) is not None:
        suspects.write(host, prefix, (one.file for one in found if one.kind is DamageKind.CONTENT and one.file))
    if found and on_damage is not None:
        on_damage(found)
    status = RungStatus.FAIL if any(one.weighs for one in found) else RungStatus.WARN if found else RungStatus.PASS
    return (Rung(name="files", status=status, seconds=host.monotonic() - started, detail=said_of(found)),)


def _not_imported(rungs: tuple[Rung, ...]) -> bool:
    """Whether torch itself did not come up: reason enough to hash its files."""
    return any(rung.name == "import" and rung.status is RungStatus.FAIL for rung in rungs)


def _does_not_start(host: Host, python: str, files: tuple[Rung, ...]) -> Rung | None:
    """The rung that says why Python itself does not come back; asked only where a file of no package runs code."""
    suspects = blocking_start_files(host, python) if files else ()
    if not suspects:
        return None
    why = said_of(suspects) or Said(code="silent")
    return Rung(name="start", status=RungStatus.FAIL, detail=Said(code="does-not-start", values={"why": why}))


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
    at = begun or {"name": "import"}
    return Rung(
        name=str(at.get("name")),
        status=RungStatus.WARN if at.get("soft") else RungStatus.FAIL,
        device=at.get("device"),
        package=at.get("package"),
        detail=_how_it_ended(answer),
    )


def _how_it_ended(answer: WorkerAnswer) -> Said:
    if answer.timed_out:
        return Said(code="time-limit")
    if answer.flooded:
        return Said(code="flood")
    words = answer.stderr.strip()[-DETAIL_LIMIT:]
    why = raised(words) if words else Said(code="silent")
    if answer.returncode is None:
        return Said(code="not-started", values={"why": why})
    ended = "signal" if answer.returncode < 0 else "ended"
    return Said(code=ended, values={"number": abs(answer.returncode), "why": why})


def _torch_info(data: dict[str, Any]) -> TorchInfo:
    try:
        return from_builtins(data.get("torch") or {}, TorchInfo)
    except msgspec.ValidationError:
        return TorchInfo()
