"""Files that a deep comparison found changed: noted inside the environment, so that quick comparisons hash them too.

A repair recreates the environment, and the note is gone with the damaged one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import UNREADABLE, to_json
from torchup.envs.paths import join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.host import Host

FILE_NAME = "torchup-damage.json"
LIMIT = 1 << 20  # bytes that are read


def read(host: Host, prefix: str) -> frozenset[str]:
    """The noted files of the environment at ``prefix``; none where nothing readable is noted."""
    raw = host.read_bytes(join(prefix, FILE_NAME), LIMIT)
    try:
        names = msgspec.json.decode(raw or b"[]", type=list[str])
    except UNREADABLE:
        return frozenset()
    return frozenset(join(prefix, *name.split("/")) for name in names)


def write(host: Host, prefix: str, files: Iterable[str]) -> None:
    """Note the files, or take the note away where there are none; an environment that is read-only gets no note."""
    names = [file[len(prefix) :].replace("\\", "/").strip("/") for file in files]
    place = join(prefix, FILE_NAME)
    with contextlib.suppress(OSError):
        if names:
            host.write_text(place, to_json(names))
        elif host.exists(place):
            host.remove(place)
