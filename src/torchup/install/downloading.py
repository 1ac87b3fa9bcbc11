"""The files of a lock, fetched into the store from whichever of a plan's sources has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from torchup.fetch import CONNECTIONS, FileOrder, fetch_all
from torchup.fetch.answers import PlaceError
from torchup.fetch.offered import size_at
from torchup.install.base import Event
from torchup.install.places import Reach, elsewhere
from torchup.model import message
from torchup.sources.parallel import in_parallel

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from torchup.fetch import Place
    from torchup.host import Host
    from torchup.install.base import Progress
    from torchup.install.lockfile import LockedFile
    from torchup.model import Message, Plan

ASKING = 30.0  # seconds for the sizes that the index does not tell
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Downloading:
    """How the files of one plan are fetched."""

    host: Host
    plan: Plan
    tell: Progress
    connections: int = CONNECTIONS
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach", Reach(self.host))

    def sized(self, files: Sequence[LockedFile]) -> list[LockedFile]:
        """The files with the sizes that an index does not tell (PyTorch's own tells none), asked of the server."""
        unknown = [file for file in files if file.size is None and is_remote(file)]

        def ask(file: LockedFile) -> int | None:
            try:
                return size_at(self.host, self.reach.place(file.url or ""), ASKING / 3)
            except PlaceError:
                return None

        sizes = dict(zip([file.url for file in unknown], in_parallel(ask, unknown, ASKING), strict=True))
        return [msgspec.structs.replace(file, size=file.size or sizes.get(file.url)) for file in files]

    def fetch(
        self,
        files: Sequence[LockedFile],
        *,
        ready: Callable[[str, str], None] = lambda *_: None,
        stop: threading.Event | None = None,
    ) -> dict[str, str]:
        """`FileOrder.key` -> path in the store; ``ready`` receives both as soon as a file is complete.

        Raises what `fetch_all` raises.
        """
        by_key = {self.order(file).key: file for file in files}
        orders = sorted([self.order(file) for file in by_key.values()], key=lambda order: -(order.size or 0))
        event = _event(files)
        self.tell(event)

        def more(order: FileOrder) -> tuple[Place, ...]:
            file = by_key[order.key]
            return elsewhere(self.reach, self.plan, file) if file.sha256 else ()

        return fetch_all(
            self.host,
            orders,
            tell=lambda progress: self.tell(msgspec.structs.replace(event, download=progress)),
            connections=self.connections,
            elsewhere=more,
            ready=lambda order, path: ready(order.key, path),
            stop=stop,
        )

    def order(self, file: LockedFile) -> FileOrder:
        """One file as the fetcher takes it."""
        place = self.reach.place(file.url or "")
        return FileOrder(name=file.name, sha256=file.sha256 or None, size=file.size, places=(place,))


def is_remote(file: LockedFile) -> bool:
    """Whether it comes over the network; a folder of wheels is the installer's to read."""
    return (file.url or "").startswith(WEB)


def _event(files: Sequence[LockedFile]) -> Event:
    if len(files) > 1:
        return Event(stage="download", text=fetching([file.size for file in files]))
    package, size = files[0].package, files[0].size
    if size is None:
        text = message("install.fetch-unsized", "download {package}", package=package)
    else:
        text = message("install.fetch-one", "download {package}, {size} MB", package=package, size=f"{size / 1e6:.1f}")
    return Event(stage="download", text=text)


def fetching(sizes: Sequence[int | None]) -> Message:
    """How much several files are; bytes, ``None`` for one whose size no server tells."""
    known, count = f"{sum(size or 0 for size in sizes) / 1e6:.1f}", len(sizes)
    if None in sizes:
        return message(
            "install.fetch-at-least", "download at least {size} MB (files: {count})", count=count, size=known
        )
    return message("install.fetch", "download {size} MB (files: {count})", count=count, size=known)
