"""The verification ladder as text: one line a rung, what it proves, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import render, text
from torchup.i18n.sentences import sentence
from torchup.model import UNKNOWN, message, verbatim
from torchup.report.columns import cells, fill, wrap
from torchup.report.style import Style, mark

if TYPE_CHECKING:
    from torchup.model import Message, Readiness, Rung, Verification

_SIGNS = {"pass": "pass", "fail": "error", "warn": "warning", "skip": "skip"}
_PROVES: dict[str, Message] = {
    "files": message("verify.proves.files", "the installed files are unchanged"),
    "start": message("verify.proves.start", "the Python of the environment starts"),
    "import": message("verify.proves.import", "torch and its linked libraries load"),
    "version": message("verify.proves.version", "the build matches the plan, if there is one"),
    "devices": message("verify.proves.devices", "torch sees a GPU if the build is for CUDA, ROCm or XPU"),
    "arch": message("verify.proves.arch", "the build has code for this device"),
    "matmul": message("verify.proves.matmul", "matrix products are correct"),
    "conv": message("verify.proves.conv", "convolutions and their gradients are correct"),
    "optimiser": message("verify.proves.optimiser", "training changes weights and lowers the loss"),
    "jit": message("verify.proves.jit", "operations compile at run time"),
    "dataloader": message("verify.proves.dataloader", "worker processes start and share memory"),
    "package": message("verify.proves.package", "a package that is built for torch works with this torch"),
    "compile": message("verify.proves.compile", "code from torch.compile gives correct results"),
}


def _proves(rung: Rung) -> Message:
    if rung.package == "numpy":
        return message("worker.numpy", "NumPy and torch share memory")
    if rung.package is not None:
        return message("worker.companion", "{name} works with this torch", name=rung.package)
    return _PROVES.get(rung.name) or verbatim(rung.name)


def rung_line(rung: Rung, style: Style) -> str:
    """One rung: sign, name, device, what it proves, seconds; its detail where it did not simply pass."""
    proves = _proves(rung)
    name = f"{rung.name} {rung.device}" if rung.device else rung.name
    seconds = f"{rung.seconds:.2f} s" if rung.seconds is not None and rung.status != "skip" else ""
    lead = f" {name:<18} {seconds:>8}  "
    first, *others = wrap(render(proves), style.width, first=" " * (cells(lead) + 1), rest=" " * (cells(lead) + 1))
    sign = mark(style, _SIGNS.get(rung.status, "info"))
    lines = [sign + lead + first.lstrip(), *others]
    if rung.detail and rung.status in {"fail", "warn"}:
        lines.append(fill(render(sentence(rung.detail)), style.width, first="    ", rest="    "))
    return "\n".join(lines)


def verify_text(result: Verification, style: Style, *, watched: bool = False) -> str:
    """The whole ladder with a verdict on top; skipped rungs are counted, not listed.

    ``watched``: who reads it has seen every rung as it ended, so they are not listed again.
    """
    shown = [rung for rung in result.rungs if rung.status != "skip"]
    skipped = len(result.rungs) - len(shown)
    lines = [verdict(result)] if watched else [verdict(result), "", *(rung_line(rung, style) for rung in shown)]
    if skipped:
        lines += [
            "",
            text("verify.skipped", "skipped checks: {count} (use --json to see the reasons)", count=skipped),
        ]
    if result.readiness:
        lines += [
            "",
            text("verify.readiness", "What torch.compile needs here:"),
            *map(readiness_line, result.readiness),
        ]
    return "\n".join(lines)


def readiness_line(one: Readiness) -> str:
    """One requirement: whether it is there, what was found, what is wanted."""
    answer = {
        True: text("verify.ready", "yes"),
        False: text("verify.not-ready", "no"),
        None: text("verify.unsure", "unknown"),
    }[one.ready]
    wanted = text("verify.wanted", "needed: {span}", span=one.wanted) if one.wanted else None
    more = ", ".join(filter(None, (one.found, wanted)))
    return f"  {answer}  {render(one.what)}" + (f" ({more})" if more else "")


def verdict(result: Verification) -> str:
    """One sentence: does it work, and if not, which rung says so."""
    torch = result.torch
    failed = next((rung for rung in result.rungs if rung.status == "fail"), None)
    if failed is not None:
        where = f"{failed.name} ({failed.device})" if failed.device else failed.name
        return text("verify.failed", "This PyTorch does not work here: the check {rung} failed.", rung=where)
    return text(
        "verify.passed",
        "PyTorch {version} works here on: {devices}.",
        version=torch.version or UNKNOWN,
        devices=", ".join(torch.devices),
    )
