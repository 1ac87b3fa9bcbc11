"""What this machine has: `detect_machine(host) -> Machine`, one file a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Machine


def detect_machine(host: Host) -> Machine:
    """Ask the machine everything that matters to PyTorch; never raises for what a probe meets.

    Every value's source is in ``Machine.sources``; a probe that failed is in ``Machine.problems``.
    """
    from torchup.detect.machine import detect  # noqa: PLC0415  # the NVML child imports this package and needs none of it

    return detect(host)
