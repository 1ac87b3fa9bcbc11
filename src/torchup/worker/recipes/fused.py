"""`fused`: the training step written by hand for the device: C++ on a CPU, Triton on CUDA."""

from typing import Any, Optional

import devices
from said import Said, said

from recipes import fused_cpu, fused_triton
from recipes.base import BaseRecipe, Task

WITHOUT = {
    "mps": said("no-metal"),
    "xpu": said("no-xpu-kernel"),
}


class Recipe(BaseRecipe):
    """Chooses the implementation of the device."""

    def __new__(cls, task: Task) -> Any:
        del cls
        return (fused_cpu if devices.kind(task.device) == "cpu" else fused_triton).Recipe(task)

    @staticmethod
    def refusal(device: str) -> Optional[Said]:
        kind = devices.kind(device)
        if kind == "cpu":
            return fused_cpu.refusal()
        return fused_triton.refusal(device) if kind == "cuda" else WITHOUT.get(kind, said("no-kernel", kind=kind))
