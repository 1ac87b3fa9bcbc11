"""`cifar-resnet`: ResNet-18 on CIFAR-shaped images: the user's CIFAR-10 files, else made-up images, and says which."""

from typing import Any, Dict, List, Optional

import budget
import devices
import idx
import measure
import steps
import torch
import userdata
from said import said
from torch import nn
from torch.nn import functional

BATCH = 128
CPU_BATCH = 16  # a CPU needs minutes for a step of the full batch; the result says which it was
SECONDS = 30.0  # without a budget: enough for a GPU, and a CPU measures fewer steps


class Block(nn.Module):
    """Two 3 x 3 convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.around = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.norm1(self.conv1(images)))
        return functional.relu(self.norm2(self.conv2(hidden)) + self.around(images))


def resnet18(classes: int = 10) -> nn.Module:
    """ResNet-18 with the 3 x 3 stem that CIFAR's small images want; 11.2 million parameters."""
    layers: List[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Training steps on data that is on the device; images a second."""
    device, mixed = request["device"], measure.begin(request)
    asked = int(request.get("batch") or (CPU_BATCH if devices.kind(device) == "cpu" else BATCH))
    batch = asked
    data = userdata.colour(request.get("data"), batch * steps.STEPS)
    classes = max(10, 1 + int(data.labels.max()))
    if len(data.labels) < batch:
        raise idx.DataError("no-batch", count=len(data.labels), batch=batch)
    torch.manual_seed(int(request.get("seed") or 0))
    net = resnet18(classes).to(device=device, memory_format=torch.channels_last)
    update = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    images = data.images[: batch * steps.STEPS].to(device).float().div_(255).to(memory_format=torch.channels_last)
    labels = data.labels[: batch * steps.STEPS].to(device)

    def train(number: int, batch: int) -> torch.Tensor:
        start = (number * batch) % (len(labels) - batch + 1)
        update.zero_grad()
        with mixed.forward():
            loss = functional.cross_entropy(net(images[start : start + batch]), labels[start : start + batch])
        mixed.scaled(loss).backward()
        mixed.update(update)
        return loss.detach()

    batch = measure.fitting(asked, lambda batch: train(0, batch))
    notes = [said("cifar")] if request.get("data") is None else []
    notes += [said("batch-halved", batch=batch, asked=asked)] if batch < asked else []

    def step(number: int) -> torch.Tensor:
        return train(number, batch)

    devices.reset_peak_memory(device)
    taken = steps.timed(device, step, budget.of(request), SECONDS)
    seconds = taken.seconds
    memory, counted = devices.peak_memory(device)
    synthetic = request.get("data") is None
    return steps.answer(
        taken, {"images_per_second": batch / measure.middle(seconds), "final_loss": taken.losses[-1]},
        seconds=sum(seconds), samples=batch * len(seconds), peak_memory_bytes=memory,
        flops=flops / 2 * batch * len(seconds) if (flops := _flops(net, images[:2])) is not None else None,
        parameters={"batch": batch, "steps": len(seconds), "synthetic": synthetic, "classes": classes,
                    "image": list(images.shape[1:]), "peak_memory_counted": counted,
                    "threads": torch.get_num_threads()},
        notes=notes,
    )  # fmt: skip


def _flops(net: nn.Module, images: torch.Tensor) -> Optional[float]:
    """FLOP of forward and backward for these images, as torch counts them; ``None`` where this torch cannot count."""
    try:
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError:
        return None
    with FlopCounterMode(display=False) as counter:
        net(images).sum().backward()
    net.zero_grad()
    return float(counter.get_total_flops())
