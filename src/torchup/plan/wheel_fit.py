"""Whether a measured wheel fits a machine: the planner's own laws asked of one build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import Publication, Row
from torchup.compat.target import gpu_name, platform_of
from torchup.model import UNKNOWN, Message, Request, Source, Value, message
from torchup.plan.candidates import Candidate
from torchup.plan.judge import Fit, judge
from torchup.plan.planner import make_question

if TYPE_CHECKING:
    from torchup.catalog.measured import MeasuredWheel
    from torchup.catalog.types import Catalog
    from torchup.model import Machine


class Verdict(Value, frozen=True, kw_only=True):
    """Whether it fits, what it would run or what is against it, and whether the catalogue says the same of it."""

    fits: bool
    why: tuple[Message, ...]
    known: str  # same | different | unknown


def fit(wheel: MeasuredWheel, machine: Machine, catalog: Catalog) -> Verdict:
    """Ask the laws of one wheel and one machine."""
    platform = platform_of(machine)
    if platform not in wheel.platforms:
        text = message(
            "measure.fit.platform",
            "the wheel is for {wheel}, but the machine is {machine}",
            wheel=", ".join(wheel.platforms) or UNKNOWN,
            machine=platform or machine.arch,
        )
        return Verdict(fits=False, why=(text,), known=_known(wheel, catalog))
    row = row_of(wheel, platform, catalog)
    question = make_question(machine, Request(torch=row.torch, variant=row.variant), catalog)
    source = Source(name="measured", url=wheel.url)
    verdict = judge(Candidate(row=row, source=source, label=row.label), question)
    if not isinstance(verdict, Fit):
        return Verdict(fits=False, why=(verdict.detail,), known=_known(wheel, catalog))
    python = message("measure.fit.python", "Python {python}", python=verdict.python)
    code = [
        message("measure.fit.code", "{gpu} runs the {code} code", gpu=gpu_name(machine.gpus[index]), code=code)
        for index, code in verdict.code.items()
    ]
    plain = message("measure.fit.cpu", "this build runs only on the CPU")
    return Verdict(
        fits=True, why=(python, *(code or () if verdict.uses_gpu else (plain,))), known=_known(wheel, catalog)
    )


def row_of(wheel: MeasuredWheel, platform: str, catalog: Catalog) -> Row:
    """The wheel as a row; what a wheel does not tell (the macOS that MPS needs) comes from the catalogue."""
    known = catalog.by_key.get((wheel.torch, wheel.variant, platform))
    return Row(
        torch=wheel.torch,
        variant=wheel.variant,
        platform=platform,
        pythons=wheel.pythons,
        arch=wheel.arch,
        arch_known=wheel.arch is not None or wheel.variant == "cpu",
        driver=catalog.floors.get(wheel.variant),
        glibc=wheel.glibc,
        macos=wheel.macos,
        mps=(known.mps if known else None) or wheel.mps_text,
        publications=(Publication(name="measured", url=wheel.url),),
        source=wheel.filename,
    )


def _known(wheel: MeasuredWheel, catalog: Catalog) -> str:
    rows = [catalog.by_key.get((wheel.torch, wheel.variant, platform)) for platform in wheel.platforms]
    found = [row for row in rows if row is not None]
    if not found:
        return "unknown"
    return "same" if all(_agrees(wheel, row) for row in found) else "different"


def _agrees(wheel: MeasuredWheel, row: Row) -> bool:
    code = wheel.arch is None or row.arch is None or (wheel.arch.sass, wheel.arch.ptx) == (row.arch.sass, row.arch.ptx)
    return code and set(wheel.pythons) <= set(row.pythons) and wheel.glibc in {None, row.glibc}
