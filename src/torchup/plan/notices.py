"""What a plan adds to its answer: a warning, or something good to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Notice

if TYPE_CHECKING:
    from torchup.model import Message


def warn(text: Message) -> Notice:
    """Something that can go wrong."""
    return Notice(code=text.code, level="warning", text=text)


def tell(text: Message) -> Notice:
    """Something good to know."""
    return Notice(code=text.code, level="info", text=text)
