"""A user's own images: one folder a class, PNG or JPEG, decoded once into bytes before anything is timed.

``DIR/CLASS/*.png``, or ``DIR/train/CLASS`` and ``DIR/test/CLASS`` (also ``val``, ``valid``). Without a folder of tests
every sixth image of a class is kept for testing. Nothing of the names goes into a result.
"""

from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import idx
import torch

ENDINGS = (".png", ".jpg", ".jpeg")
TESTS = ("test", "val", "valid", "validation")
HELD_OUT = 6  # MNIST keeps one image of seven
MOST_BYTES = 4 * 1024**3  # decoded; more would fill the memory of a small machine

Reader = Callable[[Path], torch.Tensor]  # uint8 [channels, height, width]


class Labelled(NamedTuple):
    """An image file and the number of its class."""

    path: Path
    label: int


def is_folder_of_classes(folder: Path) -> bool:
    """Whether there are images below a folder, one folder a class."""
    places = (folder / "train", folder) if (folder / "train").is_dir() else (folder,)
    return any(_images(sub) for place in places for sub in _folders(place))


def load(folder: str, mode: str, most: Optional[int] = None) -> Tuple[idx.Split, idx.Split]:
    """(train, test): images uint8 [n, h, w] in mode ``L``, [n, 3, h, w] in ``RGB``; labels by the names' order.

    Args:
        folder: the user's folder.
        mode: Pillow's: ``L`` grey, ``RGB`` colour; images of the other kind are converted.
        most: at most that many training images, taken evenly from all classes.

    Raises:
        idx.DataError: no images, a single class, an image that cannot be read or has another size than the first.
    """
    train, test = listed(Path(folder))
    if most is not None and len(train) > most:
        train = [train[position * len(train) // most] for position in range(most)]
    read = _reader(mode)
    first = read(train[0].path)
    if (len(train) + len(test)) * first.numel() > MOST_BYTES:
        count = len(train) + len(test)
        raise idx.DataError("too-many", count=count, size=_size(first), most=MOST_BYTES // 1024**3)
    return _decode(train, read, first), _decode(test, read, first)


def listed(place: Path) -> Tuple[List[Labelled], List[Labelled]]:
    """The files of both parts, by class and name."""
    root = place / "train" if (place / "train").is_dir() else place
    names = [sub.name for sub in _folders(root)]
    if len(names) < 2:
        raise idx.DataError("one-class", name=names[0]) if names else idx.DataError("no-classes")
    found = _of_classes(root, names)
    tests = next((place / name for name in TESTS if (place / name).is_dir()), None) if root != place else None
    if tests is not None:
        return found, _of_classes(tests, names)
    held = [image for number, image in enumerate(found) if number % HELD_OUT == HELD_OUT - 1]
    kept = [image for number, image in enumerate(found) if number % HELD_OUT != HELD_OUT - 1]
    if not held:
        raise idx.DataError("too-few", count=len(found), share=HELD_OUT)
    return kept, held


def _of_classes(root: Path, names: List[str]) -> List[Labelled]:
    found = []
    for label, name in enumerate(names):
        files = _images(root / name)
        if not files:
            raise idx.DataError("empty-folder", name=name, where=root.name)
        found += [Labelled(path, label) for path in files]
    strange = [sub.name for sub in _folders(root) if sub.name not in names]
    if strange:
        raise idx.DataError("strange-class", name=strange[0], where=root.name)
    return found


def _folders(place: Path) -> List[Path]:
    try:
        return sorted(sub for sub in place.iterdir() if sub.is_dir() and not sub.name.startswith("."))
    except OSError as error:
        raise idx.DataError("folder-unreadable", why=error.strerror or error) from error


def _images(place: Path) -> List[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def _decode(files: List[Labelled], read: Reader, first: torch.Tensor) -> idx.Split:
    """All files in one tensor; grey images lose their single channel."""
    images = torch.empty((len(files), *first.shape), dtype=torch.uint8)
    for number, (path, _) in enumerate(files):
        image = read(path)
        if image.shape != first.shape:
            name = "%s/%s" % (path.parent.name, path.name)
            raise idx.DataError("mixed-sizes", name=name, size=_size(image), other=_size(first))
        images[number] = image
    return idx.Split(images.squeeze(1), torch.tensor([label for _, label in files]))


def _size(image: torch.Tensor) -> str:
    return "%d x %d" % (image.shape[2], image.shape[1])


def _reader(mode: str) -> Reader:
    """What decodes here: Pillow, else torchvision. Raises `idx.DataError` without either."""
    decode: Callable[[Path], Any]
    try:
        from PIL import Image
    except ImportError:
        decode = _with_torchvision(mode)
    else:

        def decode(path: Path) -> torch.Tensor:
            with Image.open(path) as image:
                flat = torch.frombuffer(bytearray(image.convert(mode).tobytes()), dtype=torch.uint8)
                return flat.view(image.height, image.width, len(mode)).permute(2, 0, 1)

    def read(path: Path) -> torch.Tensor:
        try:
            return decode(path)
        except Exception as error:  # decoders raise many kinds, and a bomb is one of them
            name = "%s/%s" % (path.parent.name, path.name)
            raise idx.DataError("no-image", name=name, why=type(error).__name__) from error

    return read


def _with_torchvision(mode: str) -> Callable[[Path], Any]:
    try:
        from torchvision import io
    except Exception as error:  # a torchvision made for another torch raises anything
        raise idx.DataError("no-decoder") from error
    how = io.ImageReadMode.GRAY if mode == "L" else io.ImageReadMode.RGB
    return lambda path: io.read_image(str(path), how)
