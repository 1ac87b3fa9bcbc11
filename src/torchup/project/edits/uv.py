"""pyproject.toml for uv, and plain ones, which uv reads too: requirements, indexes, sources, extras that conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit
from packaging.utils import canonicalize_name

from torchup.errors import UsageError
from torchup.model import message
from torchup.project.edits import requirements_toml
from torchup.project.edits.toml import block, inline, made_table, parse, plain, spaced, table, value_of
from torchup.project.labels import label_of, same_url
from torchup.project.lines import is_managed
from torchup.project.platforms import joined, marker_of, system_of, where
from torchup.project.wanted import FAMILY, Slot, platforms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.project.labels import Labels


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:
    """The text of pyproject.toml with the planned builds.

    Raises:
        UsageError: it does not parse, or its torch comes from a place that no plan can replace.
    """
    document = parse(path, text)
    _refuse_other_sources(path, document)
    requirements_toml.edit(path, document, slots, extras_table=("project", "optional-dependencies"))
    _conflicts(document, slots)
    names = _index_names(document, slots)
    _sources(document, slots, names, labels)
    return spaced(tomlkit.dumps(document), text)


def _refuse_other_sources(path: str, document: Any) -> None:
    for name, entries in _families(document).items():
        for entry in entries:
            if "index" not in entry:
                raise UsageError(
                    message("project.source", "{path} takes {package} from a source that is not an index: {kinds}",
                            path=path, package=name, kinds=", ".join(sorted(set(entry) - {"marker", "extra"}))),
                    hint=message("project.source.hint", "remove the package's entry in [tool.uv.sources] first"),
                )  # fmt: skip


def _families(document: Any) -> dict[str, list[dict[str, Any]]]:
    """The source entries of the packages that torchup decides about."""
    sources = table(document, "tool", "uv", "sources") or {}
    found = {}
    for key, value in sources.items():
        if is_managed(canonicalize_name(key)):
            entries = plain(value)
            found[key] = [e for e in (entries if isinstance(entries, list) else [entries]) if isinstance(e, dict)]
    return found


# ---------------------------------------------------------------- indexes


def _indexes(document: Any) -> Any:
    found = (table(document, "tool", "uv") or {}).get("index")
    return found if isinstance(found, list) else None


def _index_names(document: Any, slots: Sequence[Slot]) -> dict[str, str]:
    """Address -> name of an index in the file, for every index that the slots need; made or turned round as needed."""
    wanted = {slot.index: slot.variant for slot in slots if slot.index is not None}
    tables = _indexes(document)
    names: dict[str, str] = {}
    for entry in tables or ():
        for url in wanted:
            if same_url(str(entry.get("url")), url) and entry.get("name"):
                names[url] = str(entry["name"])
                if entry.get("explicit") is not True:
                    entry["explicit"] = True
    for url, variant in wanted.items():
        if url not in names:
            names[url] = _add_index(document, url, variant)
    return names


def _add_index(document: Any, url: str, variant: str) -> str:
    taken = {str(entry.get("name")) for entry in _indexes(document) or ()}
    name = f"pytorch-{variant}".replace(".", "-")
    while name in taken:
        name += "-torch"
    entry = tomlkit.table()
    entry["name"], entry["url"], entry["explicit"] = name, url, True
    tool = made_table(document, "tool", "uv", bare=True)
    if _indexes(document) is None:
        tool["index"] = tomlkit.aot()
    tool["index"].append(entry)
    return name


# ---------------------------------------------------------------- sources


def _sources(document: Any, slots: Sequence[Slot], names: dict[str, str], labels: Labels) -> None:
    used = requirements_toml.managed_names(document)
    was = _families(document)
    urls = {str(entry.get("name")): str(entry.get("url")) for entry in _indexes(document) or ()}
    exact = requirements_toml.exact_version(document)
    for name in sorted({*used, *map(canonicalize_name, was)}):
        key = next((key for key in was if canonicalize_name(key) == name), name)
        old = [*was.get(key, ()), *_as_torch(name, was.get(key, ()), was.get(FAMILY[0], ()))]
        new = _entries(name, old, slots, names, urls, labels, exact)
        if _meaning(was.get(key, ())) == _meaning(new):
            continue
        if new:
            made_table(document, "tool", "uv", "sources")[key] = _written(new)
        else:
            del document["tool"]["uv"]["sources"][key]
    _drop_unused(document)


def _as_torch(name: str, own: Sequence[dict[str, Any]], torch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A companion without an entry of its own belongs where the file has torch from."""
    if name not in FAMILY[1:] or own:
        return []
    return list(torch)


def _entries(  # noqa: PLR0917  # what one entry rests on
    name: str,
    old: Sequence[dict[str, Any]],
    slots: Sequence[Slot],
    names: dict[str, str],
    urls: dict[str, str],
    labels: Labels,
    exact: str | None,
) -> list[dict[str, Any]]:
    """What a package's entries are to be: those of platforms that are not planned for stay, where they can work."""
    lost = platforms_of(slots)
    kept = []
    for entry in old:
        here = where(entry.get("marker"))
        label = label_of(urls.get(str(entry.get("index")), ""))
        rest = {p for p in here - lost if label is None or _can_serve(label, p, exact, labels)}
        if rest == here:
            kept.append(entry)
        elif rest:
            marker = joined(entry.get("marker"), rest)
            kept.append({**entry, **({"marker": marker} if marker else {})})
    grouped: dict[tuple[str, str | None], set[str]] = {}
    for slot in slots:
        if slot.index is not None and (name in slot.tied or name in slot.needs):
            grouped.setdefault((names[slot.index], slot.extra), set()).update(slot.platforms)
    fresh = []
    for (index, extra), platforms in grouped.items():
        marker = marker_of(platforms)
        fresh.append({"index": index, **({"extra": extra} if extra else {}), **({"marker": marker} if marker else {})})
    return [*fresh, *kept]


def _can_serve(label: str, platform: str, exact: str | None, labels: Labels) -> bool:
    """Whether an entry that was there can still be followed: its build exists, in the version that the file pins."""
    if exact is None:
        return any(labels.on_platform(label, one) for one in system_of(platform))
    return any(labels.is_published(exact, label, one) is not False for one in system_of(platform))


def _meaning(entries: Sequence[dict[str, Any]]) -> set[tuple[object, ...]]:
    return {
        (entry.get("index"), entry.get("extra"), entry.get("group"), where(entry.get("marker"))) for entry in entries
    }


def _written(entries: Sequence[dict[str, Any]]) -> Any:
    if len(entries) == 1:
        return value_of(inline(entries[0]))
    return block([inline(entry) for entry in entries])


def _drop_unused(document: Any) -> None:
    """Remove indexes of one build that no package is tied to; those that stay serve nothing but what is tied."""
    tables = _indexes(document)
    if tables is None:
        return
    sources = plain(table(document, "tool", "uv", "sources") or {})
    used = {
        str(e.get("index")) for value in sources.values()
        for e in (value if isinstance(value, list) else [value]) if isinstance(e, dict)
    }  # fmt: skip
    for position in reversed(range(len(tables))):
        entry = tables[position]
        if label_of(str(entry.get("url"))) is None:
            continue
        if str(entry.get("name")) not in used:
            del tables[position]
        elif entry.get("explicit") is not True:
            entry["explicit"] = True
    if not tables:
        del document["tool"]["uv"]["index"]


# ---------------------------------------------------------------- extras


def _conflicts(document: Any, slots: Sequence[Slot]) -> None:
    """Extras that exclude each other, as uv wants them declared; a group that names them all already stays."""
    extras = sorted({slot.extra for slot in slots if slot.extra})
    if len(extras) < 2:  # noqa: PLR2004  # one extra excludes nothing
        return
    tool = made_table(document, "tool", "uv")
    groups = plain(tool.get("conflicts")) or []
    named = [{str(one.get("extra")) for one in group if isinstance(one, dict)} for group in groups]
    if any(set(extras) <= group for group in named):
        return
    kept = [group for group, names in zip(groups, named, strict=True) if not names & set(extras)]
    fresh = [{"extra": name} for name in extras]
    tool["conflicts"] = block([_group(group) for group in [*kept, fresh]])


def _group(group: Sequence[dict[str, Any]]) -> str:
    return "[\n" + "".join(f"    {inline(one)},\n" for one in group) + "  ]"
