"""`fused`: the training step written by hand for the device: C++ on a CPU, Triton on CUDA."""

from typing import Any, Optional

import devices

from recipes import fused_cpu, fused_triton
from recipes.base import BaseRecipe, Task

WITHOUT = {
    "mps": "no hand-written kernel for Metal, and Triton does not compile for it",
    "xpu": "the Triton kernels are written and checked for CUDA, not for Intel GPUs",
}


class Recipe(BaseRecipe):
    """Chooses the implementation of the device."""

    def __new__(cls, task: Task) -> Any:
        del cls
        return (fused_cpu if devices.kind(task.device) == "cpu" else fused_triton).Recipe(task)

    @staticmethod
    def refusal(device: str) -> Optional[str]:
        kind = devices.kind(device)
        if kind == "cpu":
            return fused_cpu.refusal()
        return (
            fused_triton.refusal(device) if kind == "cuda" else WITHOUT.get(kind, "no hand-written kernel for " + kind)
        )
