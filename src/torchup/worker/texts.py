"""A user's own text as tokens: each byte is one, so that any file in any language can be trained on."""

from pathlib import Path

import idx
import torch

MOST_BYTES = 256 * 1024**2  # of the file's beginning


def read(path: str, context: int) -> torch.Tensor:
    """The file's bytes, int64. Raises `idx.DataError` for one that is missing or shorter than one sequence."""
    place = Path(path)
    try:
        with place.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise idx.DataError("data-unreadable", file=place.name, why=error.strerror or error) from error
    if len(content) < context + 2:
        raise idx.DataError("short-text", file=place.name, length=len(content), wanted=context + 2)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def batch(text: torch.Tensor, count: int, context: int, number: int) -> torch.Tensor:
    """[count, context + 1] tokens from random places, the same for a step's number."""
    generator = torch.Generator().manual_seed(number)
    starts = torch.randint(0, len(text) - context, (count,), generator=generator)
    return torch.stack([text[start : start + context + 1] for start in starts.tolist()]).long()
