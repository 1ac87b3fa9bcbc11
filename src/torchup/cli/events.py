"""What `--progress json` writes: one JSON object a line on stderr, for programs. docs/reference/json.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.encoding import to_json
from torchup.model import Message, Value
from torchup.privacy import shown

if TYPE_CHECKING:
    from torchup.bench.answers import Progress as BenchProgress
    from torchup.fetch import Progress as FetchProgress
    from torchup.install.base import Event

SCHEMA = "torchup-progress/1"


class ProgressNote(Value, frozen=True, kw_only=True, tag="note", tag_field="event"):
    """Something to know on the way."""

    schema: str = SCHEMA
    code: str  # stable, of the text
    text: str


class ProgressStage(Value, frozen=True, kw_only=True, tag="stage", tag_field="event"):
    """A stage of an installation begins."""

    schema: str = SCHEMA
    stage: str  # recover, check, keep, lock, download, step, verify, compile, swap, changed, done, reused
    code: str
    text: str
    position: int | None = None  # from 1, of ``total`` steps
    total: int | None = None


class ProgressOutput(Value, frozen=True, kw_only=True, tag="output", tag_field="event"):
    """A line that the tool at work printed."""

    schema: str = SCHEMA
    text: str


class ProgressDownload(Value, frozen=True, kw_only=True, tag="download", tag_field="event"):
    """The state of the downloads, at most ten times a second, and once more for each file that is complete."""

    schema: str = SCHEMA
    file: str  # the one that has just moved
    place: str  # who sends it; empty while another torchup does
    bytes: int  # of this file, of ``total_bytes``
    total_bytes: int
    all_bytes: int  # of everything that is to come, of ``all_total_bytes``
    all_total_bytes: int
    bytes_per_second: float
    seconds_left: float | None  # of everything
    waiting: bool  # another torchup downloads this file
    complete: bool  # this file is there, verified


class ProgressMeasure(Value, frozen=True, kw_only=True, tag="measure", tag_field="event"):
    """The state of a benchmark."""

    schema: str = SCHEMA
    workload: str
    recipe: str
    device: str
    stage: str  # preparing, training, testing, parts
    run: int  # from 1, of ``runs``
    runs: int
    epoch: int
    seconds: float | None  # of this epoch


class ProgressError(Value, frozen=True, kw_only=True, tag="error", tag_field="event"):
    """Why the command failed; the last event. The exit code tells the kind."""

    schema: str = SCHEMA
    code: str
    text: str
    hint: str | None
    exit_code: int


EVENTS: tuple[type[Value], ...] = (
    ProgressNote,
    ProgressStage,
    ProgressOutput,
    ProgressDownload,
    ProgressMeasure,
    ProgressError,
)


def write(event: Value) -> None:
    """One line on stderr, without secrets and in plain ASCII."""
    click.echo(ascii_json(to_json(shown(event), indent=0)), nl=False, err=True)


def ascii_json(text: str) -> str:
    """A document with everything beyond ASCII escaped: any console shows it, and nothing steers one."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)  # noqa: PLR2004  # ASCII


def note(value: Message) -> None:
    """`ProgressNote`."""
    write(ProgressNote(code=value.code, text=str(value)))


def installing(event: Event) -> None:
    """What an installation tells; see `install.base.Progress`."""
    if event.download is not None:
        write(_download(event.download))
    elif event.detail is not None:
        write(ProgressOutput(text=event.detail))
    else:
        text, code = str(event.text), event.text.code
        write(ProgressStage(stage=event.stage, code=code, text=text, position=event.position, total=event.total))


def _download(state: FetchProgress) -> ProgressDownload:
    return ProgressDownload(
        file=state.file, place=state.place, bytes=state.done, total_bytes=state.total, all_bytes=state.all_done,
        all_total_bytes=state.all_total, bytes_per_second=state.rate, seconds_left=state.seconds_left,
        waiting=state.waiting, complete=state.complete,
    )  # fmt: skip


def measuring(progress: BenchProgress) -> None:
    """What a benchmark tells, each epoch once."""
    if progress.step is not None:
        return
    write(
        ProgressMeasure(
            workload=progress.workload, recipe=progress.recipe, device=progress.device, stage=progress.stage,
            run=progress.run, runs=progress.runs, epoch=progress.epoch, seconds=progress.seconds,
        )
    )  # fmt: skip
