"""What the main job says at its end: what is there now, that it works, how fast it is, what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import printable, render, text
from torchup.report.bench_text import bench_text
from torchup.report.columns import cells, pad
from torchup.report.style import Style, mark
from torchup.report.verify_text import rung_line, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Environment, Plan, Result, Rung, Verification
    from torchup.results.run import Run


def up_text(
    *,
    plan: Plan,
    environment: Environment,
    verification: Verification | None,
    results: Sequence[Result],
    baseline: Run | None,
    next_steps: Sequence[tuple[str, str]],
    style: Style,
    reused: bool = False,
) -> str:
    """The report of a finished `torchup up`. ``next_steps`` are (what for, command) pairs."""
    parts = [_environment(plan, environment, style, reused=reused)]
    if verification is not None:
        parts.append("\n".join([verdict(verification), *_worth_showing(verification.rungs, style)]))
    if results:
        parts.append(bench_text(results, style, baseline=baseline))
    parts.append(_next(next_steps, style.width))
    return "\n\n".join(parts)


def _environment(plan: Plan, environment: Environment, style: Style, *, reused: bool) -> str:
    sign = mark(style, "pass")
    state = text("up.reused", "already there") if reused else text("up.new", "new")
    lines = [
        f"{sign} torch {plan.build.label}, Python {environment.python or plan.python}",
        f"  {text('up.in', 'in')} {printable(environment.path)} ({state})",
    ]
    if plan.build.source:
        lines.append(f"  {text('up.from', 'from')} {printable(plan.build.source)}")
    lines += [f"  {render(reason)}" for reason in plan.why]
    missing = ", ".join(plan.missing_companions)
    if missing:
        lines.append(f"{mark(style, 'warning')} " + text("up.missing", "not available here: {names}", names=missing))
    return "\n".join(lines)


def _worth_showing(rungs: Sequence[Rung], style: Style) -> list[str]:
    return [rung_line(rung, style) for rung in rungs if rung.status in {"pass", "fail", "warn"}]


def _next(steps: Sequence[tuple[str, str]], width: int) -> str:
    """A line a step; one that is too wide for the terminal has its command below, whole, since people copy it."""
    label = max((cells(what) for what, _ in steps), default=0)
    lines = []
    for what, command in steps:
        beside = f"  {pad(what, label)}  {command}"
        lines += [beside] if cells(beside) <= width else [f"  {what}", f"        {command}"]
    return "\n".join([text("up.next", "Next:"), *lines])
