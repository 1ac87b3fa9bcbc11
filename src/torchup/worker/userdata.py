"""The user's data folder (``--data DIR``): which of the known kinds it is, and its images."""

from pathlib import Path
from typing import Optional, Tuple

import cifar
import idx
import imagefolder


def grey(folder: Optional[str]) -> Tuple[idx.Split, idx.Split]:
    """(train, test) for the article's program: a folder of IDX files or of images; MNIST itself without a folder.

    Raises:
        idx.DataError: no such folder, nothing known in it, or damaged files.
    """
    if folder is None:
        return idx.load()
    place = _existing(folder)
    if not _has_idx(place) and imagefolder.is_folder_of_classes(place):
        return imagefolder.load(folder, "L")
    if cifar.is_cifar(place):
        raise idx.DataError("cifar-files")
    if not _has_idx(place):
        raise idx.DataError("no-data", name=place.name)
    return idx.load(folder)


def colour(folder: Optional[str], most: int) -> idx.Split:
    """Training images of 3 channels: CIFAR-10's binary files or images; made-up ones without a folder.

    ``most``: how many are needed at most; of images no more are decoded.
    """
    if folder is None:
        return cifar.load(None)
    place = _existing(folder)
    if not cifar.is_cifar(place) and imagefolder.is_folder_of_classes(place):
        return imagefolder.load(folder, "RGB", most)[0]
    if not cifar.is_cifar(place):
        raise idx.DataError("no-colour-data", name=place.name)
    return cifar.load(folder)


def _existing(folder: str) -> Path:
    place = Path(folder)
    if not place.is_dir():
        raise idx.DataError("no-folder", name=place.name)
    return place


def _has_idx(place: Path) -> bool:
    return any("ubyte" in path.name for path in place.iterdir())
