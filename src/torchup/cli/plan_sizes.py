"""`torchup plan --sizes`: the plan, and every file of it with its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.cli.answer import Answer
from torchup.i18n import text
from torchup.install.sizes import sizes
from torchup.model import message
from torchup.report.plan_text import build_line, plan_data, size_text
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.cli.machine_options import NamedMachine
    from torchup.cli.session import Session
    from torchup.install.sizes import Sizes
    from torchup.model import Plan
    from torchup.report.style import Style

SHOWN = 8  # files; the largest stand first, and the rest is small


def with_sizes(session: Session, target: NamedMachine, plan: Plan, plan_shown: Callable[[], str]) -> Answer:
    """The answer for a plan with its steps, below the plan itself; raises what `install.sizes.sizes` raises."""
    session.note(message("plan.locking", "resolving all dependencies with uv"))
    found = sizes(session.host, plan, target.machine, here=target.here)

    def shown() -> str:
        return f"{plan_shown()}\n\n{sizes_text(found, session.style, verbose=session.verbose)}"

    data = {"plan": plan_data(plan, target.machine), "sizes": found}
    return Answer(command="plan", data=data, text=shown, strong=lambda: build_line(plan))


def sizes_text(found: Sizes, style: Style, *, verbose: bool) -> str:
    """A sentence with the sums, then the largest files; all of them when verbose."""
    sums = text(
        "plan.sizes",
        "files: {count}; {download} to download, {unpacked} unpacked",
        count=len(found.files),
        download=_sum(found.bytes, [file.bytes for file in found.files if not file.here]),
        unpacked=_sum(found.unpacked_bytes, [file.unpacked_bytes for file in found.files]),
    )
    heads = (
        text("cache.file", "file"), text("plan.sizes.download", "download"), text("plan.sizes.unpacked", "unpacked"),
    )  # fmt: skip
    rows = [
        (
            file.name,
            text("plan.sizes.here", "on this machine") if file.here else _size(file.bytes),
            _size(file.unpacked_bytes),
        )
        for file in (found.files if verbose else found.files[:SHOWN])
    ]
    left = len(found.files) - len(rows)
    more = [text("plan.sizes.more", "smaller files: {count}; add -v to see them", count=left)] if left else []
    return "\n".join([sums, "", table(heads, rows, style), *more])


def _sum(known: int, sizes: Sequence[int | None]) -> str:
    """A sum; a lower limit if a size is unknown."""
    if None in sizes:
        return text("plan.sizes.at-least", "at least {size}", size=size_text(known))
    return size_text(known)


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f} MB"
