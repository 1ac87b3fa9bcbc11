"""Long explanations: what a cause means, how to see it, how to fix it, on each system; the docs page too."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from torchup.model import Message, Value

if TYPE_CHECKING:
    from collections.abc import Mapping


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


@cache
def explanations() -> Mapping[str, Explanation]:
    """Every explanation by its slug, in the order of the rules."""
    from torchup.doctor.explanations import ALL  # noqa: PLC0415  # its modules import this one
    from torchup.doctor.rules import RULES  # noqa: PLC0415  # same

    table = {entry.slug: entry for entry in ALL}
    return {rule.slug: table[rule.slug] for rule in RULES}
