"""`resident`: the data set lives on the device, normalised once; a batch is a gather there.

No loader, the loss stays on the device until the epoch ends, so nothing waits for the host, and a step is the fewest
operations that eager PyTorch can do it in: with autograd `lenet.lean_step`; on a CPU, whose calls are short enough for
autograd's own work to count, `by_hand.Step`.
"""

from typing import Any, Dict, List, Optional

import by_hand
import devices
import lenet
import sweep
import torch
from said import reason, said

from recipes.base import BaseRecipe
from recipes.check import agrees

SWEEP_STEPS = 10
STACKED = 64  # losses that are put together at once


def layout(device: str) -> torch.memory_format:
    """The memory layout of images: channels last on the CPU, where oneDNN then spares its reorders."""
    return torch.channels_last if devices.kind(device) == "cpu" else torch.contiguous_format


class Recipe(BaseRecipe):
    """Eager PyTorch on data that is already there.

    Attributes:
        needs_optimiser: a recipe built on this one that steps or changes `update` itself.
    """

    needs_optimiser = False

    def prepare(self) -> None:
        device = self.task.device
        lenet.warm_up(device, memory_format=layout(device))
        if devices.kind(device) == "cpu":
            self._sweep()
        self.facts["gradients"] = "by hand" if self._by_hand_is_right() else "autograd"

    def _by_hand_is_right(self) -> bool:
        """Whether the written-out step can be used: float32 on a CPU, by a torch that has its operations and agrees."""
        on_cpu, full = devices.kind(self.task.device) == "cpu", self.task.precision.startswith("fp32")
        if self.needs_optimiser or not (on_cpu and full):
            return False
        try:
            self.facts["check_difference"] = agrees(self.task.device, self.task.precision, _train_by_hand)
        except Exception as error:  # noqa: BLE001  # an older or newer torch, whatever it lacks: autograd remains
            self.notes.append(said("left-out", name="gradients by hand", why=reason(error)))
            return False
        return True

    def _sweep(self) -> None:
        """Torch's threads for steps as small as these: more are not always faster."""
        net = lenet.Net().to(memory_format=torch.channels_last)
        parameters = list(net.parameters())
        update = lenet.optimiser(net, **fast_options("cpu"))
        images = torch.zeros(lenet.BATCH, 1, 28, 28).to(memory_format=torch.channels_last)
        labels = torch.zeros(lenet.BATCH, dtype=torch.long)

        def steps() -> None:
            for _ in range(SWEEP_STEPS):
                lenet.lean_step(parameters, update, images, labels, self.mixed)

        sweep.torch_threads(steps, self.task.threads, self.facts)

    def rehearse(self) -> None:
        self._rehearse_small()

    def start(self) -> None:
        super().start()
        self.net = self.net.to(device=self.task.device, memory_format=layout(self.task.device))
        self.parameters = list(self.net.parameters())
        self.update = lenet.optimiser(self.net, **fast_options(self.task.device))
        by_hands = self.facts.get("gradients") == "by hand"
        self._by_hand: Optional[Any] = by_hand.Step(self.parameters) if by_hands else None

    def load(self) -> None:
        device = self.task.device
        self.images = lenet.normalised(self.task.train.images.to(device)).to(memory_format=layout(device))
        self.labels = self.task.train.labels.to(device)

    def epoch(self) -> torch.Tensor:
        order = lenet.draw_order(len(self.labels)).to(self.task.device)
        losses: List[torch.Tensor] = []
        for positions in lenet.batches(order):
            losses.append(self.step(positions))
            if self.time_is_up(len(losses)):
                break
        return stacked(losses)

    def step(self, positions: torch.Tensor) -> torch.Tensor:
        """Train on the samples at ``positions`` (on the device); the loss, which stays there."""
        images, labels = self.images.index_select(0, positions), self.labels.index_select(0, positions)
        if self._by_hand is not None:
            return self._by_hand(images, labels)
        return lenet.lean_step(self.parameters, self.update, images, labels, self.mixed)


def stacked(losses: List[torch.Tensor]) -> torch.Tensor:
    """One tensor of an epoch's losses, put together in parts: some devices compile a graph of all that is stacked."""
    return torch.cat([torch.stack(losses[at : at + STACKED]) for at in range(0, len(losses), STACKED)])


def _train_by_hand(net: lenet.Net, images: torch.Tensor, labels: torch.Tensor, passes: int, label: str) -> torch.Tensor:
    """The losses of a check's training (see `recipes.check`)."""
    del label
    step = by_hand.Step(list(net.to(memory_format=torch.channels_last).parameters()))
    inputs = lenet.normalised(images).to(memory_format=torch.channels_last)
    pairs = list(zip(inputs.split(lenet.BATCH), labels.split(lenet.BATCH)))
    return torch.stack([step(part, truth) for part, truth in pairs * passes])


def fast_options(device: str) -> Dict[str, bool]:
    """The optimiser's implementation: one kernel for all parameters where this torch has it."""
    kind = devices.kind(device)
    if kind in ("cpu", "mps"):
        return {"fused": True} if _has_fused_sgd(device) else {}
    return {"foreach": True} if kind in ("cuda", "xpu") else {}


def _has_fused_sgd(device: str) -> bool:
    """SGD(fused=True) came to the CPU with torch 2.4 and to Apple's GPUs with 2.5."""
    parameter = torch.nn.Parameter(torch.zeros(1, device=device))
    parameter.grad = torch.zeros(1, device=device)
    try:
        torch.optim.SGD([parameter], lr=0.1, momentum=0.9, fused=True).step()
    except (TypeError, RuntimeError, ValueError):
        return False
    return True
