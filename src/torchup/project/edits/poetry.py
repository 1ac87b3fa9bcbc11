"""pyproject.toml for Poetry: explicit sources, and for each package one constraint a platform (with markers)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tomlkit
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torchup.project.edits import requirements_toml
from torchup.project.edits.requirements import refuse_extras
from torchup.project.edits.toml import block, inline, made_table, parse, plain, spaced, table, value_of, written
from torchup.project.labels import label_of, same_url
from torchup.project.lines import is_managed
from torchup.project.platforms import joined, marker_of, system_of, where
from torchup.project.wanted import FAMILY, Slot, platforms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.project.labels import Labels

_CARET = re.compile(r"\^\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_TILDE = re.compile(r"~(?!=)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?")


def specifier_of(constraint: str) -> SpecifierSet | None:
    """A constraint of Poetry's (``^2.1``, ``~2.1``, ``2.1.0``, ``>=2,<3``, ``*``); ``None`` for what is not known."""
    text = constraint.strip()
    if text in {"*", ""}:
        return SpecifierSet()
    caret, tilde = _CARET.fullmatch(text), _TILDE.fullmatch(text)
    if caret is not None:
        numbers = [int(part) for part in caret.groups() if part is not None]
        fixed = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
        above = [*numbers[:fixed], numbers[fixed] + 1]
        return SpecifierSet(f">={'.'.join(map(str, numbers))},<{'.'.join(map(str, above))}")
    if tilde is not None:
        numbers = [int(part) for part in tilde.groups() if part is not None]
        above = [*numbers[:1], numbers[1] + 1] if len(numbers) > 1 else [numbers[0] + 1]
        return SpecifierSet(f">={'.'.join(map(str, numbers))},<{'.'.join(map(str, above))}")
    try:
        return SpecifierSet(f"=={text}" if text[:1].isdigit() else text)
    except InvalidSpecifier:
        return None


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:
    """The text of pyproject.toml with the planned builds.

    Raises:
        UsageError: it does not parse, or one platform needs several builds.
    """
    document = parse(path, text)
    refuse_extras(path, slots)
    modern = (table(document, "project") or {}).get("dependencies") is not None
    if modern:
        requirements_toml.edit(path, document, slots, extras_table=("project", "optional-dependencies"), local=True)
        used = requirements_toml.managed_names(document)
    else:
        names = {canonicalize_name(key) for found in _dependency_tables(document) for key in found}
        used = {name for name in names if is_managed(name)} or {FAMILY[0]}
        used |= {name for slot in slots for name in slot.needs}
    sources = _sources(document, slots)
    for name in sorted(used):
        _constraint(document, name, slots, sources, labels, modern=modern)
    _drop_unused(document)
    return spaced(tomlkit.dumps(document), text)


# ---------------------------------------------------------------- sources


def _tables(document: Any) -> Any:
    found = (table(document, "tool", "poetry") or {}).get("source")
    return found if isinstance(found, list) else None


def _sources(document: Any, slots: Sequence[Slot]) -> dict[str, str]:
    """Address -> name of each source in the file; those that the slots need are made, and made explicit."""
    for slot in slots:
        if slot.index is None:
            continue
        tables = _tables(document)
        there = next((t for t in tables or () if same_url(str(t.get("url")), slot.index)), None)
        if there is not None:
            if there.get("priority") != "explicit":
                there["priority"] = "explicit"
                for old in ("default", "secondary"):
                    there.pop(old, None)
            continue
        entry = tomlkit.table()
        name = f"pytorch-{slot.variant}".replace(".", "-")
        entry["name"], entry["url"], entry["priority"] = name, slot.index, "explicit"
        tool = made_table(document, "tool", "poetry", bare=True)
        if tables is None:
            tool["source"] = tomlkit.aot()
        tool["source"].append(entry)
    return {str(entry.get("url")).rstrip("/"): str(entry.get("name")) for entry in _tables(document) or ()}


def _drop_unused(document: Any) -> None:
    tables = _tables(document)
    used = {str(e.get("source")) for entries in _every_constraint(document) for e in entries}
    for position in reversed(range(len(tables or ()))):
        entry = tables[position]
        if label_of(str(entry.get("url"))) is not None and str(entry.get("name")) not in used:
            del tables[position]
    if tables is not None and not tables:
        del document["tool"]["poetry"]["source"]


def _dependency_tables(document: Any) -> list[Any]:
    """The main table of dependencies, and that of each group."""
    groups = (table(document, "tool", "poetry", "group") or {}).values()
    tables = [table(document, "tool", "poetry", "dependencies"), *(table(group, "dependencies") for group in groups)]
    return [found for found in tables if found is not None]


def _every_constraint(document: Any) -> list[list[dict[str, Any]]]:
    return [_entries(value) for found in _dependency_tables(document) for value in found.values()]


# ---------------------------------------------------------------- constraints


def _entries(value: Any) -> list[dict[str, Any]]:
    found = plain(value)
    listed = found if isinstance(found, list) else [found] if found is not None else []
    return [entry if isinstance(entry, dict) else {"version": str(entry)} for entry in listed]


def _constraint(
    document: Any, name: str, slots: Sequence[Slot], sources: dict[str, str], labels: Labels, *, modern: bool
) -> None:
    having = [t for t in _dependency_tables(document) if any(canonicalize_name(key) == name for key in t)]
    there = having[0] if having else {}
    key = next((key for key in there if canonicalize_name(key) == name), name)
    old = _entries(there.get(key))
    new = _wanted(name, old, slots, sources, labels, modern=modern)
    if _meaning(old) == _meaning(new):
        return
    if not new:
        if key in there:
            del there[key]
        return
    place = there if having else made_table(document, "tool", "poetry", "dependencies")
    place[key] = _written(new)


def _wanted(
    name: str, old: Sequence[dict[str, Any]], slots: Sequence[Slot], sources: dict[str, str], labels: Labels, *,
    modern: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """The constraints of a package: of each slot its own, of other platforms those that were there."""
    urls = {name_: url for url, name_ in sources.items()}
    lost = platforms_of(slots)
    kept = []
    for entry in old:
        here = where(entry.get("markers"))
        label = label_of(urls.get(str(entry.get("source")), ""))
        rest = {p for p in here - lost if label is None or any(labels.on_platform(label, q) for q in system_of(p))}
        marker = joined(entry.get("markers"), rest)
        if rest and (not modern or "source" in entry):
            kept.append(entry if rest == here else {**entry, **({"markers": marker} if marker else {})})
    grouped: dict[tuple[str | None, str | None], set[str]] = {}
    for slot in slots:
        tied = name in slot.tied or name in slot.needs
        if (name not in slot.pins and name not in slot.needs) or (modern and not tied):
            continue
        source = sources[slot.index.rstrip("/")] if tied and slot.index is not None else None
        version = None if modern else _version(name, slot, old)
        grouped.setdefault((version, source), set()).update(slot.platforms)
    fresh = []
    for (version, source), platforms in grouped.items():
        values = {"version": version, "source": source, "markers": marker_of(platforms)}
        fresh.append({key: value for key, value in values.items() if value is not None})
    return _merged([*fresh, *kept])


def _merged(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries that differ in their platforms only, as one."""
    groups: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}
    for entry in entries:
        rest = tuple(sorted((key, str(value)) for key, value in entry.items() if key != "markers"))
        groups.setdefault(rest, []).append(entry)
    merged = []
    for alike in groups.values():
        if len(alike) == 1:
            merged.append(alike[0])
            continue
        marker = marker_of(platform for entry in alike for platform in where(entry.get("markers")))
        plain_entry = {key: value for key, value in alike[0].items() if key != "markers"}
        merged.append({**plain_entry, **({"markers": marker} if marker else {})})
    return merged


def _version(name: str, slot: Slot, old: Sequence[dict[str, Any]]) -> str:
    """The constraint that ends at the slot's build: the old one where it does, else the version itself."""
    if name in slot.needs:
        return "*"
    pin = slot.pins[name]
    if name in slot.tied:
        return pin.removeprefix("==")
    public = next(iter(SpecifierSet(pin))).version
    for entry in old:
        text = str(entry.get("version", ""))
        specifier = specifier_of(text) if "+" not in text else None
        exact = specifier is not None and any(part.operator == "==" for part in specifier)
        open_ = slot.fits_open or exact or name != FAMILY[0]
        if specifier is not None and open_ and specifier.contains(public):
            return text
    return public


def _meaning(entries: Sequence[dict[str, Any]]) -> set[tuple[object, ...]]:
    return {(entry.get("version"), entry.get("source"), where(entry.get("markers"))) for entry in entries}


def _written(entries: Sequence[dict[str, Any]]) -> Any:
    if len(entries) == 1:
        only = entries[0]
        return value_of(written(only["version"]) if set(only) == {"version"} else inline(only))
    return block([inline(entry) for entry in entries])
