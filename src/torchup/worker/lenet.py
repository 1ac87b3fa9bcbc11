"""The article's training, in parts that every recipe shares: network, initial weights, batch order, optimiser, test.

What is fixed: the network below with PyTorch's default initialisation, batches of 64 (the last one of an epoch has
32), cross entropy, SGD with learning rate 0.001 and momentum 0.9, float32, the order that a shuffling DataLoader
draws from the seed. A recipe may only change how this is executed.
"""

from typing import List, Optional, Sequence

import torch
from precision import Mixed
from torch import nn
from torch.nn import functional

BATCH = 64
LEARNING_RATE = 0.001
MOMENTUM = 0.9
MEAN = 0.5
DEVIATION = 0.5
SEED = 0
# Multiply-adds of one training step for one sample: forward 281,640; backward twice that less the gradient that the
# first convolution need not pass on (its input is the image). One multiply-add is two FLOPs.
TRAIN_MACS = 758_520
FORWARD_MACS = 281_640
PARAMETERS = 44_426


class Net(nn.Module):
    """Two convolutions with pooling, three linear layers; 44,426 parameters. Input [n, 1, 28, 28], output [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = functional.max_pool2d(functional.relu(self.conv1(images)), 2)
        hidden = functional.max_pool2d(functional.relu(self.conv2(hidden)), 2)
        hidden = functional.relu(self.fc1(torch.flatten(hidden, 1)))
        return self.fc3(functional.relu(self.fc2(hidden)))


def fresh_net(seed: int) -> Net:
    """The network with the seed's initial weights, on the CPU; leaves torch's generator where training starts."""
    torch.manual_seed(seed)
    return Net()


def optimiser(net: nn.Module, **options: object) -> torch.optim.Optimizer:
    """The article's optimiser; ``options`` choose its implementation (``foreach``...), never its mathematics."""
    return torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, **options)


def draw_order(samples: int) -> torch.Tensor:
    """The next epoch's order: what ``DataLoader(shuffle=True)`` draws from torch's default generator.

    The loader first draws a seed for its workers, then its RandomSampler draws a seed of its own and permutes with a
    fresh generator (torch/utils/data/dataloader.py and sampler.py). `order_is_the_loaders` checks that on the spot.
    """
    torch.empty((), dtype=torch.int64).random_()
    seed = int(torch.empty((), dtype=torch.int64).random_().item())
    return torch.randperm(samples, generator=torch.Generator().manual_seed(seed))


def order_is_the_loaders(samples: int = 1000) -> bool:
    """Whether `draw_order` agrees with this torch's own DataLoader; leaves the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        loader = torch.utils.data.DataLoader(torch.arange(samples), batch_size=BATCH, shuffle=True)
        drawn = [torch.cat(list(loader)) for _ in range(2)]
        torch.manual_seed(1)
        return all(torch.equal(draw_order(samples), other) for other in drawn)


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, h, w] to float32 [n, 1, h, w]: to [0, 1], then (x - mean) / deviation, as the transforms do it."""
    return images.unsqueeze(1).float().div_(255).sub_(MEAN).div_(DEVIATION)


@torch.no_grad()
def accuracy(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of test images named rightly; ``images`` normalised, on the network's device."""
    right = sum(
        int((net(part).argmax(1) == truth).sum()) for part, truth in zip(images.split(1000), labels.split(1000))
    )
    return right / len(images)


def train_step(
    net: nn.Module,
    update: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    mixed: Optional[Mixed] = None,
) -> torch.Tensor:
    """One step of the training, as the article writes it; returns the loss, still on the device.

    ``mixed`` is the precision; float32 as torch comes without it.
    """
    update.zero_grad()
    if mixed is None:
        loss = functional.cross_entropy(net(images), labels)
        loss.backward()
        update.step()
        return loss.detach()
    with mixed.forward():
        loss = functional.cross_entropy(net(images), labels)
    mixed.scaled(loss).backward()
    mixed.update(update)
    return loss.detach()


def lean_forward(parameters: Sequence[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """What `Net` computes, with fewer operations: no modules, and ReLU after the pooling.

    The largest of four numbers and the larger of a number and zero commute, and the gradient takes the same way, so
    the values are bit for bit those of `Net` and ReLU has a quarter of the work.
    """
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    hidden = functional.max_pool2d(functional.conv2d(images, w1, b1), 2).relu_()
    hidden = functional.max_pool2d(functional.conv2d(hidden, w2, b2), 2).relu_()
    hidden = functional.linear(hidden.flatten(1), w3, b3).relu_()
    return functional.linear(functional.linear(hidden, w4, b4).relu_(), w5, b5)


def lean_step(
    parameters: Sequence[torch.Tensor],
    update: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    mixed: Mixed,
) -> torch.Tensor:
    """`train_step` with less around it: the gradients are taken, not accumulated into ones that were cleared first."""
    with mixed.forward():
        loss = functional.cross_entropy(lean_forward(parameters, images), labels)
    gradients = torch.autograd.grad(mixed.scaled(loss), parameters)
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient
    mixed.update(update)
    return loss.detach()


def warm_up(device: str, *, memory_format: torch.memory_format = torch.contiguous_format) -> None:
    """Two steps of a throw-away network, full and last batch size: contexts, libraries and caches are then ready."""
    net = Net().to(device=device, memory_format=memory_format)
    update = optimiser(net)
    for size in (BATCH, BATCH // 2):
        images = torch.zeros(size, 1, 28, 28, device=device).to(memory_format=memory_format)
        train_step(net, update, images, torch.zeros(size, dtype=torch.long, device=device)).item()


def batches(order: torch.Tensor) -> List[torch.Tensor]:
    """An epoch's order cut into batches; the last one is shorter."""
    return list(order.split(BATCH))
