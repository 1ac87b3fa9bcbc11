"""The probes, and how they are run: side by side, none able to end the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from torchup.detect.amd import probe_amd
from torchup.detect.apple import probe_macos
from torchup.detect.hardware import probe_hardware
from torchup.detect.intel import probe_intel
from torchup.detect.linux import probe_linux
from torchup.detect.nvidia import probe_nvidia
from torchup.detect.parts import Part, assemble
from torchup.detect.python import probe_pythons
from torchup.detect.surroundings import Surroundings
from torchup.detect.tools import probe_tools
from torchup.detect.windows import probe_windows
from torchup.detect.wsl import probe_wsl
from torchup.model import Machine, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Host

# One line a topic. Order counts twice: the first part that knows a fact wins, and GPUs are numbered in this order.
PROBES: dict[str, Callable[[Surroundings], Part]] = {
    "linux": probe_linux,
    "macos": probe_macos,
    "nvidia": probe_nvidia,
    "amd": probe_amd,
    "intel": probe_intel,
    "wsl": probe_wsl,
    "windows": probe_windows,
    "hardware": probe_hardware,
    "pythons": probe_pythons,
    "tools": probe_tools,
}


def detect(host: Host) -> Machine:
    """Run every probe in a thread of its own (they wait, they do not compute) and put the parts together."""
    around = Surroundings(host)
    with ThreadPoolExecutor(max_workers=len(PROBES), thread_name_prefix="probe") as pool:
        running = [pool.submit(_guarded, name, probe, around) for name, probe in PROBES.items()]
        parts = [future.result() for future in running]
    base = Machine(os=around.os, arch=around.arch, sources={"os": "platform", "arch": "platform"})
    return assemble(base, parts)


def _guarded(name: str, probe: Callable[[Surroundings], Part], around: Surroundings) -> Part:
    try:
        return probe(around)
    except Exception as error:  # noqa: BLE001  # a probe that meets what nobody foresaw is a fact, not the end of the others
        return Part(problems=(Problem(probe=name, code="crashed", detail=f"{type(error).__name__}: {error}"[:300]),))
