"""Long explanations: what a cause means, how to see it, how to fix it, on each system; the docs page too."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError, load_words, order, text_of
from torchup.model import Message, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEMS = ("linux", "windows", "macos", "wsl")


class Explanation(Value, frozen=True, kw_only=True):
    """One cause, for people. ``linux``... add what differs there."""

    slug: str
    title: Message
    meaning: Message
    see: Message
    fix: Message
    linux: Message | None = None
    windows: Message | None = None
    macos: Message | None = None
    wsl: Message | None = None

    @property
    def on(self) -> dict[str, Message]:
        """What is special to one system: its name -> text."""
        rows = (("Linux", self.linux), ("Windows", self.windows), ("macOS", self.macos), ("WSL", self.wsl))
        return {name: words for name, words in rows if words is not None}


def explanation(slug: str) -> Explanation:
    """The explanation of one cause. Raises `CauseFileError` where its file is broken."""
    found = load_words(slug).text
    special = {name: text_of(slug, name) for name in _SYSTEMS if getattr(found, name) is not None}
    return Explanation(
        slug=slug,
        title=text_of(slug, "title"),
        meaning=text_of(slug, "meaning"),
        see=text_of(slug, "see"),
        fix=text_of(slug, "fix"),
        **special,
    )


def explanations() -> Mapping[str, Explanation]:
    """Every explanation by its slug, in the order of the causes; that of a broken file is left out."""
    found: dict[str, Explanation] = {}
    for slug in order():
        with suppress(CauseFileError):  # the doctor names the file, and a test does
            found[slug] = explanation(slug)
    return found
