"""The versions that are often mixed up, by the vendor of the GPU: what the system serves, and what torch brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.compat.questions import load_compat
from torchup.doctor.ask import vendor_of
from torchup.model import Os, Value, Vendor

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts


class Panel(Value, frozen=True, kw_only=True):
    """Versions as text; ``None``: unknown. ``cpu_build``: torch brings no GPU code at all."""

    vendor: Vendor | None = None
    driver: str | None = None
    driver_runs: str | None = None  # newest CUDA
    torch_built: str | None = None  # the bundled CUDA or ROCm
    toolkit: str | None = None  # nvcc; torch does not need it
    rocm: str | None = None  # on the system; PyTorch's wheels bring their own
    macos: str | None = None
    cpu_build: bool | None = None
    mps_built: bool | None = None
    xpu_built: bool | None = None


def panel(facts: Facts) -> Panel:
    """The versions of an environment."""
    nvidia, torch = facts.nvidia, facts.torch
    driver = nvidia.driver or nvidia.module
    on_windows = facts.system.os is Os.WINDOWS or facts.system.wsl
    served = nvidia.cuda_api or (load_compat().driver_serves(driver, windows=on_windows) if driver else None)
    return Panel(
        vendor=vendor_of(facts),
        driver=driver,
        driver_runs=served,
        torch_built=torch.cuda or torch.hip,
        toolkit=nvidia.toolkit,
        rocm=facts.rocm,
        macos=facts.system.os_version if facts.on_mac else None,
        cpu_build=None if torch.variant is None else torch.variant == "cpu",
        mps_built=torch.mps_built,
        xpu_built=True if torch.variant == "xpu" else torch.xpu_built,
    )
