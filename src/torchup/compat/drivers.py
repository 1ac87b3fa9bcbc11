"""What drivers and toolkits serve: floors of runtimes, the CUDA of a driver, branches and the GPUs they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import minor, variant_named, version_key
from torchup.compat import laws
from torchup.compat.target import served_by

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, DriverFloor
    from torchup.model import ComputeCapability


class Drivers:
    """Questions about NVIDIA's drivers and toolkits. ``windows`` counts for WSL too, whose driver is Windows'."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def floor(self, cuda: str) -> DriverFloor | None:
        """The floors of a CUDA runtime; one of another minor version where its major has one floor for all."""
        floors = self.catalog.floors
        exact = floors.get(variant_named(cuda))
        same = [f for f in floors.values() if f.whole_major and version_key(f.cuda)[:1] == version_key(cuda)[:1]]
        return exact or (same[-1] if same else None)

    def driver_floor(self, cuda: str, *, windows: bool) -> str | None:
        """The oldest driver that runs a CUDA runtime (minor-version compatibility counted)."""
        floor = self.floor(cuda)
        return floor.floor(windows=windows) if floor else None

    def driver_runs(self, driver: str, cuda: str, *, windows: bool) -> bool | None:
        """Whether a driver runs a CUDA runtime."""
        floor = self.floor(cuda)
        return laws.driver_serves(floor, driver, windows=windows) if floor else None

    def driver_serves(self, driver: str, *, windows: bool) -> str | None:
        """The newest CUDA that a driver serves."""
        return served_by(driver, windows, self.catalog)

    def last_branch(self, gpu: ComputeCapability) -> int | None:
        """The last driver branch that serves a GPU; ``None``: today's still do, or the GPU is unknown."""
        family = self.catalog.family(gpu)
        return family.last_branch if family else None

    def first_branch(self, gpu: ComputeCapability, *, windows: bool) -> int | None:
        """The first driver branch that knows a GPU."""
        family = self.catalog.family(gpu)
        first = (family.first_windows if windows else family.first_linux) if family else None
        return version_key(first)[0] if first else None

    def long_term_branch(self) -> int:
        """The newest driver branch with long-term support."""
        return self.catalog.long_term_branch()

    def newest_of_cuda(self, cuda: str) -> ComputeCapability | None:
        """The newest compute capability that a CUDA toolkit's compiler and libraries know."""
        members = ((code, family.toolkit_of(code)) for family in self.catalog.families for code in family.capabilities)
        return max((code for code, first in members if _release(first) <= _release(cuda)), default=None)

    def first_cuda(self, gpu: ComputeCapability) -> str | None:
        """The first CUDA version whose toolkit knows a GPU: ``12.8``."""
        family = self.catalog.family(gpu)
        return minor(family.toolkit_of(gpu)) if family else None

    def libraries_know(self, cuda: str, gpu: ComputeCapability) -> bool | None:
        """Whether the libraries of a toolkit know a GPU's architecture, by any member of its major version."""
        mine = self.catalog.family(gpu)
        if mine is None:
            return None
        kin = [
            family
            for family in self.catalog.families
            if family.name == mine.name and any(code.major == gpu.major for code in family.capabilities)
        ]
        return any(_release(family.first_toolkit) <= _release(cuda) for family in kin)


def _release(cuda: str) -> tuple[int, ...]:
    """``11.0.1RC`` -> (11, 0): a toolkit without its updates."""
    return (*version_key(cuda), 0, 0)[:2]
