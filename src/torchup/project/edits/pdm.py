"""pyproject.toml for pdm: the label in the version, and a source that serves the tied packages and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit

from torchup.project.edits import requirements_toml
from torchup.project.edits.requirements import refuse_extras
from torchup.project.edits.toml import made_table, parse, plain, spaced, table, value_of, written
from torchup.project.labels import label_of, same_url
from torchup.project.lines import is_managed
from torchup.project.platforms import ALL
from torchup.project.wanted import Slot, platforms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.project.labels import Labels

_MAIN = "pypi"  # pdm's own name of the main source; its address comes from pdm's settings


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:  # noqa: ARG001  # every editor has it
    """The text of pyproject.toml with the planned builds.

    Raises:
        UsageError: it does not parse, or one platform needs several builds.
    """
    document = parse(path, text)
    refuse_extras(path, slots)
    requirements_toml.edit(path, document, slots, extras_table=("project", "optional-dependencies"), local=True)
    used = requirements_toml.managed_names(document)
    packages: dict[str, list[str]] = {}
    for slot in slots:
        if slot.index is not None:
            tied = [name for name in used if name in slot.tied or name in slot.needs]
            packages[slot.index] = sorted({*packages.get(slot.index, ()), *tied})
    _write_sources(document, {url: names for url, names in packages.items() if names})
    tied_on = {
        n: platforms_of(s for s in slots if n in (*s.tied, *s.needs)) for names in packages.values() for n in names
    }
    loose = sorted(name for name, platforms in tied_on.items() if platforms < ALL)
    _share_with_main(document, loose)
    return spaced(tomlkit.dumps(document), text)


def _tables(document: Any) -> Any:
    found = (table(document, "tool", "pdm") or {}).get("source")
    return found if isinstance(found, list) else None


def _write_sources(document: Any, wanted: dict[str, list[str]]) -> None:
    """Turn an old torch source into each needed one, add what is missing, remove what is left over."""
    if _tables(document) is None:
        made_table(document, "tool", "pdm", bare=True)["source"] = tomlkit.aot()
    tables = _tables(document)
    missing = {url: names for url, names in wanted.items() if not any(same_url(str(t.get("url")), url) for t in tables)}
    for position in reversed(range(len(tables))):
        entry = tables[position]
        url = next((url for url in wanted if same_url(str(entry.get("url")), url)), None)
        if url is not None:
            _set(entry, wanted[url])
        elif label_of(str(entry.get("url"))) is not None:
            del tables[position]
    for url, names in missing.items():
        entry = tomlkit.table()
        entry["name"], entry["url"] = f"pytorch-{label_of(url) or 'torch'}".replace(".", "-"), url
        tables.append(entry)
        _set(entry, names)
    if not tables:
        del document["tool"]["pdm"]["source"]


def _set(entry: Any, names: Sequence[str]) -> None:
    for key, value in (("include_packages", list(names)), ("exclude_packages", ["*"])):
        if plain(entry.get(key)) != value:
            entry[key] = value_of(written(value))


def _share_with_main(document: Any, names: Sequence[str]) -> None:
    """Packages that come from the main source on other platforms are looked up there too."""
    tables = _tables(document) or []
    main = next((entry for entry in tables if entry.get("name") == _MAIN), None)
    if main is not None:
        kept = [name for name in plain(main.get("include_packages")) or [] if not is_managed(name)]
        if plain(main.get("include_packages")) not in (None, [*kept, *names]):
            main["include_packages"] = value_of(written([*kept, *names]))
        elif main.get("include_packages") is None and names:
            main["include_packages"] = value_of(written(list(names)))
    elif names:
        entry = tomlkit.table()
        entry["name"], entry["include_packages"] = _MAIN, value_of(written(list(names)))
        if _tables(document) is None:
            made_table(document, "tool", "pdm", bare=True)["source"] = tomlkit.aot()
        _tables(document).append(entry)
