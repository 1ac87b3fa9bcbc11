"""ResNet for images of any size: K. He et al., Deep Residual Learning, 2015; the stem by the image's size."""

from typing import Dict, List, Tuple, Type, Union

import torch
from torch import nn
from torch.nn import functional

SMALL = 64  # pixels; smaller images lose too much in the large stem


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


def _around(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(_convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    """Two 3 x 3 convolutions and a way around them."""

    wider = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = _convolution(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = _convolution(width, width, 3), nn.BatchNorm2d(width)
        self.around = _around(inputs, width, stride)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.norm1(self.conv1(images)))
        return functional.relu(self.norm2(self.conv2(hidden)) + self.around(images))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1, and a way around them."""

    wider = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.wider
        self.conv1, self.norm1 = _convolution(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = _convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.norm3 = _convolution(width, outputs, 1), nn.BatchNorm2d(outputs)
        self.around = _around(inputs, outputs, stride)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.norm1(self.conv1(images)))
        hidden = functional.relu(self.norm2(self.conv2(hidden)))
        return functional.relu(self.norm3(self.conv3(hidden)) + self.around(images))


Kind = Union[Type[Basic], Type[Bottleneck]]
MODELS: Dict[str, Tuple[Kind, Tuple[int, ...]]] = {
    "resnet18": (Basic, (2, 2, 2, 2)),
    "resnet34": (Basic, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}


def make(name: str, classes: int, size: int) -> nn.Module:
    """A network of `MODELS` for square images of ``size`` pixels and so many classes."""
    kind, depths = MODELS[name]
    layers: List[nn.Module] = [_convolution(3, 64, 3 if size < SMALL else 7, 1 if size < SMALL else 2)]
    layers += [nn.BatchNorm2d(64), nn.ReLU()]
    layers += [] if size < SMALL else [nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, depth in enumerate(depths):
        for number in range(depth):
            width = 64 * 2**stage
            layers.append(kind(inputs, width, 2 if stage and not number else 1))
            inputs = width * kind.wider
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
