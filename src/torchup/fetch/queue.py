"""Several files one after another, each by several connections, with one progress over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.fetch.one import Fetching, Seen
from torchup.fetch.order import CONNECTIONS, FileOrder, Patience, Progress
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Host


def fetch_all(
    host: Host,
    orders: Sequence[FileOrder],
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
) -> dict[str, str]:
    """Fetch files into the store.

    Args:
        host: the machine.
        orders: the files; the largest should stand first.
        tell: receives the state, about ten times a second.
        patience: when to leave a place.
        connections: to one server at a time; at least 1.

    Returns:
        SHA-256 -> path of the verified file.

    Raises:
        NetworkError: a file is not available; InstallError: it cannot be written. What was fetched is kept.
    """
    total = sum(order.size or 0 for order in orders)
    before, found = 0, dict[str, str]()
    for order in orders:
        told = _Told(order=order, before=before, total=total, tell=tell)
        fetching = Fetching(
            host=host,
            patience=patience or Patience(),
            connections=connections,
            look=told.look,
            waiting=told.waiting,
        )
        found[order.sha256] = fetching.fetch(order)
        before += order.size or 0
    return found


class _Told(Value, frozen=True, kw_only=True):
    """One file's state as part of all: ``before`` bytes of ``total`` came with other files."""

    order: FileOrder
    before: int
    total: int
    tell: Callable[[Progress], None]

    def look(self, seen: Seen) -> None:
        """Pass on the state while it is fetched."""
        total = self.total + (0 if self.order.size else seen.total)
        self.tell(
            Progress(
                file=self.order.name, place=seen.place, done=seen.done, total=seen.total,
                all_done=self.before + seen.done, all_total=total, rate=seen.rate,
            )
        )  # fmt: skip

    def waiting(self) -> None:
        """Pass on that another torchup has it."""
        size = self.order.size or 0
        self.tell(
            Progress(
                file=self.order.name, place="", done=0, total=size, all_done=self.before, all_total=self.total,
                waiting=True,
            )
        )  # fmt: skip
