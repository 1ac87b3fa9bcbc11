"""The requirement lists of pyproject.toml: [project], its extras, and dependency groups (PEP 621, PEP 735)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.errors import UsageError
from torchup.model import message
from torchup.project.edits.toml import block, made_table, table, written
from torchup.project.lines import change, is_managed, name_of, parsed, requirement_text
from torchup.project.platforms import marker_of
from torchup.project.wanted import FAMILY, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def lists(document: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every list of requirements with its path in the file."""
    project = table(document, "project") or {}
    if isinstance(project.get("dependencies"), list):
        yield ("project", "dependencies"), project["dependencies"]
    for path in (("project", "optional-dependencies"), ("dependency-groups",)):
        for name, found in (table(document, *path) or {}).items():
            if isinstance(found, list):
                yield (*path, name), found
    legacy = (table(document, "tool", "uv") or {}).get("dev-dependencies")
    if isinstance(legacy, list):
        yield ("tool", "uv", "dev-dependencies"), legacy


def managed_names(document: Any) -> set[str]:
    """The packages in any list that torchup decides about."""
    return {
        name for _, items in lists(document) for item in items
        if isinstance(item, str) and (name := name_of(item)) is not None and is_managed(name)
    }  # fmt: skip


def exact_version(document: Any) -> str | None:
    """The one version of torch that the lists pin; ``None``: they leave it open, or pin several."""
    found = [parsed(str(item)) for _, items in lists(document) for item in items if isinstance(item, str)]
    specifiers = [one.specifier for one in found if one is not None and one.name == FAMILY[0]]
    pinned = {p.version.partition("+")[0] for specifier in specifiers for p in specifier if p.operator == "=="}
    return pinned.pop() if len(pinned) == 1 and all(specifiers) else None


def edit(
    path: str, document: Any, slots: Sequence[Slot], *, extras_table: tuple[str, ...], local: bool = False
) -> None:
    """Bring every list to the planned versions; torch is added to the project's own where no list has it.

    Raises:
        UsageError: there is no [project] table to add it to.
    """
    used = managed_names(document)
    family = [name for name in FAMILY if name in used] or [FAMILY[0]]
    extras = {slot.extra for slot in slots if slot.extra}
    base = [slot for slot in slots if slot.extra is None]
    for where_, items in list(lists(document)):
        of_extra = where_[:-1] == extras_table and where_[-1] in extras
        if not of_extra:
            _edit_list(items, base if extras else slots, slots, local=local)
    _add_missing(path, document, slots, family, local=local)
    for extra in sorted(extras):
        _edit_extra(document, extras_table, extra, [slot for slot in slots if slot.extra == extra], family, local=local)


def _edit_list(items: Any, own: Sequence[Slot], every: Sequence[Slot], *, local: bool) -> None:
    """One list. ``own``: the slots that it serves; where others have an extra, their packages leave it."""
    names = dict.fromkeys(name for item in items if isinstance(item, str) and (name := name_of(item)) is not None)
    for name in [name for name in names if is_managed(name)]:
        positions = [i for i, item in enumerate(items) if isinstance(item, str) and name_of(item) == name]
        moved = [slot for slot in every if slot not in own]
        found = change(name, [str(items[i]) for i in positions], [*own, *map(_without, moved)], local=local)
        for position, lines in reversed(list(zip(positions, found.kept, strict=True))):
            _put(items, position, lines)
        for line in found.added:
            items.append(line)


def _without(slot: Slot) -> Slot:
    """A slot that takes its platforms out of a list and asks for nothing there."""
    from msgspec.structs import replace  # noqa: PLC0415  # a name of its own

    return replace(slot, pins={}, tied=(), needs=())


def _put(items: Any, position: int, lines: Sequence[str]) -> None:
    if not lines:
        del items[position]
    elif str(items[position]) != lines[0]:
        items[position] = lines[0]
    for offset, line in enumerate(lines[1:], 1):
        items.insert(position + offset, line)


def _add_missing(path: str, document: Any, slots: Sequence[Slot], family: Sequence[str], *, local: bool) -> None:
    """Add what no list has; for platforms without an extra, what the project's own list does not have."""
    base = [slot for slot in slots if slot.extra is None]
    if not base:
        return
    project = table(document, "project")
    own = (project or {}).get("dependencies")
    with_extras = len(base) < len(slots)
    there = {name_of(str(item)) for item in own or ()} if with_extras else managed_names(document)
    every = [*base, *(_without(slot) for slot in slots if slot.extra)]
    wanted = dict.fromkeys((*family, *(name for slot in base for name in slot.needs)))
    lines = [line for name in wanted if name not in there for line in change(name, (), every, local=local).added]
    if not lines:
        return
    if project is None:
        raise UsageError(
            message("project.no-table", "{path} has no [project] table for torch", path=path),
            hint=message(
                "project.no-table.hint",
                "add a [project] table, or list `torch` in a dependency group, then run `torchup project sync` again",
            ),
        )
    if not isinstance(own, list):
        project["dependencies"] = block([written(line) for line in lines])
        return
    for line in lines:
        own.append(line)


def _edit_extra(
    document: Any, extras_table: tuple[str, ...], extra: str, slots: Sequence[Slot], family: Sequence[str], *,
    local: bool,
) -> None:  # fmt: skip
    """The list of one extra: the family and what its index alone has, each with the marker of its platforms."""
    extras = made_table(document, *extras_table)
    names = dict.fromkeys((*family, *(name for slot in slots for name in slot.needs)))
    lines = [line for name in names for line in _of_extra(name, slots, local=local)]
    items = extras.get(extra)
    if not isinstance(items, list):
        extras[extra] = block([written(line) for line in lines])
        return
    there = [str(item) for item in items if isinstance(item, str)]
    for position in reversed(range(len(items))):
        item = items[position]
        if isinstance(item, str) and is_managed(name_of(item) or "") and str(item) not in lines:
            del items[position]
    for line in lines:
        if line not in there:
            items.append(line)


def _of_extra(name: str, slots: Sequence[Slot], *, local: bool) -> list[str]:
    found: dict[str, set[str]] = {}
    for slot in slots:
        if name in slot.pins or name in slot.needs:
            found.setdefault(requirement_text(name, slot, local=local), set()).update(slot.platforms)
    marked = [(text, marker_of(platforms)) for text, platforms in found.items()]
    return [f"{text} ; {marker}" if marker else text for text, marker in marked]
