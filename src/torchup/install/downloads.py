"""What a tool's output says about downloads: names, sizes, what is done. Pure."""

from __future__ import annotations

import re

from torchup.model import Value

# uv: "Downloading numpy (16.1MiB)", " Downloaded numpy"; pip: "Downloading numpy-2.0-...whl (16.1 MB)", and again
# "Downloading" means that the one before is done.
_BEGUN = re.compile(r"^\s*Downloading (?P<name>\S+) \((?P<size>[\d.]+) ?(?P<unit>[kKMG]i?B|B)\)")
_DONE = re.compile(r"^\s*Downloaded (?P<name>\S+)")
_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}


class Downloads(Value, frozen=True, kw_only=True):
    """The downloads that a tool has reported: name -> bytes."""

    begun: dict[str, int] = {}
    done: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Bytes of all that were begun."""
        return sum(self.begun.values())

    @property
    def finished(self) -> int:
        """Bytes of those that are complete."""
        return sum(self.begun.get(name, 0) for name in self.done)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of those on their way."""
        return tuple(name for name in self.begun if name not in self.done)


def follow(before: Downloads, line: str) -> Downloads:
    """The state after one more line of output."""
    if match := _BEGUN.match(line):
        size = round(float(match["size"]) * _UNITS[match["unit"]])
        return Downloads(begun={**before.begun, match["name"]: size}, done=before.done)
    if match := _DONE.match(line):
        return Downloads(begun=before.begun, done=(*before.done, match["name"]))
    return before
