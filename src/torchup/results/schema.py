"""The result file: one run, versioned. Pure: text -> `Run`, `Run` -> text.

A file is untrusted: it is decoded into typed values, bounded, and never executed. Older versions are raised one step at
a time; newer ones are refused with advice.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE, decode_problem, from_builtins, to_json
from torchup.errors import UsageError
from torchup.model import Message, message
from torchup.own_commands import update_torchup
from torchup.results.fit import DEPTH_LIMIT, ITEM_LIMIT, TEXT_LIMIT, fitted
from torchup.results.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FORMAT = "torchup-run"
VERSION = 2  # 2: notes and reasons are codes with values
SIZE_LIMIT = 16 * 1024 * 1024  # bytes; a run with every recipe and raw sample is below 1 MB
RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,79}")


class RunFileError(UsageError):
    """A result file that cannot be used."""


def to_text(run: Run) -> str:
    """The file's content."""
    return to_json({"format": FORMAT, "version": VERSION, "run": fitted(run)})


def parse_run(text: str | bytes, *, name: str) -> Run:
    """Read a result file of any known version.

    Args:
        text: the content; untrusted.
        name: how the file is called in errors.

    Raises:
        RunFileError: not JSON, not a result file, a newer version, or values that cannot be.
    """
    if len(text) > SIZE_LIMIT:
        raise RunFileError(
            message(
                "results.too-large",
                "{name} is larger than {limit} MB, the most that a result file can be",
                name=name,
                limit=SIZE_LIMIT >> 20,
            ),
            hint=message("results.corrupt.hint", "measure again with `torchup bench`, or export the run again"),
        )
    try:
        data = msgspec.json.decode(text)
    except UNREADABLE as error:
        raise _corrupt(name, decode_problem(error)) from error
    raised = upgrade(data, name=name)
    _check_size(raised, name)
    try:
        run = from_builtins(raised.get("run"), Run)
    except msgspec.ValidationError as error:
        raise _corrupt(name, decode_problem(error)) from error
    for problem in impossible(run):
        raise _corrupt(name, problem)
    return run


def _corrupt(name: str, detail: Message) -> RunFileError:
    return RunFileError(
        message("results.corrupt", "{name} is not a readable result file: {detail}", name=name, detail=detail),
        hint=message("results.corrupt.hint", "measure again with `torchup bench`, or export the run again"),
    )


# ---------------------------------------------------------------- versions


def upgrade(data: object, *, name: str, steps: Mapping[int, Callable[[Any], Any]] | None = None) -> dict[str, Any]:
    """Raise a document to `VERSION`, one step a version."""
    known = UPGRADES if steps is None else steps
    version = version_of(data)
    if version is None or not isinstance(data, dict | list):
        raise _corrupt(
            name, message("results.neither", "the file is neither a result file nor the JSON output of `torchup bench`")
        )
    if version > VERSION:
        raise RunFileError(
            message(
                "results.newer",
                "{name} was written by a newer torchup (result version {version}; this torchup reads versions up "
                "to {known})",
                name=name,
                version=version,
                known=VERSION,
            ),
            hint=message("results.newer.hint", "run `{command}` to update torchup", command=update_torchup()),
        )
    while version < VERSION:
        try:
            data = known[version](data)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            old = message(
                "results.old-version",
                "the content does not match result version {version}: {error}",
                version=version,
                error=_missing(error) if isinstance(error, KeyError) else error,
            )
            raise _corrupt(name, old) from error
        version += 1
    return data if isinstance(data, dict) else {}


def _missing(error: KeyError) -> Message:
    return message("results.no-key", "the key `{key}` is missing", key=error.args[0])


def version_of(data: object) -> int | None:
    """The version of a decoded document: 0 is the JSON answer of `torchup bench`; ``None``: something else."""
    if isinstance(data, dict) and data.get("format") == FORMAT:
        version = data.get("version")
        return version if isinstance(version, int) and version > 0 else None
    if isinstance(data, dict) and data.get("schema") == "torchup/1" and data.get("command") in {"bench", "up"}:
        return 0
    return None


def _from_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """0 -> 1: the envelope that `torchup bench --json` or `torchup up --json` printed becomes a run without a time."""
    data = answer["data"]
    results = data if isinstance(data, list) else data["results"]
    run = {"id": "answer", "created_at": None, "torchup": None, "results": results}
    return {"format": FORMAT, "version": 1, "run": run}


def _with_codes(data: dict[str, Any]) -> dict[str, Any]:
    """1 -> 2: a note or a reason was an English sentence; now it is a code with values."""
    for result in data["run"]["results"]:
        if "notes" in result:
            result["notes"] = [_said(note) for note in result["notes"]]
        unread = (result.get("telemetry") or {}).get("unavailable")
        if isinstance(unread, dict):
            result["telemetry"]["unavailable"] = {name: _said(reason) for name, reason in unread.items()}
    return data


def _said(note: object) -> object:
    return {"code": "raised", "values": {"text": note}} if isinstance(note, str) else note


UPGRADES: dict[int, Callable[[Any], Any]] = {
    0: _from_answer,
    1: _with_codes,
}  # version -> function that raises it by one


# ---------------------------------------------------------------- bounds


def _check_size(data: object, name: str) -> None:
    left = ITEM_LIMIT
    stack: list[tuple[object, int]] = [(data, 0)]
    while stack:
        value, depth = stack.pop()
        left -= 1
        if left < 0:
            raise _corrupt(name, message("results.too-many", "it has more than {limit} values", limit=ITEM_LIMIT))
        if depth > DEPTH_LIMIT:
            raise _corrupt(name, message("results.too-deep", "it is nested more than {limit} levels deep",
                                         limit=DEPTH_LIMIT))  # fmt: skip
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            raise _corrupt(name, message("results.too-long", "it has a text of more than {limit} characters",
                                         limit=TEXT_LIMIT))  # fmt: skip
        children = value.items() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for child in children:
            stack.extend((part, depth + 1) for part in (child if isinstance(child, tuple) else (child,)))


def impossible(run: Run) -> Iterator[Message]:
    """What cannot be true in any run: times that are not positive, an interval that does not hold its median..."""
    if not RUN_ID.fullmatch(run.id):
        yield message(
            "results.impossible.id",
            "the run's id is not valid: an id has 1 to 80 characters (letters, digits, `.`, `_`, `-`) and starts "
            "with a letter or a digit",
        )
    for number, result in enumerate(run.results):
        place = f"results[{number}]"
        if not all(math.isfinite(t) and t > 0 for t in (result.seconds, *result.repeats)):
            yield message("results.impossible.time", "{place} has a time that is not positive", place=place)
        if result.median is not None and not (math.isfinite(result.median) and result.median > 0):
            yield message("results.impossible.median", "{place} has a median that is not positive", place=place)
        if result.ci95 is not None and not 0 < result.ci95[0] <= result.ci95[1]:
            yield message(
                "results.impossible.interval",
                "{place} has an interval whose ends are not positive or not in order",
                place=place,
            )
        if any(not 0 <= position < len(result.repeats) for position in result.outliers):
            yield message(
                "results.impossible.outlier", "{place} has an outlier that is not one of the repeats", place=place
            )
        accuracy = result.quality.get("test_accuracy")
        if accuracy is not None and not 0 <= accuracy <= 1:
            yield message(
                "results.impossible.accuracy", "{place} has an accuracy that is not between 0 and 1", place=place
            )
