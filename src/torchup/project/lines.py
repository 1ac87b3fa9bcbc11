"""Requirement lines (PEP 508) of one package: which stay, change and come, so that each slot gets its build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from torchup.compat.questions import load_compat
from torchup.model import Value
from torchup.project.platforms import joined, marker_of, system_of, where
from torchup.project.tables import load_tables
from torchup.project.wanted import FAMILY, Slot, platforms_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class Change(Value, frozen=True, kw_only=True):
    """What becomes of the lines of a package: each old line with those that stand in its place, and further ones."""

    kept: tuple[tuple[str, ...], ...]
    added: tuple[str, ...]


def parsed(line: str) -> Requirement | None:
    """A requirement, or ``None`` for any other line."""
    try:
        return Requirement(line)
    except (InvalidRequirement, RecursionError):
        return None


def name_of(line: str) -> str | None:
    """The canonical name of a requirement."""
    found = parsed(line)
    return canonicalize_name(found.name) if found is not None else None


def is_managed(name: str) -> bool:
    """Whether torchup decides about a package: torch, its companions, and what only torch's index has."""
    return name in FAMILY or _needed().fullmatch(name) is not None


def _needed() -> re.Pattern[str]:
    names = [name for row in load_tables().index_package for name in row.names]
    return re.compile("|".join(re.escape(name).replace(r"\{gfx\}", "gfx[0-9a-f]+") for name in names))


def change(name: str, lines: Sequence[str], slots: Sequence[Slot], *, local: bool) -> Change:
    """The lines of one package for these slots.

    Args:
        name: canonical name of the package.
        lines: its requirements as they stand.
        slots: the builds that the file is to ask for, none with an extra.
        local: the file itself names the label (``==2.14.1+cu126``), since nothing else of it chooses the build.
    """
    wanted = [slot for slot in slots if name in slot.pins or name in slot.needs]
    alike = name in FAMILY and len(wanted) == len(slots) and len({_public(slot, name) for slot in wanted}) == 1
    if not local and alike:
        if not lines:
            return Change(kept=(), added=(requirement_text(name, wanted[0], local=False),))
        return _same_version(name, lines, wanted)
    kept: list[tuple[str, ...]] = []
    satisfied: list[Slot] = []
    for line in lines:
        left, done = _limited(line, name, slots, local=local)
        satisfied += done
        kept.append(left)
    missing = [slot for slot in wanted if slot not in satisfied]
    fresh = _fresh(name, missing, local=local)
    for position, (line, left) in enumerate(zip(lines, kept, strict=True)):
        if left != (line,):  # new lines stand where an old one gives way
            kept[position] = (*fresh, *left)
            return Change(kept=tuple(kept), added=())
    return Change(kept=tuple(kept), added=tuple(fresh))


def _same_version(name: str, lines: Sequence[str], wanted: Sequence[Slot]) -> Change:
    """One version for every slot, and no label: an old line that does not take it gets the pin, for all platforms."""
    kept = []
    for line in lines:
        requirement = parsed(line)
        here = where(str(requirement.marker) if requirement and requirement.marker else None)
        slots = [slot for slot in wanted if slot.platforms & here]
        if requirement is None or all(_takes(requirement, slot, name, local=False) for slot in slots):
            kept.append((line,))
        else:
            kept.append((_pinned(line, requirement, f"=={_public(slots[0], name)}"),))
    return Change(kept=tuple(kept), added=())


def _pinned(line: str, requirement: Requirement, pin: str) -> str:
    """The line with another specifier; its extras and marker stay as they are written."""
    head, semicolon, marker = line.partition(";")
    _, opening, rest = head.partition("[")
    extras = f"[{rest.partition(']')[0]}]" if opening else ""
    return f"{requirement.name}{extras}{pin}" + (f" ;{marker}" if semicolon else "")


def _limited(line: str, name: str, slots: Sequence[Slot], *, local: bool) -> tuple[tuple[str, ...], list[Slot]]:
    """What stays of a line, and the slots that it serves as it is."""
    requirement = parsed(line)
    if requirement is None:
        return (line,), []
    marker = str(requirement.marker) if requirement.marker else None
    here = where(marker)
    touched = [slot for slot in slots if slot.platforms & here]
    done = [slot for slot in touched if slot.platforms <= here and _takes(requirement, slot, name, local=local)]
    lost = platforms_of(slot for slot in touched if slot not in done)
    labels = [part.version.partition("+")[2] for part in requirement.specifier if "+" in part.version]
    rest = {platform for platform in here - lost if all(_can_be(label, platform) for label in labels)}
    if not lost:
        return (line,), done
    if not rest:
        return (), []
    head = line.partition(";")[0].rstrip()
    return (f"{head} ; {joined(marker, rest)}",), [slot for slot in done if slot.platforms <= rest]


def _can_be(label: str, platform: str) -> bool:
    """Whether a build was ever published for the system of a platform: a line that cannot be followed does not stay."""
    return any(load_compat().on_platform(label, one) for one in system_of(platform))


def _takes(requirement: Requirement, slot: Slot, name: str, *, local: bool) -> bool:
    """Whether an installer that follows the line ends at the slot's build."""
    if name in slot.needs:
        return True
    if name not in slot.pins or requirement.url:
        return False
    if not set(slot.extras.get(name, ())) <= requirement.extras:
        return False
    if local and name in slot.tied:
        return str(requirement.specifier) == slot.pins[name]
    if any("+" in part.version for part in requirement.specifier):
        return False
    exact = any(part.operator in {"==", "==="} for part in requirement.specifier)
    open_ = slot.fits_open or exact or name != FAMILY[0]
    return open_ and requirement.specifier.contains(_public(slot, name), prereleases=True)


def _public(slot: Slot, name: str) -> str:
    """``2.14.1``: the version that a slot wants of a package, without label."""
    parts = list(SpecifierSet(slot.pins[name]))
    return Version(parts[0].version).public if parts else "0"


def _fresh(name: str, slots: Sequence[Slot], *, local: bool) -> list[str]:
    """New lines for slots: one for each pin, with the marker of its platforms."""
    pins: dict[str, set[str]] = {}
    for slot in slots:
        pins.setdefault(requirement_text(name, slot, local=local), set()).update(slot.platforms)
    lines = []
    for text, platforms in pins.items():
        marker = marker_of(platforms)
        lines.append(f"{text} ; {marker}" if marker else text)
    return lines


def requirement_text(name: str, slot: Slot, *, local: bool) -> str:
    """``torch==2.14.1+cu126`` where the file names the label, else ``torch==2.14.1``; without marker."""
    if name not in slot.pins:
        return name
    extras = f"[{','.join(slot.extras[name])}]" if name in slot.extras else ""
    if local and name in slot.tied:
        return f"{name}{extras}{slot.pins[name]}"
    operator = ">=" if slot.pins[name].startswith(">=") else "=="
    return f"{name}{extras}{operator}{_public(slot, name)}"
