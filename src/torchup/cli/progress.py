"""A benchmark's progress on stderr: one line that is rewritten where a person watches, one line an epoch elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from torchup.bench.answers import Stage
from torchup.i18n import text
from torchup.model import message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torchup.bench.answers import Progress as BenchProgress
    from torchup.cli.session import Session
    from torchup.model import Message

STEPS_PER_EPOCH = 938  # of MNIST at batch 64; only the bar uses it


@contextlib.contextmanager
def progress_line(session: Session) -> Iterator[Callable[[BenchProgress], None]]:
    """A function to tell progress to."""
    if not session.interactive:
        yield lambda progress: _say(session, progress)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        current = 0

        def tell(progress: BenchProgress) -> None:
            nonlocal current
            if progress.run != current and progress.budget is None:
                current = progress.run
                bar.reset(task)
            if progress.budget is not None:
                bar.update(task, description=_describe(progress), completed=progress.elapsed, total=progress.budget)
                return
            done = progress.epoch + (progress.step or 0) / STEPS_PER_EPOCH
            bar.update(task, description=_describe(progress), completed=done, total=progress.epochs or 10)

        yield tell


def _describe(progress: BenchProgress) -> str:
    return text(
        "bench.progress",
        "{run}/{runs} {recipe} on {device}: {stage}",
        run=progress.run,
        runs=progress.runs,
        recipe=progress.recipe,
        device=progress.device,
        stage=stage_name(progress.stage),
    )


def stage_name(stage: Stage) -> Message:
    """What a child is doing, in words."""
    return {
        Stage.PREPARING: message("bench.stage.preparing", "preparing"),
        Stage.TRAINING: message("bench.stage.training", "measuring"),
        Stage.TESTING: message("bench.stage.testing", "accuracy"),
        Stage.PARTS: message("bench.stage.parts", "where the time goes"),
    }[stage]


def _say(session: Session, progress: BenchProgress) -> None:
    """Plain lines for a log: the start of a run, each epoch, and the parts measured alone."""
    if progress.step is not None or progress.stage is Stage.TESTING:
        return
    if progress.stage is Stage.PARTS:
        session.note(
            message("bench.progress.parts", "measuring where the time goes on {device} ...", device=progress.device)
        )
    elif progress.stage is Stage.PREPARING:
        session.note(
            message(
                "bench.progress.start",
                "{run}/{runs} {recipe} on {device} ...",
                run=progress.run,
                runs=progress.runs,
                recipe=progress.recipe,
                device=progress.device,
            )
        )
    elif progress.epoch and progress.seconds is not None and progress.loss is not None:
        session.note(
            message(
                "bench.progress.epoch",
                "    epoch {epoch}/{epochs}: {seconds} s, loss {loss}",
                epoch=progress.epoch,
                epochs=progress.epochs,
                seconds=f"{progress.seconds:.1f}",
                loss=f"{progress.loss:.4f}",
            )
        )
