"""Downloads that survive: resumed after any break, in parallel, checked by hash, from the next place on a stall."""

from torchup.fetch.order import FileOrder, Patience, Place, Progress
from torchup.fetch.queue import fetch_all

__all__ = ["FileOrder", "Patience", "Place", "Progress", "fetch_all"]
