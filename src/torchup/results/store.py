"""Runs on disk: one file a run below the user's data folder, written atomically, never changed afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
from typing import TYPE_CHECKING

import msgspec

import torchup
from torchup.encoding import to_json
from torchup.errors import UsageError
from torchup.model import Message, Notice, Origin, Value, message
from torchup.privacy import Purpose, redact_value
from torchup.results.baselines import BASELINES, load_baseline
from torchup.results.run import Run
from torchup.results.schema import SIZE_LIMIT, RunFileError, parse_run, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torchup.host import Host
    from torchup.model import Result

SUFFIX = ".json"
UNFINISHED = ".journal"  # beside the file of a run that is under way or was interrupted


class Listing(Value, frozen=True, kw_only=True):
    """All stored runs, oldest first, and the files that could not be read."""

    runs: tuple[Run, ...] = ()
    broken: tuple[Notice, ...] = ()


def folder(host: Host) -> str:
    """Where runs are kept."""
    return posixpath.join(host.folders().data.replace("\\", "/"), "results")


def save(host: Host, results: Iterable[Result], *, title: str | None = None) -> str:
    """Write one run of several results; returns the file's path.

    Raises:
        UsageError: the folder cannot be written (full, read-only).
    """
    return save_run(host, _new_run(host, tuple(results), title))


def _new_run(host: Host, results: tuple[Result, ...], title: str | None = None, *, name: str | None = None) -> Run:
    now = host.now()
    digest = hashlib.sha256(f"{now}{to_json(results, indent=0)}".encode()).hexdigest()[:6]
    return Run(
        id=name or f"{now:%Y%m%dT%H%M%S}-{digest}",
        created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        torchup=torchup.__version__,
        title=title,
        results=results,
    )


class Keeper:
    """Keeps a run while it is measured: its file is complete after every result, whatever ends torchup after it.

    Where the folder cannot be written that is said once, and the measurement goes on: it can still be shown.
    """

    def __init__(
        self, host: Host, say: Callable[[Message], None], run: Run | None = None, *, name: str | None = None
    ) -> None:
        self._host = host
        self._say = say
        self._run = run
        self._name = name  # of a run that has no result yet
        self._silent = False
        self.resumable: bool = False  # there is a journal to go on from
        self.path: str | None = None

    @property
    def id(self) -> str | None:
        """The run's id, once something is kept."""
        return self._run.id if self._run is not None and self.path is not None else None

    def keep(self, results: tuple[Result, ...], journal: str | None = None) -> None:
        """Write the results so far, and what is needed to go on after an interruption.

        Before the first result there is the journal alone.
        """
        run = self._run or _new_run(self._host, results, name=self._name)
        self._run = msgspec.structs.replace(run, results=results)
        try:
            if journal is not None:
                _write(self._host, posixpath.join(folder(self._host), run.id + UNFINISHED), journal, private=True)
                self.resumable = True
            if results:
                self.path = save_run(self._host, self._run)
        except UsageError as error:
            if not self._silent:
                self._say(error.text)
            self._silent = True

    def give_up(self) -> None:
        """Nothing was measured and nothing ever will: there is nothing to go on with."""
        if self.path is None:
            self.finish(())

    def finish(self, results: tuple[Result, ...]) -> str | None:
        """Write the whole run; nothing is left to go on with. Returns the file's path."""
        if results:
            self.keep(results)
        if self._run is not None:
            with contextlib.suppress(OSError):
                self._host.remove(posixpath.join(folder(self._host), self._run.id + UNFINISHED))
        return self.path


def unfinished(host: Host) -> tuple[str, str] | None:
    """Id and journal of the newest run that was interrupted; ``None`` where there is none."""
    names = [name for name in host.list_dir(folder(host)) or () if name.endswith(UNFINISHED)]
    for name in sorted(names, reverse=True):
        content = host.read_text(posixpath.join(folder(host), name))
        if content:
            return name.removesuffix(UNFINISHED), content
    return None


def keep(host: Host, run: Run) -> tuple[Run, bool]:
    """Store a run that was made elsewhere. Returns it under its id here, and whether it is new.

    A run with the same results is not stored twice; another one under a known id gets an id of its own.
    """
    digest = hashlib.sha256(to_json(run.results, indent=0).encode()).hexdigest()
    known = {existing.id: existing for existing in list_runs(host).runs}
    for existing in known.values():
        if hashlib.sha256(to_json(existing.results, indent=0).encode()).hexdigest() == digest:
            return existing, False
    taken = run.id in known or run.id in {"answer", "latest", *BASELINES}
    name = f"imported-{digest[:8]}" if taken else run.id
    kept = msgspec.structs.replace(run, id=name, origin=Origin.IMPORTED)
    save_run(host, kept)
    return kept, True


def save_run(host: Host, run: Run) -> str:
    """Write one run, with everything taken out that names a person or a host; returns the file's path."""
    path = posixpath.join(folder(host), run.id + SUFFIX)
    _write(host, path, to_text(redact_value(run, Run, Purpose.PUBLISH, names=private_names(host))))
    return path


def _write(host: Host, path: str, text: str, *, private: bool = False) -> None:
    try:
        host.write_text(path, text, private=private)
    except OSError as error:
        raise UsageError(
            message("results.cannot-save", "the run could not be saved in {folder}: {reason}", folder=folder(host),
                    reason=error.strerror or str(error)),
            hint=message("results.cannot-save.hint",
                "free some space, or set TORCHUP_HOME to a folder that you can write to"),
        ) from error  # fmt: skip


def private_names(host: Host) -> set[str]:
    """The user's and the machine's names, as far as they are known."""
    environ = host.environ()
    names = {environ.get(key, "") for key in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME", "SUDO_USER")}
    names.add(posixpath.basename(host.folders().home.replace("\\", "/")))
    names.add((host.read_text("/proc/sys/kernel/hostname", 256) or "").strip())
    return {name for name in names if name}


def list_runs(host: Host) -> Listing:
    """Every stored run, oldest first; a file that cannot be read is reported and skipped."""
    runs: list[Run] = []
    broken: list[Notice] = []
    for name in host.list_dir(folder(host)) or ():
        if not name.endswith(SUFFIX) or name.startswith("."):
            continue
        try:
            runs.append(read(host, posixpath.join(folder(host), name), name=name))
        except RunFileError as error:
            broken.append(Notice(code=error.code, level="warning", text=error.text))
    runs.sort(key=lambda run: (run.created_at or "", run.id))
    return Listing(runs=tuple(runs), broken=tuple(broken))


def read(host: Host, path: str, *, name: str | None = None) -> Run:
    """Read one result file; raises `RunFileError`."""
    content = host.read_bytes(path, SIZE_LIMIT + 1)
    if content is None:
        raise RunFileError(
            message("results.unreadable", "{path} does not exist or cannot be read", path=path),
            hint=message("results.unreadable.hint", "check the path and the permissions of the file"),
        )
    return parse_run(content, name=name or posixpath.basename(path.replace("\\", "/")))


SHOWN = 5  # ids in an error


def load(host: Host, wanted: str) -> Run:
    """The run that a person names.

    Args:
        host: the machine.
        wanted: `latest`, `latest~1` (the one before), the start of an id, a built-in baseline (`article`), or a file.

    Raises:
        UsageError: no such run, or an ambiguous start of an id; `RunFileError` for a file that cannot be used.
    """
    if wanted in BASELINES:
        return load_baseline(wanted)
    if "/" in wanted or "\\" in wanted or wanted.endswith(SUFFIX):
        return read(host, wanted)
    runs = list_runs(host).runs
    if wanted == "latest" or wanted.startswith("latest~"):
        return _latest(runs, wanted)
    found = [run for run in runs if run.id == wanted] or [run for run in runs if wanted and run.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join([*(run.id for run in found[:SHOWN]), *(["..."] if len(found) > SHOWN else [])])
        raise UsageError(
            message(
                "results.ambiguous", "`{wanted}` matches {count} runs: {ids}", wanted=wanted, count=len(found), ids=ids
            ),
            hint=message("results.ambiguous.hint", "type more characters of the id"),
        )
    if host.exists(wanted):  # a file without the usual ending
        return read(host, wanted)
    raise _unknown(message("results.unknown", "there is no run `{wanted}`", wanted=wanted))


def _latest(runs: tuple[Run, ...], wanted: str) -> Run:
    back = wanted.removeprefix("latest").removeprefix("~") or "0"
    here = [run for run in runs if run.origin == Origin.HERE]
    if not back.isdecimal() or len(back) > 9 or int(back) >= len(here):  # noqa: PLR2004  # no store has so many runs
        raise _unknown(
            message(
                "results.none",
                "there is no run `{wanted}`; number of runs measured on this machine: {count}",
                wanted=wanted,
                count=len(here),
            )
        )
    return here[-1 - int(back)]


def _unknown(text: Message) -> UsageError:
    hint = message("results.unknown.hint", "run `torchup results list` to see the runs; `torchup bench` makes one")
    return UsageError(text, hint=hint)
