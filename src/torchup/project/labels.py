"""Build labels in addresses and versions: ``cu126`` of ``.../whl/cu126`` and of ``2.14.1+cu126``."""

from __future__ import annotations

import re
from typing import Protocol

_LABEL = re.compile(r"cu\d{2,4}|rocm\d+(?:\.\d+){1,3}|xpu|cpu")


class Labels(Protocol):
    """What is asked about labels; `torchup.compat` answers."""

    def label_exists(self, label: str) -> bool:
        """Whether any release was ever published with it."""
        ...

    def on_platform(self, label: str, platform: str) -> bool:
        """Whether anything with it was ever published for a platform."""
        ...

    def is_published(self, torch: str, label: str, platform: str | None) -> bool | None:
        """Whether a release was published with it; ``None``: unknown."""
        ...


def label_of(url: str) -> str | None:
    """The label that an index's address ends in, known or not; ``None``: it is not the index of one build."""
    last = url.rstrip("/").rpartition("/")[2]
    found = _LABEL.fullmatch(last.lower())
    return found[0] if found is not None else None


def is_torch_index(url: str) -> bool:
    """Whether an address is a PyTorch index or a mirror of one, of one build or of all."""
    return label_of(url) is not None or bool(re.search(r"pytorch[^/]{0,40}/(?:whl|wheels)|/whl/?$|pytorch-wheels", url))


def same_url(one: str, other: str) -> bool:
    """Whether two addresses are the same but for a slash at the end."""
    return one.rstrip("/") == other.rstrip("/")
