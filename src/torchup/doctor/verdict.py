"""The three verdicts. Healthy stands on evidence; a failure without a known cause is undetermined. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.ask import failures, missing, vendor_of
from torchup.doctor.conditions import holds
from torchup.doctor.program_errors import ways_out
from torchup.doctor.rules.common import (
    at_least,
    capabilities,
    driver_line,
    gpu_line,
    newest_driver,
    on_windows,
    said,
    torch_cuda,
    torch_line,
)
from torchup.doctor.rules.coverage import code_names, uncovered
from torchup.model import Severity, Value, Vendor, Verdict, message
from torchup.patterns import lazy_pattern
from torchup.privacy import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding, Message

# What the allocator says of the memory that it has: a GPU that torch does not reach has none.
_IN_USE = lazy_pattern(r"Tried to allocate[^\n]{0,400}(?:total capac|already allocated)")
LAST_RESORT = "gpu-not-reached"  # names what is known and asks for the rest
NO_GPU = "no-gpu-present"


class Judgement(Value, frozen=True, kw_only=True):
    """A verdict, what it stands on, and what would be needed to say more."""

    verdict: Verdict
    seen: tuple[Message, ...] = ()
    missing: tuple[Message, ...] = ()


def judge(facts: Facts, findings: Sequence[Finding], primary: str | None, compat: Compat) -> Judgement:
    """Which of the three it is."""
    if primary is not None:
        # the evidence of a cause stands in its finding; only a warning leaves a failure beside it unexplained
        warned = any(finding.rule == primary and finding.severity is not Severity.ERROR for finding in findings)
        return Judgement(
            verdict=Verdict.CAUSE,
            seen=unexplained(facts) if warned else (),
            missing=missing(facts) if primary == LAST_RESORT else (),
        )
    if (failed := unexplained(facts)) != ():
        return Judgement(verdict=Verdict.UNDETERMINED, seen=failed, missing=missing(facts))
    if (evidence := (*_reached(facts), *_fits(facts, findings, compat))) != ():
        return Judgement(verdict=Verdict.HEALTHY, seen=(*evidence, *_own_errors(facts)))
    return Judgement(verdict=Verdict.UNDETERMINED, seen=tuple(_known(facts)), missing=missing(facts))


def unexplained(facts: Facts) -> tuple[Message, ...]:
    """The failures that a text shows, and a ``False`` where a GPU was asked for; empty: none was seen."""
    return (*_failed(facts), *_answered_no(facts))


def is_bad(diagnosis: Diagnosis, facts: Facts, *, strict: bool, whole: bool = True) -> bool:
    """Whether the exit code is 1: an error-level finding, a failure without a known cause, or a warning that counts.

    ``whole``: whether every rule was asked; else a failure without a known cause may be the matter of another one.
    """
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    failed = whole and diagnosis.verdict is Verdict.UNDETERMINED and unexplained(facts) != ()
    return failed or any(finding.severity in bad for finding in diagnosis.findings)


def _failed(facts: Facts) -> tuple[Message, ...]:
    return tuple(message("doctor.seen.failure", "failure: {line}", line=redact(line)) for line in failures(facts))


def _answered_no(facts: Facts) -> tuple[Message, ...]:
    """Torch says that it does not reach a GPU, on a machine that may have one."""
    torch = facts.torch
    alone = not facts.gpus and facts.nvidia.driver is None
    if facts.works or torch.mps_available or (alone and (facts.live or torch.variant == "cpu")):
        return ()
    answer: bool | None = torch.cuda_available
    name = "torch.cuda.is_available()"
    if facts.on_mac:
        name, answer = "torch.backends.mps.is_available()", torch.mps_available
    elif holds("xpu-build", facts):
        name, answer = "torch.xpu.is_available()", torch.xpu_available
    return (message("doctor.seen.false", "{expression} is False", expression=name),) if answer is False else ()


def _reached(facts: Facts) -> Iterator[Message]:
    """Evidence that torch used the device."""
    torch = facts.torch
    named = bool(facts.gpus) or bool(torch.device_count)
    if torch.kernel_ran:
        yield message("doctor.seen.kernel", "an operation on the device gave the correct result")
    if torch.cuda_available and named:
        yield message("doctor.seen.true", "{expression} is True", expression="torch.cuda.is_available()")
    if torch.xpu_available and named:
        yield message("doctor.seen.true", "{expression} is True", expression="torch.xpu.is_available()")
    if torch.mps_available:
        yield message("doctor.seen.true", "{expression} is True", expression="torch.backends.mps.is_available()")
    if (reached := facts.sign("reached.device")) is not None:
        yield said(reached)
    for sign in facts.signs:
        if sign.code == "memory.kv-cache" or _IN_USE.search(sign.values.get("message", "")):
            line = redact(sign.line)
            yield message(
                "doctor.seen.memory", "PyTorch used the GPU, but the GPU did not have enough memory: {line}", line=line
            )


def _fits(facts: Facts, findings: Sequence[Finding], compat: Compat) -> tuple[Message, ...]:
    """All that was asked is known and fits: build, driver and GPU; or no GPU, and torch imports here."""
    none = not facts.gpus and facts.nvidia.driver is None
    none = none or any(finding.rule == NO_GPU for finding in findings)
    if none and facts.live and facts.torch.installed and facts.torch.import_error is None:
        return (torch_line(facts), message("doctor.seen.no-gpu", "torch can be imported, but there is no GPU to use"))
    cuda, driver = torch_cuda(facts, compat), newest_driver(facts)
    floor = compat.driver_floor(cuda, windows=on_windows(facts)) if cuda else None
    gpus = capabilities(facts, compat)
    if not (gpus and floor and at_least(driver, floor)) or uncovered(facts, compat) is not None:
        return ()
    if not code_names(facts, compat):
        return ()
    return (torch_line(facts), gpu_line(facts, Vendor.NVIDIA), driver_line(facts))


def _own_errors(facts: Facts) -> Iterator[Message]:
    """Errors that a sound environment shows, because the program makes them."""
    for way_out in ways_out(facts):
        yield message("doctor.seen.program", "the program itself causes the error; {way_out}", way_out=way_out)


def _known(facts: Facts) -> Iterator[Message]:
    """What was read, where it proves nothing."""
    if facts.torch.version:
        yield torch_line(facts)
    elif facts.torch.installed is None:
        yield message("doctor.seen.no-torch", "no PyTorch was examined")
    if facts.gpus:
        yield gpu_line(facts, vendor_of(facts) if facts.of(vendor_of(facts) or Vendor.NVIDIA) else None)
    if facts.nvidia.driver:
        yield driver_line(facts)
