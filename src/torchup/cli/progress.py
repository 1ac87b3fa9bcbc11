"""A benchmark's progress on stderr: one line that is rewritten where a person watches, one line an epoch elsewhere."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from torchup.bench.answers import Stage
from torchup.cli import events
from torchup.cli.display import DISPLAY
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
    if session.events:
        yield events.measuring
        return
    if not session.interactive:
        yield lambda progress: _say(session, progress)
        return
    try:
        yield _shown
    finally:
        DISPLAY.close()


def _shown(progress: BenchProgress) -> None:
    """One event on the display's line. A budget ends when it ends, whatever the runs take."""
    words, detail = _describe(progress), _epochs(progress)
    if progress.budget is not None:
        ends = time.monotonic() + progress.budget - progress.elapsed
        DISPLAY.show(words, detail=detail, total=progress.budget, ends=ends)
        return
    done = progress.epoch + (progress.step or 0) / (progress.steps or STEPS_PER_EPOCH)
    DISPLAY.show(words, detail=detail, done=done, total=progress.epochs or 10)


def _epochs(progress: BenchProgress) -> str:
    if progress.stage is not Stage.TRAINING or progress.epochs is None or progress.epoch >= progress.epochs:
        return ""
    return text("bench.progress.of", "epoch {epoch}/{epochs}", epoch=progress.epoch + 1, epochs=progress.epochs)


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
        Stage.TESTING: message("bench.stage.testing", "testing accuracy"),
        Stage.PARTS: message("bench.stage.parts", "measuring where the time goes"),
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
                "    epoch {epoch}/{epochs}: {seconds} s so far, loss {loss}",
                epoch=progress.epoch,
                epochs=progress.epochs,
                seconds=f"{progress.seconds:.1f}",
                loss=f"{progress.loss:.4f}",
            )
        )
