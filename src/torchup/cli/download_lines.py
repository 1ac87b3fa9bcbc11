"""A few downloads on stderr: a bar where a person watches, else a line a tenth."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from torchup.cli.install_progress import install_progress
from torchup.install.base import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torchup.cli.session import Session
    from torchup.fetch import Progress
    from torchup.model import Message


@contextlib.contextmanager
def download_lines(session: Session, what: Message) -> Iterator[Callable[[Progress], None]]:
    """A function to give to `fetch.fetch_all`; ``what`` is said when the first byte comes."""
    with install_progress(session) as tell:
        event = Event(stage="download", text=what)
        begun = False

        def told(progress: Progress) -> None:
            nonlocal begun
            if not begun:
                begun = True
                tell(event)
            tell(Event(stage="download", text=what, download=progress))

        yield told
