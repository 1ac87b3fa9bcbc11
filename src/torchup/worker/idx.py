"""MNIST's file format (IDX): read with the standard library, checked before it is used.

Format: two zero bytes, a type byte (8 = unsigned byte), the number of dimensions, each dimension as a big-endian
32-bit integer, then the values in C order. Source: http://yann.lecun.com/exdb/mnist/ (the format's own page).
"""

import gzip
import hashlib
import struct
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import torch
from said import SaidError

BUNDLED = str(Path(__file__).resolve().parent / "data" / "mnist")
# SHA-256 of the uncompressed files; the values of the canonical distribution.
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
UNSIGNED_BYTE = 8
LARGEST_FILE = 2 * 1024**3  # bytes; a damaged header or a gzip bomb must not fill memory


class DataError(SaidError):
    """A data file is missing, damaged or of another kind; code and values say which and how."""


class BundledError(SaidError):
    """A file that torchup brings is not the one that it was made with."""


class Split(NamedTuple):
    """``images`` uint8 [n, height, width], ``labels`` int64 [n]; both on the CPU."""

    images: torch.Tensor
    labels: torch.Tensor


def read(path: str, checksum: Optional[str] = None) -> torch.Tensor:
    """Read one IDX file, gzipped or not, as a uint8 tensor. Raises `DataError`."""
    opener = gzip.open if path.endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError) as error:
        raise DataError("data-unreadable", file=Path(path).name, why=error) from error
    found = hashlib.sha256(content).hexdigest() if checksum is not None else None
    if found != checksum:
        raise BundledError("bundled-damaged", file=Path(path).name, found=found, wanted=checksum)
    return parse(content, Path(path).name)


def parse(content: bytes, label: str = "data") -> torch.Tensor:
    """Turn the bytes of an IDX file into a uint8 tensor. Raises `DataError` when they do not add up."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE or not 1 <= content[3] <= 4:
        raise DataError("not-idx", file=label)
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError("idx-header", file=label)
    shape: Tuple[int, ...] = struct.unpack(">%dI" % dimensions, content[4:header])
    size = 1
    for dimension in shape:
        size *= dimension
    if size == 0:
        raise DataError("idx-empty", file=label, shape=spelled(shape))
    if len(content) != header + size:
        held = len(content) - header
        raise DataError("idx-length", file=label, shape=spelled(shape), held=held, wanted=size)
    return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8).reshape(shape)


def spelled(shape: Sequence[int]) -> str:
    """A shape as people write it: ``60000 x 28 x 28``."""
    return " x ".join(map(str, shape))


def find(folder: str, name: str) -> str:
    """The path of one of the four files in a folder: plain or ``.gz``, also as ``train-images.idx3-ubyte``."""
    variants = (name, name.replace("-idx", ".idx"))
    for candidate in [v + suffix for v in variants for suffix in ("", ".gz")]:
        path = Path(folder, candidate)
        if path.is_file():
            return str(path)
    raise DataError("idx-missing", file=name)


def load(folder: Optional[str] = None) -> Tuple[Split, Split]:
    """(train, test) of a folder of IDX files; without one MNIST itself, its checksums verified.

    Raises:
        DataError: a file is missing, damaged, or images and labels do not go together.
    """
    checksums: Dict[str, str] = {} if folder else CHECKSUMS
    place = folder or BUNDLED
    splits = []
    for part in ("train", "t10k"):
        images_name, labels_name = part + "-images-idx3-ubyte", part + "-labels-idx1-ubyte"
        images = read(find(place, images_name), checksums.get(images_name))
        labels = read(find(place, labels_name), checksums.get(labels_name))
        if images.dim() != 3 or labels.dim() != 1 or len(images) != len(labels):  # n, height, width
            raise DataError("idx-pair", part=part, images=spelled(images.shape), labels=spelled(labels.shape))
        splits.append(Split(images, labels.long()))
    return splits[0], splits[1]
