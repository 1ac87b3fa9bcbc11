"""MNIST as the article's program reads it: one sample at a time, a PIL image, a tensor, normalised.

A module of its own because DataLoader workers on macOS and Windows import it by name.
"""

import importlib.util
from typing import Any, Callable, Dict, Tuple

import idx
import lenet
import torch


def installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def _importable(package: str) -> bool:
    """Whether a package really imports: a torchvision made for another torch is installed and does not."""
    try:
        importlib.import_module(package)
    except Exception:  # noqa: BLE001  # a broken companion raises anything (RuntimeError, OSError, AttributeError)
        return False
    return True


def _to_image(pixels: torch.Tensor) -> Any:
    from PIL import Image

    if installed("numpy"):
        return Image.fromarray(pixels.numpy())
    return Image.frombytes("L", (pixels.shape[1], pixels.shape[0]), bytes(pixels.flatten().tolist()))


def _image_to_tensor(image: Any) -> torch.Tensor:
    """What torchvision's ToTensor does for a grey image: copy the pixels, channels first, float32 in [0, 1]."""
    if installed("numpy"):
        import numpy as np

        raw = torch.from_numpy(np.array(image, np.uint8, copy=True))
    else:
        raw = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    pixels = raw.view(image.size[1], image.size[0], len(image.getbands()))
    return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def _normalise(sample: torch.Tensor) -> torch.Tensor:
    """What torchvision's Normalize does: a copy, mean and deviation as tensors, a look for zeros, two operations."""
    sample = sample.clone()
    mean = torch.as_tensor((lenet.MEAN,), dtype=sample.dtype, device=sample.device)
    deviation = torch.as_tensor((lenet.DEVIATION,), dtype=sample.dtype, device=sample.device)
    if (deviation == 0).any():
        raise ValueError("a deviation of zero")
    return sample.sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


class WithTorchvision:
    """The transforms of torchvision."""

    def __init__(self) -> None:
        from torchvision import transforms

        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((lenet.MEAN,), (lenet.DEVIATION,))]
        )

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.transform(_to_image(pixels))


def with_pillow(pixels: torch.Tensor) -> torch.Tensor:
    """The same steps without torchvision."""
    return _normalise(_image_to_tensor(_to_image(pixels)))


def without_pillow(pixels: torch.Tensor) -> torch.Tensor:
    """The same steps less the image object, where Pillow is missing too."""
    raw = pixels.clone().view(pixels.shape[0], pixels.shape[1], 1)
    return _normalise(raw.permute(2, 0, 1).contiguous().to(torch.float32).div(255))


def choose_transform() -> Tuple[Callable[[torch.Tensor], torch.Tensor], Dict[str, bool]]:
    """The article's per-sample transform as this environment can do it, and which packages do it."""
    if _importable("torchvision") and _importable("PIL"):
        return WithTorchvision(), {"torchvision": True, "pillow": True}
    if _importable("PIL"):
        return with_pillow, {"torchvision": False, "pillow": True}
    return without_pillow, {"torchvision": False, "pillow": False}


class Samples(torch.utils.data.Dataset):
    """A split, transformed sample by sample."""

    def __init__(self, split: idx.Split, transform: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.images, self.labels, self.transform = split.images, split.labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Tuple[torch.Tensor, int]:
        return self.transform(self.images[position]), int(self.labels[position])


class Batches(torch.utils.data.Dataset):
    """A split, transformed a whole batch at a time: ``position`` is a list of positions."""

    def __init__(self, split: idx.Split) -> None:
        self.images, self.labels = split.images, split.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: Any) -> Tuple[torch.Tensor, torch.Tensor]:
        return lenet.normalised(self.images[position]), self.labels[position]
