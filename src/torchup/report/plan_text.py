"""A plan for people: the machine, the choice, why, what was not chosen, where from, what will change."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.compat.target import variant_name
from torchup.i18n import printable, render, text
from torchup.model import UNKNOWN, Machine, Plan, Reason, Rejection, Value, Vendor
from torchup.privacy import shown_address
from torchup.report.columns import beside, cells, cut, fill, pad
from torchup.report.style import Style, mark
from torchup.report.table import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.errors import TorchupError
    from torchup.model import PackageWheel

_SHOWN = 6
_PREFIX = {Vendor.NVIDIA: "cu", Vendor.AMD: "rocm", Vendor.INTEL: "xpu"}


class Outcome(Value, frozen=True, kw_only=True):
    """What became of one machine of many: a plan, or why there is none."""

    name: str
    machine: Machine | None = None
    plan: Plan | None = None
    failure: str | None = None
    hint: str | None = None


def plan_text(
    plan: Plan,
    machine: Machine,
    style: Style,
    *,
    destination: str | None = None,
    verbose: bool = False,
    here: bool = True,
) -> str:
    """The whole plan.

    ``destination`` is the folder it would make, ``verbose`` lists every build not chosen, ``here``: for this machine.
    """
    sections: list[tuple[str, list[str]]] = [
        (_machine_label(machine, here=here), [machine_line(machine)]),
        (text("plan.label.build", "Best build"), [build_line(plan)]),
        (text("plan.label.why", "Why"), [render(reason) for reason in plan.why]),
        (text("plan.label.not-chosen", "Not chosen"), _rejected_lines(plan, machine, verbose=verbose)),
        (text("plan.label.from", "Source"), [_source_line(plan, machine)]),
        (text("plan.label.packages", "Packages"), [wheel_line(wheel) for wheel in plan.wheels]),
        (text("plan.label.change", "Will change"), [_change_line(plan, destination)]),
        (text("plan.label.steps", "Steps"), _step_lines(plan, verbose=verbose)),
    ]
    width = max(cells(label) for label, lines in sections if lines) + 2
    body = [_section(label, lines, width, style) for label, lines in sections if lines]
    return "\n".join([*body, *_advice(plan, style)])


def plan_data(plan: Plan, machine: Machine) -> Plan:
    """The plan as programs read it: variants are named as the text names them, the macOS build ``mps``."""
    build = replace(plan.build, variant=_variant(plan))
    named = tuple(replace(one, variant=variant_name(one.variant, machine)) for one in plan.rejected)
    return replace(plan, build=build, rejected=named)


def _machine_label(machine: Machine, *, here: bool) -> str:
    if not here or "assumed" in machine.sources.values():
        return text("plan.label.assumed", "Planned for")
    return text("plan.label.machine", "This machine")


def machine_line(machine: Machine) -> str:
    """One line: system, Python, GPUs, driver."""
    name = " ".join(filter(None, (machine.distribution or machine.os.value, machine.os_version, machine.arch)))
    parts = [name + (" (WSL)" if machine.wsl else "")]
    if machine.container:
        parts.append(machine.container)
    if machine.python:
        parts.append(f"Python {machine.python}")
    for name, alike in groupby(_gpu(machine, index) for index in range(len(machine.gpus))):
        count = len(list(alike))
        parts.append(f"{count}x {name}" if count > 1 else name)
    nvidia = machine.driver(Vendor.NVIDIA)
    if nvidia and nvidia.version:
        parts.append(text("plan.driver", "driver {version}", version=nvidia.version))
    return printable(" · ".join(parts))


def _gpu(machine: Machine, index: int) -> str:
    gpu = machine.gpus[index]
    details = [f"cc {gpu.compute_capability}" if gpu.compute_capability else gpu.gfx]
    if gpu.memory_bytes:
        details.append(f"{round(gpu.memory_bytes / 2**30)} GB")
    inside = ", ".join(filter(None, details))
    return (gpu.name or gpu.vendor.value) + (f" ({inside})" if inside else "")


def build_line(plan: Plan) -> str:
    """``torch 2.14.1+cu126  torchvision 0.29.1  Python 3.12``."""
    build = plan.build
    named = [f"{name} {version}" for name, version in build.companions.items() if version]
    return "  ".join([f"torch {build.torch}+{_variant(plan)}", *named, f"Python {plan.python}"])


def _variant(plan: Plan) -> str:
    return "mps" if plan.build.variant == "cpu" and plan.uses_gpu else plan.build.variant


def _rejected_lines(plan: Plan, machine: Machine, *, verbose: bool) -> list[str]:
    rows = list(plan.rejected) if verbose else notable(plan, machine)
    labels = [f"{row.torch}+{variant_name(row.variant, machine)}" for row in rows]
    width = max(map(len, labels), default=0) + 2
    lines = [f"{label:<{width}}{render(row.detail)}" for label, row in zip(labels, rows, strict=True)]
    left = len(plan.rejected) - len(rows)
    if left:
        lines.append(text("plan.more-rejected", "more builds: {count}; add -v to see all of them", count=left))
    return lines


def notable(plan: Plan, machine: Machine) -> list[Rejection]:
    """The builds a reader would ask about: the newest of each variant that is made for this machine's GPUs."""
    vendors = {gpu.vendor for gpu in machine.gpus}
    prefixes = tuple(_PREFIX[vendor] for vendor in vendors if vendor in _PREFIX)
    mine = [r for r in plan.rejected if r.variant.startswith((*prefixes, "cpu"))]
    first: dict[str, Rejection] = {}
    for rejection in mine:
        first.setdefault(rejection.variant, rejection)
    chosen = list(first.values())
    if len(chosen) < _SHOWN:
        chosen += [r for r in mine if r not in chosen and r.reason != Reason.OLDER][: _SHOWN - len(chosen)]
    position = {id(r): index for index, r in enumerate(plan.rejected)}
    return sorted(chosen[:_SHOWN], key=lambda r: position[id(r)])


def _source_line(plan: Plan, machine: Machine) -> str:
    build = plan.build
    place = build.index_url or next((source.url for source in plan.sources), "")
    parts = [f"{build.source}  {place}".strip()]
    if build.size_bytes:
        size = size_text(build.size_bytes)
        if build.size_estimated:
            parts.append(text("plan.size.estimated", "{size} (estimate)", size=size))
        else:
            parts.append(text("plan.size", "about {size}", size=size))
    if machine.disk_free_bytes:
        parts.append(text("plan.free", "{size} free", size=size_text(machine.disk_free_bytes)))
    return printable(" · ".join(parts))


def wheel_line(wheel: PackageWheel) -> str:
    """Where a package that is bound to torch comes from, and who promises its bytes."""
    place = wheel.url or wheel.index or wheel.find_links
    named = f"{wheel.package} {wheel.version}" if wheel.version else wheel.package
    if wheel.compiled:
        return text("plan.wheel.compiled", "{package}: compiled during the installation", package=named)
    if place is None:
        return text("plan.wheel.sources", "{package}: from the sources of this plan", package=named)
    parts = [text("plan.wheel", "{package}: {place}", package=named, place=shown_address(place))]
    if wheel.publisher:
        parts.append(text("plan.wheel.publisher", "built by {publisher}", publisher=wheel.publisher))
    if wheel.sha256:
        parts.append(f"SHA-256 {wheel.sha256}")
    elif wheel.url:
        parts.append(text("plan.wheel.unpromised", "no published hash: torchup records the hash of the first download"))
    return printable(" · ".join(parts))


def _step_lines(plan: Plan, *, verbose: bool) -> list[str]:
    if verbose:
        return [printable(" ".join(step.argv)) for step in plan.steps]
    return [render(step.summary) for step in plan.steps]


def _change_line(plan: Plan, destination: str | None) -> str:
    if destination is None:
        return text("plan.change.none", "nothing yet: this is a plan")
    return text(
        "plan.change",
        "the environment {path}, with {installer}; nothing else",
        path=destination,
        installer=plan.installer,
    )


def size_text(size: int) -> str:
    """``2.6 GB``, ``192 MB`` (powers of ten, as downloads are counted)."""
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size / 1e6:.0f} MB"


def _advice(plan: Plan, style: Style) -> list[str]:
    lines = []
    for notice in plan.advice:
        sign = mark(style, "warning" if notice.level == "warning" else "info")
        lines.append(fill(render(notice.text), style.width, first=f"{sign} ", rest="  "))
    return ["", *lines] if lines else []


def _section(label: str, lines: Sequence[str], width: int, style: Style) -> str:
    leads = (label, *[""] * len(lines))
    told = (beside(lead, line, width, style.width) for lead, line in zip(leads, lines, strict=False))
    return "\n".join(line for part in told for line in part)


def failure_of(error: TorchupError) -> tuple[str, str | None]:
    """The two texts of an error."""
    return render(error.text), render(error.hint) if error.hint else None


_ROOM = 12  # columns for the names of GPUs; with fewer, each machine is shown by itself


def outcomes_text(outcomes: Sequence[Outcome], style: Style, *, verbose: bool = False) -> str:
    """Many machines for an administrator: two lines each, the second says what is left out, and why not the newest.

    ``verbose`` gives the second line all the room it needs.
    """
    rows = [_outcome_row(outcome) for outcome in outcomes]
    heads = (
        text("plan.column.file", "File"), text("plan.column.build", "Build"), text("plan.column.python", "Python"),
        text("plan.column.gpus", "GPUs"),
    )  # fmt: skip
    widths = [max(cells(row[column]) for row in (heads, *rows)) + 2 for column in range(len(heads) - 1)]
    narrow = style.width - sum(widths) < _ROOM
    lines = [] if narrow else [_outcome_line(heads, widths, style)]
    for row, outcome in zip(rows, outcomes, strict=True):
        lines.append(records(heads, [row], style) if narrow else _outcome_line(row, widths, style))
        why = _outcome_why(outcome)
        lines.append(fill(why, style.width, first="    ", rest="    ") if verbose else cut(f"    {why}", style.width))
    if not verbose and any(cells(_outcome_why(outcome)) + 4 > style.width for outcome in outcomes):
        more = text("plan.many.more", "use -v to see the full reasons, or --machine FILE to plan for one machine")
        lines += ["", fill(more, style.width)]
    return "\n".join(line.rstrip() for line in lines)


def _outcome_line(row: Sequence[str], widths: Sequence[int], style: Style) -> str:
    lead = "".join(pad(cell, width) for cell, width in zip(row, widths, strict=False))
    return cut(lead + row[-1], style.width)


def _outcome_row(outcome: Outcome) -> tuple[str, str, str, str]:
    plan, machine = outcome.plan, outcome.machine
    gpus = _names(machine, range(len(machine.gpus))) if machine else render(UNKNOWN)
    if plan is None:
        return printable(outcome.name), text("plan.none", "none"), "-", gpus
    label = f"{plan.build.torch}+{_variant(plan)}"
    if not plan.uses_gpu:
        label = text("plan.cpu-only", "{build} (CPU only)", build=label)
    return printable(outcome.name), label, plan.python, gpus


def _outcome_why(outcome: Outcome) -> str:
    plan = outcome.plan
    if plan is None or outcome.machine is None:
        return " ".join(printable("; ".join(filter(None, (outcome.failure, outcome.hint)))).split())
    left = _names(outcome.machine, plan.uncovered_gpus) if plan.uncovered_gpus else ""
    parts = [text("plan.left-out", "left out: {gpus}", gpus=left)] if left else []
    return "; ".join((*parts, *(render(reason) for reason in plan.why[:1])))


def _names(machine: Machine, positions: Iterable[int]) -> str:
    names = (machine.gpus[at].name or machine.gpus[at].vendor.value for at in positions)
    counted = [(name, len(list(alike))) for name, alike in groupby(names)]
    return printable(", ".join(f"{count}x {name}" if count > 1 else name for name, count in counted)) or "-"
