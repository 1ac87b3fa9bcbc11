"""Answers about packages around torch, for a terminal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.compat.packages import By, Status
from torchup.compat.packages.against import AXES, floor_of, value_of
from torchup.i18n import render, text
from torchup.model import Message, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.catalog.packages import Packages
    from torchup.compat.packages import Match, Nearest
    from torchup.report.style import Style

STATUS: dict[Status, Message] = {
    Status.EXACT: message("wheel.status.exact", "a wheel for this torch"),
    Status.REUSE: message("wheel.status.reuse", "a wheel for an older torch, tested with this one"),
    Status.PINNED: message("wheel.status.pinned", "requires this torch"),
    Status.COMPATIBLE: message("wheel.status.compatible", "works with this torch"),
    Status.BUILD: message("wheel.status.build", "no public wheel: the package is compiled on your machine"),
    Status.NONE: message("wheel.status.none", "no wheel fits"),
    Status.UNKNOWN: message("wheel.status.unknown", "no wheel is known: the listings that torchup read show none"),
}
KINDS: dict[str, Message] = {
    "pure": message("wheel.kind.pure", "no compiled code that depends on torch"),
    "ctypes": message("wheel.kind.ctypes", "compiled, but not linked with torch"),
    "stable": message(
        "wheel.kind.stable", "torch's stable ABI: works with newer torch, but only with one CUDA major version"
    ),
    "pinned": message("wheel.kind.pinned", "requires one version of torch"),
    "matched": message("wheel.kind.matched", "one file for each combination of torch, CUDA, Python and system"),
    "source": message("wheel.kind.source", "compiled on your machine"),
    "beside": message("wheel.kind.beside", "shares CUDA libraries with torch"),
    "ended": message("wheel.kind.ended", "no new releases"),
}

EVIDENCES: dict[str, Message] = {  # of the package tables (`catalog.packages.EVIDENCE`)
    "listing": message("wheel.evidence.listing", "a public listing"),
    "metadata": message("wheel.evidence.metadata", "PyPI's metadata or file names"),
    "measured": message("wheel.evidence.measured", "the opened wheel"),
    "table": message("wheel.evidence.table", "the project's own table"),
    "matrix": message("wheel.evidence.matrix", "the project's build matrix"),
    "resolver": message("wheel.evidence.resolver", "another installer's list"),
    "seen": message("wheel.evidence.seen", "a user's script"),
}


def wheels_text(found: Sequence[Match], style: Style, *, every: bool) -> str:
    """One block a package."""
    del style
    return "\n\n".join("\n".join(_block(one, every=every)) for one in found)


def packages_text(tables: Packages, style: Style) -> str:
    """Every known package with its kind, a line each."""
    del style
    width = max(len(one.name) for one in tables.packages) + 2
    return "\n".join(f"{one.name.ljust(width)}{render(KINDS[one.kind])}" for one in tables.packages)


def _block(found: Match, *, every: bool) -> Iterator[str]:
    name = f"{found.package} {found.version or ''}".strip()
    yield f"{name}: {render(STATUS[found.status])}"
    if found.torch:
        label = text("wheel.text.torch", "torch {torch}+{variant}", torch=found.torch, variant=found.variant)
        yield "  " + label + (f", Python {found.python}" if found.python else "")
    if found.no_gpu:
        yield "  " + text(
            "wheel.text.no-gpu", "this machine has no suitable GPU; the answer is for a machine with such a GPU"
        )
    yield from (f"  {line}" for line in _origin(found))
    yield from (f"  {shlex.join(line)}" for line in found.install)
    yield from (f"  {line}" for line in _against(found))
    yield from (f"  {line}" for line in _remarks(found))
    if every:
        yield from (f"  {text('wheel.text.also', 'also: {place}', place=place)}" for place in found.others)


def _origin(found: Match) -> Iterator[str]:
    if found.publisher:
        yield text("wheel.text.publisher", "built by a third party: {name}", name=found.publisher)
    if found.by == By.STABLE_ABI and found.built:
        yield text("wheel.text.stable", "built for torch {built}; uses torch's stable ABI", built=found.built)
    if found.by == By.MEASURED_REUSE:
        yield text("wheel.text.reuse", "built for torch {built}; tested: {how}", built=found.built, how=found.reuse)
    if found.evidence:
        yield _evidence(found)
    for name, value in found.environment.items():
        yield text("wheel.text.environment", "set {name}={value}", name=name, value=value)
    if found.companions:
        pairs = " ".join(f"{name} {version}" for name, version in found.companions.items())
        yield text("wheel.text.companions", "with {packages}", packages=pairs)


def _evidence(found: Match) -> str:
    if found.checked:
        return text("wheel.text.answered", "torchup has just checked the wheel's address: the wheel is there")
    if found.url and found.evidence in {"matrix", "resolver", "seen"}:
        return text(
            "wheel.text.unchecked",
            "torchup has not checked the wheel's address (known from: {evidence})",
            evidence=EVIDENCES[found.evidence],
        )
    return text(
        "wheel.text.evidence",
        "known from: {evidence}, as of {date}",
        evidence=EVIDENCES[found.evidence or "listing"],
        date=found.as_of,
    )


def _against(found: Match) -> Iterator[str]:
    for one in found.failed:
        yield text(
            "wheel.text.failed",
            "{axis}: needed {want}, but it is {have}",
            axis=AXES[one.axis],
            want=floor_of(one.axis, one.want),
            have=value_of(one.axis, one.have),
        )
    for near in found.nearest:
        yield text("wheel.text.nearest", "nearest build with a wheel: {build}", build=nearest_name(near))


def nearest_name(near: Nearest) -> str:
    """``torch 2.14 cu130, Python 3.13``."""
    cuda = f"cu{near.cuda}" if near.cuda.isdigit() else near.cuda
    return f"torch {near.torch} {cuda}" + (f", Python {near.python}" if near.python else "")


def _remarks(found: Match) -> Iterator[str]:
    if found.system:
        yield text("wheel.text.system", "the system must provide: {what}", what=found.system)
    if found.note:
        yield found.note
    if not found.found and found.alternative:
        yield text("wheel.text.alternative", "alternative: {what}", what=found.alternative)
    if not found.found and found.build_needs:
        yield text("wheel.text.build", "needed to compile the package: {what}", what=found.build_needs)
