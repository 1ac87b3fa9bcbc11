"""One measurement in one fresh child of the target environment: the question, the lines on the way, the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.bench.answers import Capabilities, Progress, RawResult, WorkerError
from torchup.bench.request import question
from torchup.encoding import UNREADABLE
from torchup.envs.worker import run_worker
from torchup.errors import BenchError, TimeLimitError, UsageError
from torchup.i18n.sentences import raised, sentence
from torchup.model import Said, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.bench.request import BenchRequest, Task
    from torchup.envs.worker import WorkerAnswer
    from torchup.errors import TorchupError
    from torchup.host import Host
    from torchup.model import Message

SURVEY_TIMEOUT = 240.0  # seconds; torch from a cold disk, a first CUDA context, compiling the CPU's peak loop
SETTING_UP = 300.0  # seconds for import, data, warm-up and the test, around the timed part
LONGEST = 6 * 3600.0  # seconds; without a budget a run may take long on a slow machine, but not for ever
OVERRUN = 4.0  # past this multiple of the time given the child is stopped


class MeasureError(BenchError):
    """A child failed; ``said`` is its reason."""

    def __init__(self, text: Message, said: Said, *, hint: Message | None = None) -> None:
        super().__init__(text, hint=hint)
        self.said = said


def why(error: TorchupError) -> Said:
    """The reason that a failed measurement leaves in the results beside it."""
    return error.said if isinstance(error, MeasureError) else raised(str(error.text))


def survey_environment(host: Host, python: str, precision: str = "fp32-default") -> Capabilities:
    """Ask the environment which devices, recipes and workloads it has, and what cannot be done in a precision.

    Raises:
        BenchError: torch does not run.
    """
    asked = json.dumps({"action": "devices", "precision": precision})
    answer = run_worker(host, python, "bench.py", (asked,), timeout=SURVEY_TIMEOUT)
    return msgspec.convert(payload(answer, "devices", limit=SURVEY_TIMEOUT), Capabilities)


def measure(
    host: Host,
    python: str,
    task: Task,
    request: BenchRequest,
    *,
    budget: float | None = None,
    on_line: Callable[[str], None] | None = None,
    **further: Any,
) -> RawResult:
    """One measurement in one fresh child. Raises `BenchError` or `TimeLimitError`, naming recipe and device."""
    asked = {**question(request, recipe=task.recipe, device=task.device, **task.setting, **further)}
    asked.pop("budget", None)
    if budget is not None:
        asked["budget"] = budget
    limit = LONGEST if budget is None else SETTING_UP + OVERRUN * budget
    answer = run_worker(host, python, "bench.py", (json.dumps(asked),), timeout=limit, on_line=on_line)
    return _raw(payload(answer, "result", task.label, limit=limit), task.label)


def _raw(found: dict[str, Any], what: str) -> RawResult:
    """The answer as a value; a plugin's notes may be sentences. Raises `MeasureError` if it is not a result."""
    notes = found.get("notes")
    if isinstance(notes, list):
        found = {**found, "notes": [raised(note) if isinstance(note, str) else note for note in notes]}
    try:
        return msgspec.convert(found, RawResult)
    except msgspec.ValidationError as error:
        words = raised(str(error))
        text = message("bench.failed", "{what}: {reason}", what=what, reason=sentence(words))
        raise MeasureError(text, words) from error


def payload(answer: WorkerAnswer, key: str, what: str = "torch", *, limit: float) -> dict[str, Any]:
    """The object under ``key`` in the worker's answer, or the error that its end means; ``limit``: its seconds."""
    data = answer.data or {}
    if isinstance(data.get(key), dict):
        found: dict[str, Any] = data[key]
        return found
    if "error" in data:
        raise worker_error(msgspec.convert(data["error"], WorkerError), what)
    if answer.timed_out:
        raise TimeLimitError(
            message("bench.timeout", "{what} did not finish within its time limit ({seconds} s)",
                    what=what, seconds=round(limit)),
            hint=message("bench.timeout.hint", "run `torchup verify` to see whether the device hangs"),
        )  # fmt: skip
    words = answer.stderr.strip()[-400:]
    number, reason = answer.returncode or 0, raised(words) if words else Said(code="silent")
    said = Said(code="signal" if number < 0 else "ended", values={"number": abs(number), "why": reason})
    text = message("bench.failed", "{what}: {reason}", what=what, reason=sentence(said))
    hint = message("bench.crash.hint", "run `torchup verify` to see whether the environment works")
    raise MeasureError(text, said, hint=hint)


def worker_error(error: WorkerError, what: str) -> UsageError | MeasureError:
    """The worker's own error as torchup's: bad data files are the user's, the rest is the benchmark's."""
    text = message("bench.failed", "{what}: {reason}", what=what, reason=sentence(error.said))
    if error.code == "DataError":
        return UsageError(text, hint=_data_hint(error.said))
    if error.code == "BundledError":
        return UsageError(text, hint=message("bench.bundled.hint", "reinstall torchup to restore the file"))
    if error.code in {"PrecisionError", "UnavailableError"}:
        return UsageError(text)
    if error.code in {"OutOfMemoryError", "MemoryError"}:
        hint = message(
            "bench.memory.hint",
            "close other programs that use memory, or reduce --batch or --size if the workload has these options",
        )
        return MeasureError(text, error.said, hint=hint)
    if error.code == "SaidError":  # says all of it itself, and torch is not what failed
        return MeasureError(text, error.said)
    hint = message(
        "bench.failed.hint",
        "run `torchup verify` for the environment that is measured to check whether torch works in it",
    )
    return MeasureError(text, error.said, hint=hint)


def _data_hint(said: Said) -> Message:
    """What to do about data that cannot be read: the program that reads it is missing, or it is of another form."""
    if said.code == "no-decoder":
        return message("bench.decoder.hint", "run `pip install pillow` in the environment that is measured")
    return message(
        "bench.data.hint",
        "use --data with a folder of IDX files (mnist, fashion-mnist, dataloader), of CIFAR-10 binary "
        "files (cifar-resnet) or of images in one subfolder per class; for gpt, use a text file",
    )


class Watcher:
    """Turns the worker's progress lines into `Progress` values."""

    def __init__(self, start: Progress, on_progress: Callable[[Progress], None] | None) -> None:
        self._base = start
        self._on_progress = on_progress
        self._tell(self._base)

    def line(self, text: str) -> None:
        """One line of the child; anything but a progress line is passed over."""
        if self._on_progress is None or not text.startswith('{"progress"'):
            return
        try:
            news = msgspec.json.decode(text, type=dict[str, dict[str, Any]])["progress"]
            news = {key: value for key, value in news.items() if key in self._base.__struct_fields__}
            self._base = msgspec.convert({**msgspec.structs.asdict(self._base), "step": None, **news}, Progress)
        except (*UNREADABLE, KeyError):
            return
        self._tell(self._base)

    def _tell(self, progress: Progress) -> None:
        if self._on_progress is not None:
            self._on_progress(progress)
