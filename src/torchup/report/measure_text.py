"""A measured wheel for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import printable, render, text
from torchup.report.plan_text import size_text
from torchup.report.style import mark
from torchup.report.table import table

if TYPE_CHECKING:
    from torchup.catalog.measured import MeasuredWheel
    from torchup.plan.wheel_fit import Verdict
    from torchup.report.style import Style


def measure_text(wheel: MeasuredWheel, verdict: Verdict, style: Style) -> str:
    """The facts one a line, then whether it fits, then what was read."""
    title = printable(f"torch {wheel.torch}+{wheel.variant}")
    facts = table(("", ""), [(label, value) for label, value in _facts(wheel) if value], style)
    fits = (
        text("measure.fits", "The wheel fits the machine")
        if verdict.fits
        else text("measure.unfit", "The wheel does not fit the machine")
    )
    reasons = "; ".join(render(reason) for reason in verdict.why)
    line = f"{mark(style, 'pass' if verdict.fits else 'error')} {printable(f'{fits}: {reasons}')}"
    return "\n\n".join([title, facts, line, *_known(verdict), _read(wheel)])


def _facts(wheel: MeasuredWheel) -> list[tuple[str, str]]:
    code = " ".join((*wheel.sass, *wheel.gfx))
    gpu = wheel.variant not in {"cpu", "xpu"}
    unknown = text("measure.code.unknown", "unknown: the library in the wheel does not state it")
    none = text("measure.none-word", "none")
    return [
        (text("measure.file", "file"), wheel.filename),
        (text("measure.platform", "platform"), " ".join(wheel.platforms)),
        ("Python", " ".join(wheel.pythons)),
        (text("measure.code", "code for"), (code or unknown) if gpu else ""),
        ("PTX", (" ".join(wheel.ptx) or none) if wheel.sass else ""),
        ("glibc", wheel.glibc or ""),
        ("macOS", wheel.macos or ""),
        (text("measure.library", "minimum macOS, according to torch's library"), wheel.macos_library or ""),
        (text("measure.mps", "minimum macOS for MPS, according to torch's error message"), wheel.mps_text or ""),
        (text("measure.requires", "requires"), "; ".join(wheel.requires)),
        (text("measure.size", "size"), size_text(wheel.size_bytes)),
        (
            text("measure.total", "size including all dependencies"),
            size_text(wheel.total_bytes) if wheel.total_bytes else "",
        ),
        ("sha256", wheel.sha256 or ""),
    ]


def _known(verdict: Verdict) -> list[str]:
    words = {
        "different": text("measure.known.different", "The catalogue has different facts for this build."),
        "unknown": text("measure.known.unknown", "The catalogue does not have this build."),
    }
    return [words[verdict.known]] if verdict.known in words else []


def _read(wheel: MeasuredWheel) -> str:
    return text(
        "measure.read",
        "{read} MB of {size} MB read in {seconds} s on {date}",
        read=f"{wheel.bytes_read / 1e6:.1f}",
        size=f"{wheel.size_bytes / 1e6:.0f}",
        seconds=f"{wheel.seconds:.1f}",
        date=wheel.read,
    )
