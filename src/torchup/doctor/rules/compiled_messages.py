"""What packages around torch say themselves when their compiled part does not go with this torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.spans import minor_of
from torchup.doctor.cause import text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import plain, torch_cuda, torch_line
from torchup.doctor.rules.compiled import (
    built_summary,
    cuda_summary,
    evidence,
    fitting,
    released_between,
)
from torchup.doctor.rules.owners import package_named
from torchup.model import Remedy, Severity, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Compiled, Facts
    from torchup.model import Message


def own_message(facts: Facts, compat: Compat) -> Found | None:
    """The first of these that the report holds."""
    checks = (_built_for, _no_label, _by_state, _without_kernels, _torch_first)
    return next((found for check in checks if (found := check(facts, compat)) is not None), None)


def _built_for(facts: Facts, compat: Compat) -> Found | None:
    """Xformers names the torch that it was built for and the one that it met; a CPU build is another cause."""
    sign = facts.sign("extension.built-for")
    if sign is None or not {"built", "have"} <= set(sign.values):
        return None
    built, have = sign.values["built"], sign.values["have"]
    if have.endswith("+cpu") or _alike(built, have):
        return None
    return Found(
        summary=built_summary(facts, "xformers", message("doctor.compiled.one", "torch {release}", release=built)),
        evidence=evidence(facts, (sign,)),
        remedy=fitting(facts, compat, package_named("xformers"), "xformers"),
        certainty=Certainty.PROVEN,
    )


def _alike(built: str, have: str) -> bool:
    """Whether the two have one release and one CUDA: then something else keeps the kernels from loading."""
    labels = [version.partition("+")[2] for version in (built, have)]
    return built.partition("+")[0] == have.partition("+")[0] and (labels[0] == labels[1] or not all(labels))


def _no_label(facts: Facts, compat: Compat) -> Found | None:
    """Bitsandbytes has no library for torch's CUDA; one of another minor of the same major will do."""
    sign = facts.sign("extension.no-label")
    package = package_named("bitsandbytes")
    if sign is None or package is None or "label" not in sign.values:
        return None
    label = sign.values["label"]
    return Found(
        summary=text_of("companion-mismatch", "summary-label", package=package.name, cuda=f"{label[:-1]}.{label[-1]}"),
        evidence=evidence(facts, (sign,)),
        remedy=_other_label(facts, compat, label),
    )


def _other_label(facts: Facts, compat: Compat, label: str) -> Remedy:
    """The variable that names the nearest library of the same CUDA major; without one, the release for this torch."""
    version = facts.torch.version or compat.catalog.newest_torch  # the library does not link torch: any will do
    torch = replace(facts.torch, version=version, variant=f"cu{label}", local=None)
    return fitting(replace(facts, torch=torch), compat, package_named("bitsandbytes"))


def _by_state(facts: Facts, compat: Compat) -> Found | None:
    """Nothing has failed yet: the libraries of installed packages are for another torch or CUDA than this one."""
    wrong = {one: text for one in facts.compiled if (text := _against(facts, compat, one)) is not None}
    if not wrong:
        return None
    first, summary = next(iter(wrong.items()))
    return Found(
        summary=summary,
        evidence=(
            *(plain(f"{one.package} {one.version}") for one in wrong),
            *tuple(wrong.values())[1:],
            torch_line(facts),
        ),
        remedy=fitting(facts, compat, package_named(first.package.replace("-", "_"))),
        certainty=Certainty.SEEN,
        severity=Severity.WARNING,
    )


def _against(facts: Facts, compat: Compat, one: Compiled) -> Message | None:
    """What an installed package was built for, if it is not this torch."""
    from torchup.compat.packages.symbols import other_cuda  # noqa: PLC0415  # only a finding pays for the tables

    majors = other_cuda({one.package: one.cuda_majors}, torch_cuda(facts, compat))
    if one.package in majors:
        return cuda_summary(facts, compat, one.package, str(majors[one.package]))
    torch = facts.torch.version
    if torch is None or not one.releases or minor_of(torch) in one.releases:
        return None
    return built_summary(facts, one.package, released_between(one.releases))


def _without_kernels(facts: Facts, compat: Compat) -> Found | None:
    """Torchao runs on without its kernels: nothing is broken, and a release for this torch has them."""
    sign = facts.sign("extension.without-kernels")
    package = package_named(sign.values.get("package", "torchao")) if sign is not None else None
    if sign is None or package is None:
        return None
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    there = remedy.fitting_wheel(facts, compat.catalog, package)
    return Found(
        summary=text_of("companion-mismatch", "summary-without-kernels", package=package.name),
        evidence=evidence(facts, (sign,)),
        remedy=fitting(facts, compat, package) if there is not None and there.found else None,
        severity=Severity.INFO,
        primary=False,
    )


def _torch_first(facts: Facts, compat: Compat) -> Found | None:
    """A compiled package was imported before torch, whose libraries it looks for; nothing is broken."""
    del compat
    sign = facts.sign("extension.torch-first")
    if sign is None or not (facts.torch.version or facts.works):
        return None
    text = text_of("companion-mismatch", "remedy-import-order")
    return Found(
        summary=text_of("companion-mismatch", "summary-import-order"),
        evidence=evidence(facts, (sign,)),
        remedy=Remedy(text=text),
        severity=Severity.INFO,
        primary=False,
    )
