"""A training that was interrupted goes on where it was: network, optimiser and place in the data, in one file.

The file is replaced as a whole, so one that a kill leaves behind is the last one or the one before. It is read back
without running anything from it (torch's ``weights_only``); a torch that cannot do that starts from the beginning.
"""

import os
import time
from typing import Any, Dict, Optional

import torch

EVERY = 20.0  # seconds between two files: writing one of a large network takes about one


class Checkpoint:
    """The file of one training. ``path``: where it is kept; ``None``: nowhere. ``work``: what it belongs to."""

    def __init__(self, path: Optional[str], work: Dict[str, Any]) -> None:
        self._path, self._work = path, work
        self._written = time.perf_counter()

    def read(self) -> Optional[Dict[str, Any]]:
        """What `write` was given last; ``None`` where there is no file, or that of another training."""
        if self._path is None or not os.path.exists(self._path):  # noqa: PTH110  # torch takes a string
            return None
        try:
            found = torch.load(self._path, map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001  # a torch that cannot read it safely, or a damaged file: from the beginning
            return None
        if not isinstance(found, dict) or found.get("work") != self._work:
            return None
        return found

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return self._path is not None and time.perf_counter() - self._written > EVERY

    def write(self, state: Dict[str, Any]) -> None:
        """Replace the file as a whole. A full disk does not stop the training."""
        if self._path is None:
            return
        beside = self._path + ".new"
        try:
            torch.save({**state, "work": self._work}, beside)
            with open(beside, "rb") as file:  # noqa: PTH123  # same
                os.fsync(file.fileno())
            os.replace(beside, self._path)  # noqa: PTH105  # same
        except (OSError, RuntimeError):
            self._path = None
        self._written = time.perf_counter()
