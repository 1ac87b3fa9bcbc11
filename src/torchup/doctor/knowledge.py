"""The tables that rules ask: which builds fit which GPU, driver, Python and companions. Pure once loaded.

Old builds, which nobody installs but people still report, live in ``data/history.toml``.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.model import ComputeCapability, Vendor

if TYPE_CHECKING:
    from torchup.catalog.gpus import GpuRow
    from torchup.model import Gpu

# Same major version, but integrated GPUs of Jetson boards: their code is their own (torch/cuda/__init__.py, 2.11).
_OWN_CODE = {(5, 3), (6, 2), (7, 2), (8, 7)}


class Knowledge:
    """Questions about builds, answered from tables; ``None`` where they say nothing."""

    def __init__(self, history: dict[str, Any]) -> None:
        self._history = history

    def companion(self, torch: str, name: str) -> str | None:
        """The minor version of torchvision or torchaudio that was built with this torch (``0.19``)."""
        pair: dict[str, str] = self._history["pairs"].get(minor(torch), {})
        return pair.get(name)

    def pypi_cuda(self, torch: str) -> str | None:
        """CUDA of the wheel that PyPI serves on Linux."""
        value: str | None = self._history["pypi_cuda"].get(minor(torch))
        return value

    def driver_floor(self, cuda: str, *, windows: bool) -> str | None:
        """The lowest driver that runs a CUDA runtime (minor-version compatibility counted)."""
        table = self._history["driver_floor"]
        row: list[str] | None = table.get(major(cuda)) or table.get(minor(cuda))
        return row[windows] if row else None

    def driver_serves(self, driver: str) -> str | None:
        """The newest CUDA API of a driver branch."""
        table: dict[str, str] = self._history["driver_serves"]
        branch = int(driver.split(".", maxsplit=1)[0])
        known = max((int(key) for key in table if int(key) <= branch), default=None)
        return table[str(known)] if known is not None else None

    def newest_of_cuda(self, cuda: str) -> ComputeCapability | None:
        """The newest architecture that a CUDA toolkit knows; ``None`` from CUDA 12 on."""
        text = self._history["cuda_newest"].get(minor(cuda))
        return ComputeCapability.parse(text) if text else None

    def arch_list(self, torch: str, cuda: str) -> tuple[ComputeCapability, ...]:
        """Architectures with native code in a build; empty: unknown."""
        for row in self._history["build"]:
            if minor(torch) in row["torch"] and minor(cuda) in row["cuda"]:
                return tuple(filter(None, map(ComputeCapability.parse, row["sass"])))
        return ()

    def left_out(self, gpu: ComputeCapability) -> str | None:
        """On which side of the builds a GPU falls when one has no code for it: ``new``, ``old``, or ``None``: either.

        A GPU that the first builds covered and today's do not was left out since; the reverse was added since.
        """
        builds = [tuple(filter(None, map(ComputeCapability.parse, row["sass"]))) for row in self._history["build"]]
        first, last = builds[0], builds[-1]  # the table's first and last row are the oldest and the newest build
        in_first, in_last = (any(covers(code, gpu) for code in build) for build in (first, last))
        if in_first != in_last:
            return "old" if in_first else "new"
        if in_first:
            return None
        return "old" if gpu < min(first) else "new" if gpu > max(first) else None

    def pythons(self, torch: str) -> tuple[str, str] | None:
        """Oldest and newest Python that a torch has wheels for."""
        row = self._history["python"].get(minor(torch))
        return (row[0], row[1]) if row else None

    def mps_macos(self, torch: str) -> str | None:
        """The macOS that MPS needs with this torch; ``None`` before there was MPS."""
        table: dict[str, str] = self._history["mps_macos"]
        known = [key for key in table if version(key) <= version(minor(torch))]
        return table[max(known, key=version)] if known else None

    def capability(self, gpu: Gpu) -> ComputeCapability | None:
        """Compute capability, as the driver says it or by the product's name."""
        if gpu.vendor is not Vendor.NVIDIA:
            return None
        return gpu.capability or (self._capability_of_name(gpu.name) if gpu.name else None)

    def _capability_of_name(self, name: str) -> ComputeCapability | None:
        row = self._row(name, Vendor.NVIDIA)
        return ComputeCapability.parse(row.compute_capability) if row and row.compute_capability else None

    def gfx(self, gpu: Gpu) -> str | None:
        """AMD's target of a GPU."""
        if gpu.gfx or not gpu.name:
            return gpu.gfx
        row = self._row(gpu.name, Vendor.AMD)
        return row.gfx if row else None

    def xpu(self, gpu: Gpu) -> bool | None:
        """Whether torch's XPU build runs on an Intel GPU."""
        row = self._row(gpu.name, Vendor.INTEL) if gpu.name else None
        return row.xpu if row else None

    def _row(self, name: str, vendor: Vendor) -> GpuRow | None:
        """The table's row for what people and tools write: ``GRID A100-40C``, ``1 x RTX 2080Ti, 11 GB``."""
        from torchup.catalog.gpus import load_gpu_table  # noqa: PLC0415  # read only when a GPU must be looked up

        plain = re.sub(r"(\d)(ti|super|xtx?)\b", r"\1 \2", name, flags=re.IGNORECASE)
        plain = re.sub(r"^\W*\d+ ?[x*×] ?|\bGRID\b|\bvGPU\b", " ", plain, flags=re.IGNORECASE)
        plain = re.sub(r"(\d)-\d{1,2}[QCAB]\b", r"\1", plain)  # the slice of a vGPU: T4-8Q
        plain = re.sub(r"\b([KMP]\d{2,3})[a-z]{1,2}\b", r"\1", plain)  # the cooling of a Tesla: K40m, K20Xm, M40c
        short = re.split(r"[,;/(\[]| with ", plain)[0]
        spaced = re.sub(r"\b(rtx|gtx|gt|rx)(\d)", r"\1 \2", short, flags=re.IGNORECASE)
        for words in dict.fromkeys((name, plain, short, spaced)):
            if (row := load_gpu_table().by_name(words, vendor)) is not None:
                return row
        return None

    def wheel(self, gpu: ComputeCapability | None, driver: str | None, *, windows: bool) -> tuple[str, str] | None:
        """Variant and newest torch of the index that runs on this GPU with this driver; ``None``: driver too old.

        An unknown driver is taken for a current one, an unknown GPU for one that every index covers.
        """
        for row in self._history["wheel"]:
            oldest, newest = ComputeCapability.parse(row["oldest"]), ComputeCapability.parse(row["newest"])
            fits = gpu is None or (oldest is not None and newest is not None and oldest <= gpu <= newest)
            floor = self.driver_floor(row["cuda"], windows=windows) or "0"
            if fits and (driver is None or version(driver) >= version(floor)):
                return row["variant"], row["torch"]
        return None

    def hsa_override(self, gfx: str) -> str | None:
        """The value of HSA_OVERRIDE_GFX_VERSION that a sibling's code runs with."""
        value: str | None = self._history["hsa_override"].get(gfx)
        return value


@cache
def load_knowledge() -> Knowledge:
    """The built-in tables."""
    text = (Path(__file__).parent / "data" / "history.toml").read_text("utf-8")
    return Knowledge(tomllib.loads(text))


def covers(code: ComputeCapability, gpu: ComputeCapability) -> bool:
    """Whether native code of one architecture runs on a GPU: same major, not newer, Jetson's own ones apart."""
    if (gpu.major, gpu.minor) in _OWN_CODE or (code.major, code.minor) in _OWN_CODE:
        return code == gpu
    return code.major == gpu.major and code.minor <= gpu.minor


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:4])


def minor(text: str) -> str:
    """``2.6.0+cu124`` -> ``2.6``."""
    return ".".join(re.findall(r"\d+", text)[:2])


def major(text: str) -> str:
    """``12.4`` -> ``12``."""
    return text.split(".", maxsplit=1)[0]


def is_release(text: str) -> bool:
    """Whether a version is a published release: no nightly, alpha or build from a checkout."""
    return re.fullmatch(r"\d+\.\d+(?:\.\d+)?(?:\.post\d+)?(?:\+(?:cu\d+|cpu|rocm[\d.]+|xpu))?", text) is not None
