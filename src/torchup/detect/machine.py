"""The probes, and how they are run: side by side, none able to end the others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from torchup.detect.parts import Part, assemble
from torchup.detect.surroundings import Surroundings
from torchup.host.threads import Pool
from torchup.model import Machine, Os, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Host

_EVERYWHERE = frozenset(Os)
_LINUX, _MACOS, _WINDOWS = frozenset({Os.LINUX}), frozenset({Os.MACOS}), frozenset({Os.WINDOWS})
# One line a topic: where it is asked, and its function, imported only there (start-up counts). Order counts twice: the
# first part that knows a fact wins, and GPUs are numbered in this order.
PROBES: dict[str, tuple[frozenset[Os], str]] = {
    "linux": (_LINUX, "torchup.detect.linux:probe_linux"),
    "macos": (_MACOS, "torchup.detect.apple:probe_macos"),
    "nvidia": (_LINUX | _WINDOWS, "torchup.detect.nvidia:probe_nvidia"),
    "amd": (_LINUX, "torchup.detect.amd:probe_amd"),
    "intel": (_LINUX, "torchup.detect.intel:probe_intel"),
    "wsl": (_LINUX, "torchup.detect.wsl:probe_wsl"),
    "windows": (_WINDOWS, "torchup.detect.windows:probe_windows"),
    "hardware": (_EVERYWHERE, "torchup.detect.hardware:probe_hardware"),
    "pythons": (_EVERYWHERE, "torchup.detect.python:probe_pythons"),
    "tools": (_EVERYWHERE, "torchup.detect.tools:probe_tools"),
}


def detect(host: Host) -> Machine:
    """Run every probe in a thread of its own (they wait, they do not compute) and put the parts together."""
    around = Surroundings(host)
    probes = {name: load(place) for name, (systems, place) in PROBES.items() if around.os in systems}
    with Pool(max_workers=len(probes), thread_name_prefix="probe") as pool:
        running = [pool.submit(_guarded, name, probe, around) for name, probe in probes.items()]
        parts = [future.result() for future in running]
    base = Machine(os=around.os, arch=around.arch, sources={"os": "platform", "arch": "platform"})
    return assemble(base, parts)


def load(place: str) -> Callable[[Surroundings], Part]:
    """The function at ``module:function``."""
    module, _, function = place.partition(":")
    probe: Callable[[Surroundings], Part] = getattr(importlib.import_module(module), function)
    return probe


def _guarded(name: str, probe: Callable[[Surroundings], Part], around: Surroundings) -> Part:
    try:
        return probe(around)
    except Exception as error:  # noqa: BLE001  # a probe that fails unexpectedly is a fact and does not end the others
        return Part(problems=(Problem(probe=name, code="crashed", detail=f"{type(error).__name__}: {error}"[:300]),))
