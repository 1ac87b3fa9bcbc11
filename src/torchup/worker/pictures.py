"""Images of any size and number: listed, decoded and resized one by one, so that a data set need not fit in memory.

A module of its own because DataLoader workers on macOS and Windows import it by name.
"""

import io
from pathlib import Path
from typing import Any, List, NamedTuple, Tuple

import budget
import idx
import imagefolder
import torch

MADE_UP = 2000  # JPEGs where the user has none
PATTERNS = 32  # different ones among them
CLASSES = 10
QUALITY = 90
DECODED = 64  # pictures at a time, when all are decoded once


class Pictures(NamedTuple):
    """Files of both parts and the names' number."""

    train: List[imagefolder.Labelled]
    test: List[imagefolder.Labelled]
    classes: int


def listed(folder: str) -> Pictures:
    """The user's images: one folder a class; see `imagefolder`. Raises `idx.DataError`."""
    place = Path(folder)
    if not place.is_dir():
        raise idx.DataError("no-folder", name=place.name)
    train, test = imagefolder.listed(place)
    return Pictures(train, test, 1 + max(one.label for one in train))


def make_up(folder: str, count: int, size: int) -> Pictures:
    """``count`` JPEGs of ``size`` pixels in a folder: noise on a colour that tells the class."""
    from PIL import Image

    generator = torch.Generator().manual_seed(0)
    patterns = []
    for number in range(PATTERNS):
        noise = torch.randint(0, 60, (size, size, 3), generator=generator, dtype=torch.int64)
        tint = torch.tensor([(number % CLASSES) * 19, 190 - (number % CLASSES) * 19, 90])
        file = io.BytesIO()
        raw = bytes((noise + tint).to(torch.uint8).flatten().tolist())
        Image.frombytes("RGB", (size, size), raw).save(file, "JPEG", quality=QUALITY)
        patterns.append(file.getvalue())
    for number in range(count):
        pattern = number % PATTERNS
        place = Path(folder, "class%d" % (pattern % CLASSES))
        place.mkdir(exist_ok=True)
        (place / ("%06d.jpg" % number)).write_bytes(patterns[pattern])
    return listed(folder)


def decode(path: Path, size: int) -> torch.Tensor:
    """uint8 [3, size, size]: decoded, in colour, the whole picture resized. Raises `idx.DataError`."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.draft("RGB", (size, size))  # a JPEG is decoded no finer than it is needed
            small = image.convert("RGB").resize((size, size), Image.BILINEAR)
            flat = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    except Exception as error:  # decoders raise many kinds, and a bomb is one of them
        name = "%s/%s" % (path.parent.name, path.name)
        raise idx.DataError("no-image", name=name, why=type(error).__name__) from error
    return flat.view(size, size, 3).permute(2, 0, 1).contiguous()


class Files(torch.utils.data.Dataset):
    """Pictures decoded when they are asked for."""

    def __init__(self, files: List[imagefolder.Labelled], size: int) -> None:
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, position: int) -> Tuple[torch.Tensor, int]:
        file = self.files[position]
        return decode(file.path, self.size), file.label


class Store:
    """All pictures of a part decoded once, in a memory-mapped file: as many as the disk holds, not the memory."""

    def __init__(self, files: List[imagefolder.Labelled], size: int, path: str) -> None:
        self._files, self._size = files, size
        self.labels = torch.tensor([file.label for file in files])
        flat: Any = torch.from_file(path, shared=True, size=len(files) * 3 * size * size, dtype=torch.uint8)
        self.images = flat.view(len(files), 3, size, size)

    def fill(self, workers: int, time_left: budget.Budget) -> List[int]:
        """Decode the pictures, in any order so that what a budget leaves has every class; their positions."""
        spread = torch.randperm(len(self._files), generator=torch.Generator().manual_seed(0)).tolist()
        parts = [spread[at : at + DECODED] for at in range(0, len(spread), DECODED)]
        done: List[int] = []
        for part, (images, _) in zip(parts, batches(Files(self._files, self._size), workers, parts)):
            self.images[torch.tensor(part)] = images
            done += part
            if time_left.over():
                break
        return sorted(done)

    def move(self, device: str) -> None:
        """Bring what was decoded into a device's memory."""
        self.images, self.labels = self.images.clone().to(device), self.labels.to(device)


def in_order(count: int, batch: int) -> List[List[int]]:
    """Positions in their own order, in batches."""
    return [list(range(at, min(at + batch, count))) for at in range(0, count, batch)]


def batches(data: Files, workers: int, order: List[List[int]]) -> Any:
    """A DataLoader over the files in batches of given positions."""
    return torch.utils.data.DataLoader(data, batch_sampler=order, num_workers=workers)
