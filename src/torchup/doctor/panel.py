"""The three CUDA versions that are often mixed up: what the driver serves, what torch brings, what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.compat.questions import load_compat
from torchup.model import Os, Value

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts


class Panel(Value, frozen=True, kw_only=True):
    """Versions as text; ``None``: unknown, or there is none."""

    driver: str | None = None
    driver_runs: str | None = None  # newest CUDA
    torch_built: str | None = None  # the bundled runtime
    toolkit: str | None = None  # nvcc; torch does not need it


def panel(facts: Facts) -> Panel:
    """The three versions of an environment."""
    nvidia = facts.nvidia
    driver = nvidia.driver or nvidia.module
    windows = facts.system.os is Os.WINDOWS or facts.system.wsl
    served = nvidia.cuda_api or (load_compat().driver_serves(driver, windows=windows) if driver else None)
    return Panel(driver=driver, driver_runs=served, torch_built=facts.torch.cuda, toolkit=nvidia.toolkit)
