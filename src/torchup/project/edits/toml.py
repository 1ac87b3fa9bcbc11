"""What every TOML editor shares: parsing with layout kept, new values in the usual form, blank lines between tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from torchup.documents import DocumentError, read_toml
from torchup.errors import UsageError
from torchup.model import message
from torchup.project.original import matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomlkit import TOMLDocument


def parse(path: str, text: str) -> TOMLDocument:
    """A document whose layout is kept.

    Raises:
        UsageError: it is not TOML, or the parser would not give it back as it is.
    """
    try:
        read_toml(text)
        document = tomlkit.parse(text)
    except (DocumentError, TOMLKitError, RecursionError) as error:
        why = error.text if isinstance(error, DocumentError) else message("document.form",
            "the file is not valid {form}",
                                                                          form="TOML")  # fmt: skip
        raise UsageError(
            message("project.broken", "{path} cannot be read: {detail}", path=path, detail=why),
            hint=message("project.broken.hint", "correct the file first; torchup did not change it"),
        ) from error
    if tomlkit.dumps(document) != text:
        raise UsageError(
            message("project.layout", "torchup cannot edit {path} without changing its layout", path=path),
            hint=message(
                "project.layout.hint",
                "run `torchup plan --export pyproject` (for uv) or `torchup plan --export pixi` to see what to "
                "write by hand",
            ),
        )
    return document


def table(document: Any, *names: str) -> Any:
    """A table by its path, or ``None``; never a value of another kind."""
    found = document
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def made_table(document: Any, *names: str, bare: bool = False) -> Any:
    """A table by its path; made, with its parents, where it is not there.

    ``bare``: it is to hold other tables only, and so gets no header of its own.
    """
    found = document
    for position, name in enumerate(names):
        if not isinstance(found.get(name), dict):
            found[name] = tomlkit.table(is_super_table=bare or position < len(names) - 1)
        found = found[name]
    return found


def inline(values: Mapping[str, object]) -> str:
    """``{ index = "a", marker = "b" }``."""
    return "{ " + ", ".join(f"{key} = {written(value)}" for key, value in values.items()) + " }"


def written(value: object) -> str:
    """One value as TOML: text, boolean, list or inline table."""
    if isinstance(value, dict):
        return inline(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def value_of(text: str) -> Any:
    """A value that keeps the form in which it is written here."""
    return tomlkit.parse(f"x = {text}\n")["x"]


def block(items: Sequence[str]) -> Any:
    """A list with one item a line."""
    return value_of("[\n" + "".join(f"  {item},\n" for item in items) + "]")


def plain(value: Any) -> Any:
    """A value without its layout, for comparisons."""
    return value.unwrap() if hasattr(value, "unwrap") else value


def spaced(text: str, before: str) -> str:
    """The edited text with a blank line before every new table and between a new table and the next one."""
    old, new = before.split("\n"), text.split("\n")
    added = set(range(len(new)))
    for _, start, size in matching(old, new):
        added -= set(range(start, start + size))
    out: list[str] = []
    for position, line in enumerate(new):
        near = position in added or position - 1 in added
        if near and line.startswith("[") and out and out[-1].strip():
            out.append("")
        out.append(line)
    joined = "\n".join(out)
    return joined if read_toml(joined) == read_toml(text) else text
