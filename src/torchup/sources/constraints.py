"""Constraint files that pip's and uv's configuration name: where they are and the requirement lines in them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from torchup.privacy import shown_address
from torchup.sources.find_links import absolute
from torchup.sources.urls import local_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.sources.configured import Configuration

_COMMENT = re.compile(r"(^|\s)#.*$")
_NESTED = re.compile(r"(?:-c|--constraint|-r|--requirement)(?:\s+|=)(\S+)")
_DEPTH = 5  # files that name files; pip has no limit, a circle has no end


def constraint_files(host: Host, configuration: Configuration) -> tuple[str, ...]:
    """The files, absolute, in the order they apply; addresses of the network as they may be shown."""
    settings = (*configuration.pip.constraints, *configuration.uv.constraints)
    found = (local_path(setting.value) or shown_address(setting.value) for setting in settings)
    return tuple(dict.fromkeys(absolute(host, address) for address in found))


def constraint_lines(host: Host, files: Sequence[str]) -> tuple[str, ...]:
    """Every requirement in the local files; pip and uv report the lines that are not requirements."""
    return tuple(dict.fromkeys(line for file in files for line in _lines(host, file, _DEPTH)))


def _lines(host: Host, file: str, depth: int) -> Iterator[str]:
    path = local_path(file)
    text = host.read_text(path, 1 << 20) if path is not None and depth else None
    for raw in (text or "").replace("\\\n", " ").splitlines():
        line = _COMMENT.sub("", raw).strip()
        nested = _NESTED.fullmatch(line)
        if nested:
            yield from _lines(host, posixpath.join(posixpath.dirname(path or ""), nested[1]), depth - 1)
        elif line and _is_requirement(line):
            yield line


def _is_requirement(line: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # 8 ms; most users constrain nothing

    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True
