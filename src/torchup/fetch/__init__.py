"""Downloads that survive: resumed after any break, in parallel, checked by hash, from the next place on a stall."""

from torchup.fetch.board import StoppedError
from torchup.fetch.order import CONNECTIONS, FileOrder, Patience, Place, Progress
from torchup.fetch.queue import fetch_all

__all__ = ["CONNECTIONS", "FileOrder", "Patience", "Place", "Progress", "StoppedError", "fetch_all"]
