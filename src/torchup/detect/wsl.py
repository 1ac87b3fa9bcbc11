"""WSL with a GPU that is not NVIDIA's: it is on no PCI bus, but Windows, asked through its own PowerShell, names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.detect.parts import Part
from torchup.model import Vendor

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings

POWERSHELL = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"


def probe_wsl(around: Surroundings) -> Part:
    """Intel's GPUs on WSL 2, and AMD's where ROCm is not there to name them."""
    host = around.host
    if not host.exists("/dev/dxg") or host.exists("/usr/lib/wsl/lib/libnvidia-ml.so.1"):
        return Part()
    shell = around.find("powershell.exe", (POWERSHELL,))
    if shell is None:
        return Part()
    from torchup.detect.intel import LEVEL_ZERO, level_zero  # noqa: PLC0415  # only such machines pay these imports
    from torchup.detect.windows import display_adapters, inventory  # noqa: PLC0415  # same

    rocm = around.find("rocminfo", ("/opt/rocm/bin/rocminfo",)) is not None
    said = inventory(around, shell)
    gpus, _ = display_adapters(said, (Vendor.INTEL,) if rocm else (Vendor.INTEL, Vendor.AMD))
    has_intel = any(gpu.value.vendor == Vendor.INTEL for gpu in gpus)
    return Part(facts=level_zero(host, LEVEL_ZERO) if has_intel else {}, gpus=gpus, problems=said.problems)
