"""CIFAR-10's binary files, read with the standard library: a label byte and 3 x 32 x 32 bytes a record.

Source of the format: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
"""

from pathlib import Path
from typing import Optional

import idx
import torch

RECORD = 1 + 3 * 32 * 32
FILES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
SYNTHETIC = 10_000


def is_cifar(place: Path) -> bool:
    """Whether a folder holds CIFAR-10's binary files."""
    return (place / "cifar-10-batches-bin").is_dir() or (place / "data_batch_1.bin").is_file()


def load(folder: Optional[str]) -> idx.Split:
    """The training images (uint8 [n, 3, 32, 32]) of a folder, or made-up ones of the same shape without a folder."""
    if folder is None:
        generator = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (SYNTHETIC, 3, 32, 32), generator=generator).to(torch.uint8)
        return idx.Split(images, torch.randint(0, 10, (SYNTHETIC,), generator=generator))
    place = Path(folder)
    if (place / "cifar-10-batches-bin").is_dir():
        place = place / "cifar-10-batches-bin"
    parts = [_read(place / (name + ".bin")) for name in FILES if (place / (name + ".bin")).is_file()]
    if not parts:
        raise idx.DataError("no-cifar")
    return idx.Split(torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts]))


def _read(path: Path) -> idx.Split:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise idx.DataError("data-unreadable", file=path.name, why=error) from error
    if not content or len(content) % RECORD or len(content) > 1024**3:
        raise idx.DataError("not-cifar", file=path.name)
    records = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(-1, RECORD)
    labels = records[:, 0].long()
    if int(labels.max()) > 9:
        raise idx.DataError("cifar-label", file=path.name)
    return idx.Split(records[:, 1:].reshape(-1, 3, 32, 32).contiguous(), labels)
