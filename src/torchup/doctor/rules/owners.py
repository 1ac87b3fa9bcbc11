"""Whose compiled code a message is about: the packages around torch, by modules, libraries and paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.extensions import extension_table, named_in
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.catalog.packages import Package
    from torchup.doctor.facts import Facts

_LINE = 4000  # characters of one message that are looked at
_PLACE = lazy_pattern(r"(?:site|dist)-packages[/\\](?P<module>\w+?)(?:\.(?:cpython|abi3|cp3|so|pyd)|[/\\])")


def package_named(module: str) -> Package | None:
    """The package of a module or of a compiled library: ``flash_attn_2_cuda``, ``selective_scan_cuda``."""
    from torchup.catalog.packages import load_packages  # noqa: PLC0415  # only a finding pays for the tables

    tables, own = load_packages(), extension_table().libraries
    for name in (module, own.get(module, module), re.sub(r"(?:_2)?_(?:cuda|torch)$", "", module)):
        found = tables.by_module.get(name) or tables.get(name)
        if found is not None:
            return found
    return None


def package_of(facts: Facts, line: str) -> Package | None:
    """Whose compiled code a message is about: by its path, else by a name in it, else by the traceback."""
    place = _PLACE.search(line)
    if place is not None:
        return package_named(place["module"])  # a package that no table has is not another one
    names = (*named_in(line), *_in_words(line), *reversed(facts.modules))
    found = (package_named(name) for name in names)
    return next((package for package in found if package is not None and package.kind != "pure"), None)


def _in_words(line: str) -> list[str]:
    """The modules that stand in a line as the name of a file or folder: ``libonnxruntime_providers_cuda.so``."""
    from torchup.catalog.packages import load_packages  # noqa: PLC0415  # only a finding pays for the tables

    parts = {part.removeprefix("lib") for part in re.split(r"[^\w]+", line[:_LINE])}
    return [name for name in load_packages().by_module if any(p == name or p.startswith(f"{name}_") for p in parts)]
