"""Hold a hand-written recipe against eager PyTorch before it is timed: the same losses, the same weights."""

from typing import Callable, List, Tuple

import lenet
import torch
from said import SaidError

STEPS = 24  # full batches, and one of half the size after them
LOSS_TOLERANCE = 1e-4  # float32 sums in another order differ by 1e-6 at first and drift apart slowly
WEIGHT_TOLERANCE = 1e-4

Trained = Tuple[torch.Tensor, List[torch.Tensor]]  # per-step losses, parameters


class MismatchError(SaidError):
    """The recipe computes something else; the values say what and by how much."""


def batch_of_noise(device: str) -> Tuple[torch.Tensor, torch.Tensor]:
    """uint8 images and labels for the check, drawn without touching torch's default generator."""
    generator = torch.Generator().manual_seed(11)
    count = STEPS * lenet.BATCH + lenet.BATCH // 2
    images = torch.randint(0, 256, (count, 28, 28), generator=generator, dtype=torch.int64).to(torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=generator)
    return images.to(device), labels.to(device)


def eager(device: str, images: torch.Tensor, labels: torch.Tensor) -> Trained:
    """The reference: plain steps in the order of the data."""
    with torch.random.fork_rng(devices=[]):
        net = lenet.fresh_net(3).to(device)
    update = lenet.optimiser(net)
    inputs = lenet.normalised(images)
    pairs = zip(inputs.split(lenet.BATCH), labels.split(lenet.BATCH))
    losses = [lenet.train_step(net, update, part, truth) for part, truth in pairs]
    return torch.stack(losses).cpu(), [p.detach().cpu() for p in net.parameters()]


def agrees(device: str, train: Callable[[lenet.Net, torch.Tensor, torch.Tensor], torch.Tensor]) -> float:
    """Largest loss difference of ``train(net, images, labels) -> losses`` to eager. Raises `MismatchError`."""
    images, labels = batch_of_noise(device)
    losses, weights = eager(device, images, labels)
    with torch.random.fork_rng(devices=[]):
        net = lenet.fresh_net(3).to(device)
    tried = train(net, images, labels).cpu()
    difference = float((tried - losses).abs().max())
    if not difference < LOSS_TOLERANCE:
        raise MismatchError("losses-differ", difference=difference)
    moved = max(float((p.detach().cpu() - w).abs().max()) for p, w in zip(net.parameters(), weights))
    if not moved < WEIGHT_TOLERANCE:
        raise MismatchError("weights-differ", difference=moved)
    return difference
